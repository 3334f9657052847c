"""Which weight to take: train at several weights and seeds, one after another, and gather one report."""
