"""Modules that patched repositories import during training, one per upstream."""
