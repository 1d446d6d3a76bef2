from .ensemble import Ensemble as Ensemble
from .ensemble import fit_ensemble as fit_ensemble
from .estimator import NTKRegressor as NTKRegressor
from .gp_kernel import NTK as NTK
