"""The patterns and the network that takes each to its target.

As `memory.stored_map`: growing or shrinking a store returns another. Its network is trained on from
where it is. A network with a bias works on points with a constant coordinate appended
(`maps.biased`), which it maps to itself.
"""

import numpy as np
from jaxtyping import Float

from attractory.maps.biased import Biased, lifted
from attractory.maps.network import Autoencoder
from attractory.maps.training import train
from attractory.memory.stored_map import missed_by

__all__ = ["NetworkStore"]


class NetworkStore:
    """A trained network; attributes as `KernelStore`."""

    accuracy = 1e-3
    doubtful = True

    def __init__(
        self,
        x: Float[np.ndarray, "n d"],
        targets: Float[np.ndarray, "n d"],
        network: Autoencoder,
        bias: float = 0.0,
        *,
        trained: bool = False,
    ):
        self.x, self.targets, self.bias = x, targets, bias
        self._value = bias * float(np.linalg.norm(x[0]))
        self._start = network
        self._trained = network if trained else None

    def map(self) -> Autoencoder | Biased:
        """Return the network, trained until its mean squared error is 1e-7 of a pattern's."""
        network = self.network()
        return Biased(network, self._value) if self.bias else network

    def network(self) -> Autoencoder:
        """Return the network, on points with the constant coordinate if there is one."""
        if self._trained is None:
            x, targets = self.x, self.targets
            square = float((x**2).mean())
            if self.bias:
                x, targets = lifted(x, self._value), lifted(targets, self._value)
            result = train(self._start, x, targets=targets, tolerance=1e-7 * square)
            self._trained = result.uninterrupted().model
        return self._trained

    def with_rows(
        self, x: Float[np.ndarray, "m d"], targets: Float[np.ndarray, "m d"]
    ) -> "NetworkStore":
        """Return the store with rows appended, its network where this one's is."""
        both = np.vstack([self.x, x]), np.vstack([self.targets, targets])
        return NetworkStore(*both, self.network(), self.bias)

    def without(self, rows: np.ndarray) -> "NetworkStore":
        """Return the store without some rows."""
        kept = np.delete(np.arange(len(self.x)), rows)
        return NetworkStore(self.x[kept], self.targets[kept], self.network(), self.bias)

    def residual(self) -> float:
        """Return the largest miss of a target, relative to the norm of the patterns."""
        return float(self.missed().max())

    def missed(self) -> Float[np.ndarray, " n"]:
        """Return by how much each target is missed, relative to the norm of the patterns."""
        return missed_by(self.map(), self.x, self.targets)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what a file needs of the network, by name."""
        return {f"weight{k}": np.asarray(w) for k, w in enumerate(self.network().weights)}
