"""Features of drawn images, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ffl_plugin.metrics.features import Features
from ffl_plugin.metrics.inception import FEATURES
from ffl_plugin.metrics.protocols import PROTOCOLS
from ffl_plugin.metrics.weights import Weights

DIMENSIONS = 12
MIXING = np.random.default_rng(5).normal(size=(DIMENSIONS, DIMENSIONS)) * np.arange(1, DIMENSIONS + 1) ** -0.5


def activations(z: np.ndarray) -> np.ndarray:
    """Correlated and rectified, as a network's features are."""
    return np.maximum(z @ MIXING + 0.3, 0)


def draw(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reals, and fakes of the same seeds: poorer and noisier before than after."""
    z = random.normal(size=(count, DIMENSIONS))
    noise = [random.normal(size=(count, DIMENSIONS)) for _ in range(2)]
    before = activations(0.8 * z) + 0.15 * noise[0]
    after = activations(0.9 * z) + 0.1 * noise[1]
    return activations(random.normal(size=(count, DIMENSIONS))), before, after


def made(rows: np.ndarray, name: str = "image") -> Features:
    wide = np.zeros((len(rows), FEATURES), np.float32)
    wide[:, :DIMENSIONS] = rows
    names = tuple(f"{name} {index}" for index in range(len(rows)))
    return Features(names, PROTOCOLS["pytorch-fid"], Weights(Path("none"), "0" * 64, False), (wide,))
