from .bell import Bell as Bell
from .expansion import QuadratureError as QuadratureError
from .expansion import activation_from as activation_from
from .gated import Gated as Gated
from .piecewise_linear import PiecewiseLinear as PiecewiseLinear
from .polynomial import Polynomial as Polynomial
from .protocol import DualActivation as DualActivation
from .waves import Sinusoid as Sinusoid
