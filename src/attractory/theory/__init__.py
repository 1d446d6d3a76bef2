"""Every statement of Jiang & Pehlevan (2020) as a function of a setting.

Each returns a `Finding`: what the statement predicts, what is measured, whether they agree, and
which of its assumptions the setting does not meet. `verify` runs them all. One module a section:
`initial` (4.1, A), `stored_example` (4.2, B), `linear_region` and `projection` (4.3, C),
`gradient`, `large_norm` and `drop` (4.4, D).
"""

from attractory.theory.claims import Claim, Finding
from attractory.theory.drop import drop_below_one
from attractory.theory.gradient import (
    closed_form,
    dominance,
    gradient_norms,
    gradient_parts,
    spike,
    surrogate_ntk,
)
from attractory.theory.initial import (
    InitialMoments,
    initial_jacobian_norm,
    initial_moments,
    proposition_2,
    sample_initial_jacobian,
    tau,
    theorem_1,
)
from attractory.theory.large_norm import (
    approach_rate,
    diagonal_growth,
    large_enough_norm,
    large_norm_limit,
)
from attractory.theory.linear_region import lemma_2, lemma_3, lemma_4
from attractory.theory.maps import limit_map
from attractory.theory.projection import (
    corollary_7,
    corollary_8,
    lemma_6,
    lemma_9,
    remark_2,
    shrinkage,
)
from attractory.theory.stored_example import lemma_5, single_example
from attractory.theory.verify import Check, statement_names, verify

__all__ = [
    "Check",
    "Claim",
    "Finding",
    "InitialMoments",
    "approach_rate",
    "closed_form",
    "corollary_7",
    "corollary_8",
    "diagonal_growth",
    "dominance",
    "drop_below_one",
    "gradient_norms",
    "gradient_parts",
    "initial_jacobian_norm",
    "initial_moments",
    "large_enough_norm",
    "large_norm_limit",
    "lemma_2",
    "lemma_3",
    "lemma_4",
    "lemma_5",
    "lemma_6",
    "lemma_9",
    "limit_map",
    "proposition_2",
    "remark_2",
    "sample_initial_jacobian",
    "shrinkage",
    "single_example",
    "spike",
    "statement_names",
    "surrogate_ntk",
    "tau",
    "theorem_1",
    "verify",
]
