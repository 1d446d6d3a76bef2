"""Everything x ↦ f(x) that stores patterns: the infinite-width regression, the finite network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
