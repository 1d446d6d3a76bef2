"""The simulations of Jiang & Pehlevan (2020), regenerated: one file a figure in `paper.figures`.

A figure is a list of cells (settings that become numbers), claims, each with the rule it is judged
by, and pictures. `reproduce` runs figures and writes a report; the command is
`attractory reproduce`.

| file of `figures` | what it shows |
|---|---|
| `figure_d1` | D.1: the gradient's second component against the norm |
| `figure_e1` | E.1: eigenvalues in the linear region |
| `figure_e2` | E.2: convergence rate against norm and noise, random data |
| `figure_e3` | E.3 and 4b: the same on MNIST |
| `figure_5` | 5 and E.4 to E.6: largest eigenvalue and histograms against the norm |
| `f0` | what f0 does to the spectrum (errata 16) |
| `basin_and_norm` | the basin grows with the norm, then shrinks (errata 12) |
| `e1_against_norm` | where E.1 stops holding (errata 13) |
| `norm_and_number` | beyond: relative basin against norm and n |
| `depth`, `activations` | beyond: depth 2 to 4; arctan and softsign |
| `capacity` | beyond: how many patterns a memory holds |
| `why_sigmoids` | beyond: ReLU and GELU in place of sigmoids |

Beside the figures: `setup` makes patterns and trained networks; `basin_cells` and `limit_cells` are
what several figures compute, `basin_claims` and `limit_claims` what these figures claim and draw;
`claims` says what a claim is, `statistics` when an interval decides it; `run` runs figures, and
`report` writes the report.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
