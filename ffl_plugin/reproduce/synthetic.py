"""Synthetic images with natural structure, drawn from a seed: stand-ins for CelebA and DTD.

``faces`` are aligned like CelebA: head, hair, eyes, mouth and collar, with random shapes, colours, pose and
light, on a textured background. ``leaves`` follow the dead-leaves model (Lee, Mumford and Huang, IJCV 2001):
occluding discs with power-law radii, which produce the edges and the 1/f amplitude spectrum of photographs;
each disc has a grating or 1/f noise as texture, as in DTD.

Every image depends only on its own (seed, index), so a larger set starts with the smaller one.
"""

from __future__ import annotations

from typing import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

DISCS = 48  # of a picture of leaves


def fractal_noise(rng: np.random.Generator, size: int, exponent: float = 1.0) -> FloatArray:
    """Noise with amplitude spectrum 1/f^exponent, (size, size), mean 0 and standard deviation 1."""
    v, u = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    frequency = np.hypot(u, v)
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((size, size))) / frequency**exponent, (size, size))
    standard: FloatArray = (noise - noise.mean()) / noise.std()
    return standard


def grating(
    rng: np.random.Generator, x: FloatArray, y: FloatArray, lowest: float, highest: float
) -> FloatArray:
    """A sinusoid in [-1, 1] of random direction and phase; frequencies in cycles per unit of x and y."""
    angle, phase = rng.uniform(0, 2 * np.pi, 2)
    frequency = rng.uniform(lowest, highest)
    wave: FloatArray = np.sin(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    return wave


class Canvas:
    """A (size, size, 3) picture in [0, 1] with coordinates in [-1, 1], painted with soft-edged shapes."""

    def __init__(self, size: int) -> None:
        axis = (np.arange(size) + 0.5) / size * 2 - 1
        self.x, self.y = np.meshgrid(axis, axis)
        self.pixel = 2 / size
        self.picture = np.zeros((size, size, 3))

    def paint(self, coverage: FloatArray, colour: FloatArray) -> None:
        """Blend ``colour``, (3,) or (H, W, 3), over the picture where ``coverage`` (H, W) is 1."""
        self.picture += coverage[..., None] * (colour - self.picture)

    def ellipse(self, x: float, y: float, rx: float, ry: float, tilt: float = 0.0) -> FloatArray:
        """Coverage (H, W) in [0, 1] of an ellipse, its edge one pixel wide."""
        dx, dy = self.x - x, self.y - y
        along, across = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
        distance = (np.hypot(along / rx, across / ry) - 1) * min(rx, ry)
        covered: FloatArray = np.clip(0.5 - distance / self.pixel, 0, 1)
        return covered


def face(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw one aligned portrait: (size, size, 3) in [0, 1]."""
    canvas = Canvas(size)
    far, near = rng.uniform(0.1, 0.9, (2, 3))
    slope = (canvas.y * rng.uniform(-1, 1) + canvas.x * rng.uniform(-1, 1) + 2)[..., None] / 4
    texture = fractal_noise(rng, size)[..., None] * rng.uniform(0.02, 0.12)
    canvas.picture = far + slope * (near - far) + texture

    skin = np.array([0.95, 0.76, 0.62]) * rng.uniform(0.4, 1.0) + rng.normal(0, 0.03, 3)
    hair = np.array([0.5, 0.36, 0.22]) * rng.uniform(0.1, 1.7) + rng.normal(0, 0.04, 3)
    cloth = rng.uniform(0.05, 0.95, 3)
    cx, cy = rng.normal(0, 0.04, 2)
    width, height = rng.uniform(0.40, 0.52), rng.uniform(0.56, 0.68)

    stripes = grating(rng, canvas.x, canvas.y, 2, 12)[..., None] * rng.uniform(0, 0.2)
    canvas.paint(canvas.ellipse(cx, 1.15, rng.uniform(0.7, 1.0), rng.uniform(0.35, 0.5)), cloth + stripes)
    strands = grating(rng, canvas.x, 0.25 * canvas.y, 6, 14)[..., None] * rng.uniform(0.03, 0.10)
    length = rng.uniform(0.0, 0.35)
    canvas.paint(
        canvas.ellipse(cx, cy - 0.12 + length, width + rng.uniform(0.06, 0.2), height + 0.1 + length / 2),
        hair + strands,
    )
    canvas.paint(canvas.ellipse(cx, 0.72, 0.2, 0.35), skin * 0.8)
    light_x, light_y = rng.uniform(-1, 1), rng.uniform(-0.6, 0.4)
    shade = 1 + 0.25 * (light_x * (canvas.x - cx) / width + light_y * (canvas.y - cy) / height)[..., None]
    freckles = fractal_noise(rng, size, 0.5)[..., None] * 0.012
    canvas.paint(canvas.ellipse(cx, cy + 0.08, width, height), skin * shade + freckles)
    canvas.paint(
        canvas.ellipse(cx + rng.normal(0, 0.08), cy - 0.52, width, rng.uniform(0.12, 0.34)), hair + strands
    )

    turn, openness = rng.normal(0, 0.03), rng.uniform(0.035, 0.075)
    iris, gaze = rng.uniform(0.05, 0.6, 3), rng.normal(0, 0.02)
    for side in (-1, 1):
        ex, ey = cx + turn + side * 0.2, cy + rng.normal(0, 0.006)
        canvas.paint(canvas.ellipse(ex, ey, 0.105, openness), np.array([0.96, 0.95, 0.93]))
        canvas.paint(canvas.ellipse(ex + gaze, ey, 0.05, min(openness, 0.05)), iris)
        canvas.paint(canvas.ellipse(ex + gaze, ey, 0.022, 0.022), np.zeros(3))
        canvas.paint(canvas.ellipse(ex, ey - 0.13, 0.13, 0.022, side * rng.normal(0.1, 0.1)), hair * 0.7)
    canvas.paint(0.5 * canvas.ellipse(cx + turn + 0.03 * light_x, cy + 0.2, 0.05, 0.12), skin * 0.75)
    smile = rng.uniform(0.012, 0.1)
    canvas.paint(
        canvas.ellipse(cx + turn, cy + 0.42, rng.uniform(0.13, 0.23), smile + 0.025),
        skin * [0.85, 0.45, 0.45],
    )
    canvas.paint(canvas.ellipse(cx + turn, cy + 0.42, 0.12, smile * 0.6), np.full(3, rng.choice([0.2, 0.95])))
    return np.clip(canvas.picture, 0, 1)


def leaves(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw one dead-leaves picture of textured discs: (size, size, 3) in [0, 1]."""
    canvas = Canvas(size)
    base = rng.uniform(0.2, 0.8) + rng.normal(0, 0.1, 3)
    canvas.picture += base
    smooth, rough = fractal_noise(rng, size, 1.0), fractal_noise(rng, size, 0.3)
    # Radii with density r^-3, by inversion: the exponent that makes pictures scale-invariant.
    smallest, largest = 3 * canvas.pixel, 0.9
    radii = (smallest**-2 + rng.uniform(0, 1, DISCS) * (largest**-2 - smallest**-2)) ** -0.5
    radii[: DISCS // 4] = rng.uniform(0.3, largest, DISCS // 4)  # enough large ones to cover the picture
    for radius in rng.permutation(radii):
        x, y = rng.uniform(-1, 1, 2)
        colour = base + rng.normal(0, 0.2) + rng.normal(0, 0.08, 3)  # luminance varies more than hue
        wave = grating(rng, canvas.x, canvas.y, 1, size / 6)
        texture = (wave, smooth / 2, rough / 2)[rng.integers(3)] * rng.uniform(0, 0.25)
        canvas.paint(
            canvas.ellipse(x, y, radius, radius * rng.uniform(0.5, 1), rng.uniform(0, np.pi)),
            colour + texture[..., None],
        )
    return np.clip(canvas.picture, 0, 1)


GENERATORS: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {"faces": face, "leaves": leaves}


def draw(name: str, count: int, size: int, seed: int = 0, first: int = 0) -> NDArray[np.uint8]:
    """Draw images ``first``, ``first`` + 1, ... of the set ``name``: (count, 3, size, size) uint8, RGB."""
    pictures = np.empty((count, 3, size, size), np.uint8)
    for index in range(count):
        rng = np.random.default_rng([seed, first + index])
        pictures[index] = np.rint(GENERATORS[name](rng, size).transpose(2, 0, 1) * 255)
    return pictures
