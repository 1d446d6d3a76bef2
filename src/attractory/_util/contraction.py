"""When a spectral radius is below 1 by more than it is rounded by."""

__all__ = ["BELOW_ONE"]

# Radii nearer 1 are 1, rounded: those of ReLU without biases are, at every pattern.
BELOW_ONE = 1 - 1e-9
