"""Infinite-width NNGP kernels and NTKs, exact for mixtures of error functions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
