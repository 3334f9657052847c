"""Hyperparameter sweep: train at several weights and seeds, and recommend a weight in one report."""
