"""Image sources, features, Fréchet distance and spectral metrics."""
