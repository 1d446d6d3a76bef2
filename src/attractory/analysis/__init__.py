"""What a map does: recall, spectra, basins, certificates, the norm that serves best."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
