"""Infinitely wide networks as a regressor of scikit-learn."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from attractory._util.validation import choice
from attractory.regression.ensemble import fit_ensemble
from attractory.solvers.flow import checked_time

__all__ = ["NTKRegressor"]


class NTKRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """An ensemble of infinitely wide networks trained by gradient flow, or their NNGP posterior.

    Args:
        activation, depth, weight_std, bias_std: of the networks, as for `ntk`.
        kind: "ntk" for networks trained by gradient flow; "nngp" for exact Bayesian inference.
        ridge: weight decay towards the initial weights, or the variance of noise.
        time: of the flow, at least 0; None for its end. With "ntk" alone.

    Attributes:
        ensemble_: the `Ensemble`, with covariances.
        n_features_in_: number of columns.

    Example:
        >>> x = np.linspace(-1, 1, 20)[:, None]
        >>> model = NTKRegressor(depth=3).fit(x, np.abs(x).ravel())
        >>> bool(model.score(x, np.abs(x).ravel()) > 0.99)
        True
    """

    def __init__(
        self,
        activation: Any = "relu",
        depth: Any = 2,
        weight_std: Any = 1.0,
        bias_std: Any = 0.5,
        kind: Any = "ntk",
        ridge: Any = 1e-6,
        time: Any = None,
    ):
        """Keep the arguments, whatever they are: scikit-learn clones estimators by them."""
        self.activation = activation
        self.depth = depth
        self.weight_std = weight_std
        self.bias_std = bias_std
        self.kind = kind
        self.ridge = ridge
        self.time = time

    def fit(self, X: Any, y: Any) -> "NTKRegressor":
        """Train on rows X, (n, d), and targets y, (n,) or (n, k).

        Raises:
            ValueError: as `fit_ensemble`, and for an unknown kind or a time below 0.
        """
        kind, time = choice(self.kind, "kind", ("ntk", "nngp")), checked_time(self.time)
        if kind == "nngp" and np.isfinite(time):
            raise ValueError("time is of gradient flow, kind='ntk'; it must be None with 'nngp'")
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        self.ensemble_ = fit_ensemble(
            X, y, activation=self.activation, depth=self.depth, weight_std=self.weight_std,
            bias_std=self.bias_std, ridge=self.ridge,
        )  # fmt: skip
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the mean at points X, (m, d); with return_std also its deviations, (m,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if self.kind == "nngp":
            mean, covariance = self.ensemble_.posterior(X)
        else:
            mean = self.ensemble_.mean(X, self.time)
            covariance = self.ensemble_.covariance(X, self.time) if return_std else None
        if not return_std:
            return mean
        assert covariance is not None
        return mean, np.sqrt(np.maximum(np.diag(covariance), 0.0))
