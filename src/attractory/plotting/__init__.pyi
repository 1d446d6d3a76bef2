from .basins import plot_census as plot_census
from .basins import plot_recall_curve as plot_recall_curve
from .radii import plot_best_norm as plot_best_norm
from .radii import plot_norm_profile as plot_norm_profile
from .radii import plot_radii as plot_radii
from .spectra import plot_critical_norm as plot_critical_norm
from .spectra import plot_eigenvalues as plot_eigenvalues
from .spectra import plot_image_rows as plot_image_rows
