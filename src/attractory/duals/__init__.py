"""Activations other than sigmoidal ones, each with the Gaussian expectations its kernels need."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
