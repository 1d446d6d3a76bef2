"""`AttractorMemory`, a scikit-learn estimator, and its parts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
