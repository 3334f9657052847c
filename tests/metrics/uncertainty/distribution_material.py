"""Features of drawn images, poorer and noisier before than after."""

from __future__ import annotations

import numpy as np

from ffl_plugin.metrics.uncertainty import Difference

DIMENSIONS = 8
MIXING = np.random.default_rng(5).normal(size=(DIMENSIONS, DIMENSIONS)) / np.sqrt(DIMENSIONS)


def activations(z: np.ndarray) -> np.ndarray:
    return np.maximum(z @ MIXING + 0.5, 0)


def draw(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reals, and fakes of the same seeds: poorer and noisier before than after."""
    z = random.normal(size=(count, DIMENSIONS))
    before = activations(0.7 * z) + 0.3 * random.normal(size=z.shape)
    after = activations(0.85 * z) + 0.2 * random.normal(size=z.shape)
    return activations(random.normal(size=z.shape)), before, after


def coverage(found_and_truth: list[tuple[Difference, float]]) -> float:
    return float(np.mean([found.low <= truth <= found.high for found, truth in found_and_truth]))
