"""Store examples as attractors of overparameterized sigmoid autoencoders, and recall them."""
