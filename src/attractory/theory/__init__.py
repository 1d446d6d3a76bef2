"""Every statement of Jiang & Pehlevan (2020) as a function of a setting.

Each returns a `Finding`: what the statement predicts, what is measured, whether they agree, and
which of its assumptions the setting does not meet. `verify` runs them all. One module per section:
`initial` (4.1, A), `stored_example` (4.2, B), `linear_region` and `projection` (4.3, C),
`gradient`, `large_norm` and `drop` (4.4, D).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
