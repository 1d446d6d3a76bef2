from .kernel import Kernel as Kernel
from .matrices import KernelGradient as KernelGradient
from .matrices import nngp as nngp
from .matrices import nngp_gradient as nngp_gradient
from .matrices import ntk as ntk
from .matrices import ntk_gradient as ntk_gradient
