"""Linear algebra: kernel equations, with the matrix or without, and spectral radii of Jacobians."""
