"""Compare associative memories by published protocols, yours among them.

`run` measures memories on the same rows and cues, each protocol with its own damage, success rule
and sizes (`PROTOCOLS`), beside those that come with the package (`MEMORIES`). A memory is a
function `store(patterns)` that returns a function `recall(cues)`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
