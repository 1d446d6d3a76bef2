"""Linear algebra for kernel matrices and for Jacobians."""
