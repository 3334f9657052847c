"""The demo: patch, train, compare, on an embedded training repository."""
