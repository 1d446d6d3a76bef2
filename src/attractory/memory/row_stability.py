r"""Which stored rows are attractors of the memory's map, for many rows quickly.

On a sphere the kernel's gradient at a row depends on correlations alone: with the rows y, the
Jacobian at row x is J v = Σⱼ aⱼ (c(ρⱼ) y⊥ⱼ·v + e(ρⱼ) x·v), y⊥ the part across x. c and e are read
from a table, and a few Arnoldi steps for all rows together show the leading eigenvalues. A row
whose largest Ritz value, with its residual, is clearly below 1 is an attractor; of others
`spectral_radius` decides.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from attractory._util.contraction import BELOW_ONE
from attractory._util.seeds import generator
from attractory.analysis.spectrum import spectral_radius
from attractory.kernels.kernel import Kernel
from attractory.kernels.matrices import gradients
from attractory.memory.stored_map import KernelStore

__all__ = ["RowStability"]

_PLACES = 2048  # of the tables, even in the angle
_STEPS = 36  # of Arnoldi iteration
_CLEAR = 0.99  # radius and residual below which a row is an attractor
_ROUNDING = 1e-5  # of a product in float32
_TOGETHER = 64


class RowStability:
    """The Jacobians at the rows of a memory of infinite width.

    Args:
        store: of the map, its rows of one norm.
    """

    def __init__(self, store: KernelStore):
        inner = store.inner
        self.map, self.x = inner.map(), inner.x
        self.norm = float(np.linalg.norm(self.x[0]))
        self.unit = np.asarray(self.x / self.norm, np.float32)
        self.weights = np.asarray(inner.solution().coefficients, np.float32)
        rule = inner.settings
        angle = np.linspace(0, np.pi, _PLACES + 1)
        circle = np.zeros((_PLACES + 1, self.x.shape[1]))
        circle[:, 0], circle[:, 1] = self.norm * np.cos(angle), self.norm * np.sin(angle)
        found = gradients(circle[:1], circle, Kernel(rule.activation, rule.depth), "ntk")
        self.angle, self.table = angle, (found.across[0], found.along[0])

    def attractors(self, rows: Int[np.ndarray, " k"]) -> Bool[np.ndarray, " k"]:
        """Return which rows have a Jacobian of spectral radius below 1."""
        good = np.concatenate([
            self._clear(rows[k : k + _TOGETHER]) for k in range(0, len(rows), _TOGETHER)
        ] or [np.zeros(0, bool)])  # fmt: skip
        left = np.flatnonzero(~good)
        if len(left):
            good[left] = spectral_radius(self.map, self.x[rows[left]]) < BELOW_ONE
        return good

    def _clear(self, rows: Int[np.ndarray, " k"]) -> Bool[np.ndarray, " k"]:
        """Return which rows are attractors by far."""
        x = self.unit[rows]
        angle = np.arccos(np.clip(x @ self.unit.T, -1, 1))
        across, along = (
            np.asarray(np.interp(angle, self.angle, values) * self.norm, np.float32)
            for values in self.table
        )

        def product(v: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k d"]:
            part = (x * v).sum(axis=1, keepdims=True)
            inner = across * ((v - part * x) @ self.unit.T) + along * part
            return inner @ self.weights

        count, dim = x.shape
        steps = min(_STEPS, dim)
        basis = np.zeros((count, steps + 1, dim), np.float32)
        h = np.zeros((count, steps + 1, steps))
        start = generator(0, "stability").standard_normal(dim).astype(np.float32)
        basis[:, 0] = start / np.linalg.norm(start)
        for step in range(steps):
            image, known = product(basis[:, step]), basis[:, : step + 1]
            before = np.linalg.norm(image, axis=1)
            for _ in range(2):
                parts = known @ image[:, :, None]
                image = image - (parts.transpose(0, 2, 1) @ known)[:, 0]
                h[:, : step + 1, step] += parts[:, :, 0]
            length = np.linalg.norm(image, axis=1)
            # What is left of a vector inside the span is rounding: zeros add eigenvalues 0 alone.
            length[length <= _ROUNDING * before] = 0.0
            h[:, step + 1, step] = length
            scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
            basis[:, step + 1] = image * scale[:, None]
        values, vectors = np.linalg.eig(h[:, :-1])
        residual = h[:, -1, -1, None] * np.abs(vectors[:, -1])
        return (np.abs(values) + residual).max(axis=1) < _CLEAR
