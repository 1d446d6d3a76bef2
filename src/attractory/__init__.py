"""Store examples as attractors of overparameterized sigmoid autoencoders, and recall them.

The functions most scripts call are here, listed in `__init__.pyi`; result classes, drawing and
files are in the folders: `activations`, `datasets`, `duals`, `kernels`, `maps`, `analysis`,
`memory`, `io`, `plotting`, `regression`, `sweeps`, `theory`, `paper`, `bench`. All of them are
loaded on first use, so that importing the package, and asking the command for help, does not load
JAX.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
