"""Recipes: one module per upstream, data without logic."""
