"""Whether a map holds its patterns: by how much it misses them, and the warning if it does."""

from abc import abstractmethod

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from attractory._util.aliases import ArrayLike
from attractory._util.caller import warn_caller

__all__ = ["InterpolationWarning", "StoredMap"]

INTERPOLATES = 1e-6  # largest miss of a pattern, relative to its norm, that counts as stored


_OFFSET = 1e-2  # spread of patterns, relative to their mean, below which centring is advised


class InterpolationWarning(UserWarning):
    """A memory does not reproduce its own patterns."""


class StoredMap(eqx.Module):
    """What maps that were made of patterns have in common.

    Attributes:
        patterns: the stored examples, (n, d).
        residual: largest ‖f(xᵢ) − xᵢ‖/‖xᵢ‖ over the patterns, measured after fitting.
    """

    patterns: Float[Array | np.ndarray, "n d"]
    residual: Float[Array | np.ndarray, ""]  # an array: a number would be compiled into functions

    @property
    def dim(self) -> int:
        """Size of a pattern."""
        return self.patterns.shape[1]

    @property
    def interpolates(self) -> bool:
        """Whether every pattern is a fixed point to 1e-6 of its norm."""
        return float(self.residual) <= INTERPOLATES

    def __hash__(self) -> int:
        """Hash by identity: `jax.jit` of the map itself needs one, and arrays have none."""
        return id(self)

    def __repr__(self) -> str:
        """Say what is stored, and how exactly."""
        state = "interpolates" if self.interpolates else "DOES NOT INTERPOLATE"
        return (
            f"{type(self).__name__}({self._contents()}: {state}, "
            f"residual {float(self.residual):.1e})"
        )

    @abstractmethod
    def _contents(self) -> str:
        """Say what is stored, for `repr`."""

    @abstractmethod
    def __call__(self, x: ArrayLike) -> Float[Array | np.ndarray, "*k d"]:
        """Apply the map to the last axis."""


def missed_by(
    values: ArrayLike, targets: Float[np.ndarray, "n d"], x: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"]:
    """Return by how much of each pattern's norm its target is missed."""
    return np.linalg.norm(np.asarray(values) - targets, axis=1) / np.linalg.norm(x, axis=1)


def advice_on_offset(x: Float[np.ndarray, "n d"]) -> str:
    """Advise to centre patterns, which are far from 0 for what they differ by; else nothing."""
    mean = x.mean(axis=0)
    apart, far = float(np.abs(x - mean).max()), float(np.abs(mean).max())
    if apart >= _OFFSET * far:
        return ""
    return (
        f"; the patterns differ by {apart:.0e} at values near {far:.0e}, so subtract their mean "
        "(AttractorMemory does)"
    )


def warn_of_misses(f: StoredMap, x: Float[np.ndarray, "n d"]) -> None:
    """Warn about the pattern missed by most, if f does not interpolate its patterns x."""
    if f.interpolates:
        return
    missed = missed_by(f(x), x, x)
    warn_caller(
        f"the memory does not interpolate: pattern {int(missed.argmax())} is missed by "
        f"{missed.max():.1e} of its norm (K is nearly singular, or solver='cg' was short of "
        "steps); a larger norm, fewer near-duplicates, a small ridge or more max_steps would do"
        + advice_on_offset(x),
        InterpolationWarning,
    )
