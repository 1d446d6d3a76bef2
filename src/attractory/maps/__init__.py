"""Maps x ↦ f(x) that store patterns: the infinite-width regression and finite networks.

A map is any function of one array (`Map`). `fit_regression` gives the infinite-width limit of a
network trained from zero output, `fit_sampled_regression` that of a network trained from its own
initial output; `Autoencoder` is a finite network, and `train` trains it
(docs/explanation/training.md).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
