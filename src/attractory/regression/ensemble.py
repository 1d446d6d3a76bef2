r"""Ensembles of infinitely wide networks trained on rows by gradient flow, in closed form.

Networks of random weights f₀ trained on ½ Σ‖f(xᵢ) − yᵢ‖² by gradient flow move, as the widths go
to infinity, by their NTK Θ alone, and their outputs stay normal (Lee, Xiao, Schoenholz, Bahri,
Novak, Sohl-Dickstein & Pennington, 2019, *Wide neural networks of any depth evolve as linear
models under gradient descent*). With K the NNGP kernel and

    B_t = (Θ + ρ)⁻¹ (1 − e^{−(Θ + ρ)t}),   A_t(x) = Θ(x, X) B_t,

the ensemble at time t has mean A_t(x) Y and covariance

    K(x, x′) + A_t(x) K(X, X) A_t(x′)ᵀ − A_t(x) K(X, x′) − K(x, X) A_t(x′)ᵀ,

the same for each output. ρ is a weight decay towards the initial weights. The last layer trained
alone, or exact Bayesian inference, gives the NNGP posterior instead.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from attractory._util.aliases import ArrayLike
from attractory._util.validation import as_points, nonnegative, real_array
from attractory.activations import Activation
from attractory.kernels.matrices import nngp, ntk
from attractory.solvers.flow import checked_time, decomposed, flow_filter

__all__ = ["Ensemble", "fit_ensemble"]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Infinitely wide networks trained on rows; made by `fit_ensemble`.

    Attributes:
        x, y: the rows, (n, d), and their targets, (n, k) or (n,).
        settings: activation, depth, weight_std and bias_std, as of `ntk`.
        ridge: ρ; and the noise's variance in `posterior`.
    """

    x: Float[np.ndarray, "n d"]
    y: Float[np.ndarray, "n *k"]
    settings: dict[str, object]
    ridge: float

    @cached_property
    def _ntk(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues, none below 0, and eigenvectors of Θ(X, X)."""
        return decomposed(ntk(self.x, **self.settings))  # pyright: ignore[reportArgumentType]

    @cached_property
    def _nngp(self) -> np.ndarray:
        return np.asarray(nngp(self.x, **self.settings))  # pyright: ignore[reportArgumentType]

    def _between(self, kind: str, x: np.ndarray, y: np.ndarray | None) -> np.ndarray:
        kernel = ntk if kind == "ntk" else nngp
        return np.asarray(kernel(x, y, **self.settings))  # pyright: ignore[reportArgumentType]

    def mean(self, x: ArrayLike, time: float | None = None) -> Float[np.ndarray, "m *k"]:
        """Return the mean of the trained networks, f₀ being 0 in the mean.

        Args:
            x: points, (m, d).
            time: of the flow, at least 0; without end by default.

        Raises:
            ValueError: for a time below 0, or points that are not of the rows' dimension.
        """
        points, time = self._points(x), checked_time(time)
        values, vectors = self._ntk
        filtered = flow_filter(values, self.ridge, time)
        weights = vectors @ (filtered.reshape(-1, *[1] * (self.y.ndim - 1)) * (vectors.T @ self.y))
        return self._between("ntk", points, self.x) @ weights

    def covariance(self, x: ArrayLike, time: float | None = None) -> Float[np.ndarray, "m m"]:
        """Return the covariance of the trained networks' outputs, (m, m), the same for each output.

        Arguments and errors as `mean`.
        """
        points, time = self._points(x), checked_time(time)
        values, vectors = self._ntk
        a = self._between("ntk", points, self.x) @ vectors
        a = (a * flow_filter(values, self.ridge, time)) @ vectors.T
        cross = a @ self._between("nngp", self.x, points)
        prior = self._between("nngp", points, None)
        found = prior + a @ self._nngp @ a.T - cross - cross.T
        return (found + found.T) / 2

    def posterior(self, x: ArrayLike) -> tuple[Float[np.ndarray, "m *k"], Float[np.ndarray, "m m"]]:
        """Return mean and covariance of the NNGP posterior, `ridge` the variance of noise in y.

        Example:
            >>> ensemble = fit_ensemble([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], ridge=0.1)
            >>> mean, covariance = ensemble.posterior([[1.0, 0.0]])
            >>> mean.shape, covariance.shape
            ((1,), (1, 1))
        """
        points = self._points(x)
        values, vectors = decomposed(self._nngp)
        cross = self._between("nngp", points, self.x) @ vectors
        filtered = cross * flow_filter(values, self.ridge, np.inf)
        prior = self._between("nngp", points, None)
        covariance = prior - filtered @ cross.T
        return filtered @ (vectors.T @ self.y), (covariance + covariance.T) / 2

    def _points(self, x: ArrayLike) -> np.ndarray:
        return as_points(x, "x", self.x.shape[1])


def fit_ensemble(
    x: ArrayLike,
    y: ArrayLike,
    *,
    activation: str | Activation = "relu",
    depth: int = 2,
    weight_std: float | ArrayLike = 1.0,
    bias_std: float | ArrayLike | None = None,
    ridge: float = 0.0,
) -> Ensemble:
    """Return the ensemble of infinitely wide networks trained on rows and targets.

    Nothing is factorised before it is asked for.

    Args:
        x: rows, (n, d).
        y: targets, (n,) or (n, k).
        activation, depth, weight_std, bias_std: of the networks, as for `ntk`.
        ridge: weight decay towards the initial weights (`Ensemble`), and the posterior's noise.

    Raises:
        ValueError: for values that are not finite, shapes that do not fit, or a negative ridge;
            of `ntk` besides.

    Example:
        >>> ensemble = fit_ensemble([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
        >>> ensemble.mean([[1.0, 0.0]], time=0.0).tolist(), ensemble.mean([[1.0, 0.0]]).round(9)
        ([0.0], array([1.]))
    """
    rows, targets = as_points(x, "x"), real_array(y, "y")
    if targets.ndim not in (1, 2) or len(targets) != len(rows):
        raise ValueError(
            f"y must have shape ({len(rows)},) or ({len(rows)}, k), got {targets.shape}"
        )
    if not np.isfinite(targets).all():
        raise ValueError("y must be finite")
    settings: dict[str, object] = {
        "activation": activation, "depth": depth, "weight_std": weight_std, "bias_std": bias_std,
    }  # fmt: skip
    ntk(rows[:1], **settings)  # pyright: ignore[reportArgumentType]  # checks the settings
    return Ensemble(rows, targets, settings, nonnegative(ridge, "ridge"))
