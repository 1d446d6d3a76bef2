"""A function over a grid of settings: stored as it goes, stopped at will, resumed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
