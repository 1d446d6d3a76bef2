"""Check every statement of the paper inside, at the edge of and outside its assumptions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from attractory.datasets import sphere
from attractory.theory.drop import drop_below_one
from attractory.theory.findings import Finding
from attractory.theory.gradient import closed_form, dominance, gradient_norms, spike
from attractory.theory.initial import proposition_2, theorem_1
from attractory.theory.large_norm import large_norm_limit
from attractory.theory.linear_region import lemma_2, lemma_3, lemma_4
from attractory.theory.projection import corollary_7, corollary_8, lemma_6, lemma_9, remark_2
from attractory.theory.stored_example import lemma_5, single_example

__all__ = ["Check", "statement_names", "verify"]

Place = Literal["inside", "edge", "outside"]


class _Setting(NamedTuple):
    place: Place
    evaluate: Callable[[], Finding]


@dataclass(frozen=True)
class Check:
    """A finding, and whether its setting meets the statement's assumptions.

    Attributes:
        name: of the statement, as `verify` takes it.
        place: "inside", "edge" or "outside".
        finding: what was predicted and measured.
    """

    name: str
    place: Place
    finding: Finding

    @property
    def passed(self) -> bool:
        """Whether it holds where it must and, outside its assumptions, fails.

        A statement that holds outside, too, would be a check that cannot fail.
        """
        if self.place == "outside":
            return bool(self.finding.unmet) and not self.finding.agrees
        return self.finding.verdict == "holds"


def _inside(function: Callable[..., Finding], *args: Any, **kwargs: Any) -> _Setting:
    return _Setting("inside", partial(function, *args, **kwargs))


def _edge(function: Callable[..., Finding], *args: Any, **kwargs: Any) -> _Setting:
    return _Setting("edge", partial(function, *args, **kwargs))


def _outside(function: Callable[..., Finding], *args: Any, **kwargs: Any) -> _Setting:
    return _Setting("outside", partial(function, *args, **kwargs))


def _settings() -> dict[str, tuple[_Setting, ...]]:
    x, wide, square = sphere(5, 10), sphere(8, 32), sphere(10, 10)
    pair = np.vstack([x, -x[:1]])
    wide_pair = np.vstack([wide, -wide[:1]])
    two_pairs = np.vstack([wide, -wide[:2]])
    plane = np.array([[1.0, 2.0], [-1.0, -2.0]])
    return {
        "proposition-2": (
            *(_inside(proposition_2, width=1000, depth=depth) for depth in (2, 3, 4, 5)),
            *(
                _inside(proposition_2, width=1000, depth=3, activation=name)
                for name in ("tanh", "erf")
            ),
            _edge(proposition_2, width=1000, norm=0.0),
            _edge(proposition_2, width=1000, norm=100.0, cosine=1.0, depth=3),
            _outside(proposition_2, width=2, depth=5, activation="erf", draws=600),
        ),
        "theorem-1": (
            _inside(theorem_1, width=2000),
            _inside(theorem_1, width=2000, depth=4, activation="tanh", dim=64),
            _edge(theorem_1, width=2000, norm=0.0),
            _outside(theorem_1, width=8),
        ),
        "lemma-5": (
            _inside(lemma_5),
            _inside(lemma_5, depth=4, norm=1000.0),
            _edge(lemma_5, norm=0.0),
            _outside(lemma_5, norm=1.0, activation="tanh"),
            _outside(lemma_5, norm=1.0, activation="erf", depth=3),
        ),
        "one-example": (
            _inside(single_example, norm=30.0),
            _inside(single_example, norm=30.0, depth=4),
            _inside(single_example, norm=30.0, f0="sampled"),
            _edge(single_example, norm=1e5),
            _edge(single_example, norm=1e-3),
            _outside(single_example, norm=1.0, activation="tanh"),
        ),
        "lemma-2": (
            _inside(lemma_2, square),
            _edge(lemma_2, square, alpha=3.0),
            _edge(lemma_2, square, f0="zero"),
            _outside(lemma_2, square[:9]),
        ),
        "lemma-3": (
            _inside(lemma_3, x),
            _inside(lemma_3, x, f0="zero"),
            _edge(lemma_3, square),
            _edge(lemma_3, x, alpha=0.56),
            _outside(lemma_3, x[:1], alpha=3.0),
            _outside(lemma_3, pair),
            _outside(lemma_3, sphere(12, 10)),
        ),
        "lemma-4": (
            _inside(lemma_4, x, beta=4.0),
            _inside(lemma_4, x, f0="zero"),
            _edge(lemma_4, square, beta=4.0),
            _edge(lemma_4, x[:2], beta=4.0),
            _outside(lemma_4, x[:1], beta=4.0),
            _outside(lemma_4, x[:2], alpha=3.0, beta=0.1),
            _outside(lemma_4, sphere(12, 10), beta=4.0),
        ),
        "lemma-6": (
            _inside(lemma_6, x, 1.0),
            _edge(lemma_6, square, 1.0),
            _edge(lemma_6, x, 1e-6),
            _outside(lemma_6, x, -0.1),
            _outside(lemma_6, sphere(12, 10), 1.0),
        ),
        "corollary-7": (
            _inside(corollary_7, x, 1.0),
            _edge(corollary_7, x[:1], 1.0),
            _edge(corollary_7, square, 100.0),
            _outside(corollary_7, sphere(12, 10), 1.0),
        ),
        "corollary-8": (
            _inside(corollary_8, x, 1.0),
            _edge(corollary_8, x, 0.0),
            _outside(corollary_8, x[:1], 1.0),
            _outside(corollary_8, x, -0.03),
        ),
        "remark-2": (
            _inside(remark_2, x, 1.0),
            _inside(remark_2, x, -2.5),
            _edge(remark_2, x, -2.0),
            _outside(remark_2, x, -0.1),
            _outside(remark_2, x, -0.5),
            _outside(remark_2, x, -1.5),
        ),
        "lemma-9": (
            _inside(lemma_9, x),
            _edge(lemma_9, x[:1]),
            _outside(lemma_9, plane),
        ),
        "appendix-d1": (
            _inside(closed_form),
            _edge(closed_form, norm=1000.0),
            _outside(closed_form, activation="sigmoid"),
            _outside(closed_form, depth=3),
        ),
        "appendix-d2": (
            _inside(gradient_norms),
            _edge(gradient_norms, correlation=1.0),
            _edge(gradient_norms, norm=100.0, correlation=-1.0),
            _outside(gradient_norms, activation="sigmoid"),
            _inside(spike),
            _edge(spike, correlation=-0.99999),
            _outside(spike, correlation=0.5),
            _inside(dominance, wide),
            _inside(dominance, wide, activation="tanh", depth=3),
            _outside(dominance, wide_pair),
            _outside(dominance, wide, norm=5.0),
        ),
        "limit": (
            _inside(large_norm_limit, wide, activation="erf_surrogate"),
            _inside(large_norm_limit, wide),
            _inside(large_norm_limit, wide, activation="tanh"),
            _inside(large_norm_limit, wide, activation="erf"),
            _inside(large_norm_limit, wide, activation="arctan"),
            _inside(large_norm_limit, wide, activation="softsign"),
            _inside(large_norm_limit, wide, depth=3),
            _inside(large_norm_limit, wide, depth=4, activation="tanh"),
            _inside(large_norm_limit, wide, f0="sampled"),
            _edge(large_norm_limit, wide_pair),
            _edge(large_norm_limit, two_pairs, activation="erf_surrogate"),
            _edge(large_norm_limit, two_pairs, activation="tanh"),
            _edge(large_norm_limit, wide[:1]),
            _outside(large_norm_limit, wide, norm=10.0),
            _outside(large_norm_limit, wide, norm=10.0, f0="sampled"),
        ),
        "drop": (
            _inside(drop_below_one, wide, activation="erf_surrogate", points=5),
            _inside(drop_below_one, wide, points=5),
            _inside(drop_below_one, wide, activation="erf", depth=3, width=600, points=5),
            _inside(drop_below_one, wide, activation="erf", depth=4, width=600, points=5),
            _edge(drop_below_one, sphere(40, 32), activation="erf_surrogate", points=5),
            _edge(drop_below_one, wide[:1], activation="erf", points=5),
            _outside(drop_below_one, wide, activation="erf_surrogate", f0="zero", points=5),
        ),
    }


def statement_names() -> tuple[str, ...]:
    """Return the names `verify` takes, in the paper's order.

    Example:
        >>> statement_names()[:3]
        ('proposition-2', 'theorem-1', 'lemma-5')
    """
    return tuple(_settings())


def verify(
    statements: Sequence[str] = (), *, progress: Callable[[int, int, str], object] | None = None
) -> list[Check]:
    """Evaluate statements in all their settings.

    Args:
        statements: names from `statement_names`; all by default.
        progress: called with settings done, settings in all, and the name of the next.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> [check.place for check in verify(["lemma-9"])]
        ['inside', 'edge', 'outside']
        >>> all(check.passed for check in verify(["lemma-9", "remark-2"]))
        True
    """
    settings = _settings()
    unknown = [name for name in statements if name not in settings]
    if unknown:
        raise ValueError(
            f"statement must be one of {', '.join(settings)}; got {', '.join(map(repr, unknown))}"
        )
    wanted = [(name, s) for name in settings if not statements or name in statements
              for s in settings[name]]  # fmt: skip
    checks = []
    for done, (name, setting) in enumerate(wanted):
        if progress is not None:
            progress(done, len(wanted), name)
        checks.append(Check(name, setting.place, setting.evaluate()))
    return checks
