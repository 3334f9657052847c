"""The demo's data: house fronts drawn from label maps, with texture, shading and sharp edges.

A photograph is a function of its label map, so a generator can learn it: after a short training it lacks
mostly fine structure, such as brickwork, blinds and roof tiles, which FFL is about.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]

SUPERSAMPLING = 4  # photographs are drawn at this scale and averaged: anti-aliasing
UNITS = 64  # scenes are laid out in units of 1/64 of the image; textures have periods of a few units

SKY, WALL, WINDOW, BLIND, DOOR, ROOF, GROUND = range(7)
LABEL_COLOURS = np.array(
    [
        [90, 160, 230],
        [200, 90, 60],
        [40, 60, 160],
        [240, 220, 60],
        [120, 60, 140],
        [110, 20, 30],
        [90, 150, 80],
    ],
    np.uint8,
)


def write_data_set(folder: Path, size: int, train: int, test: int, seed: int) -> None:
    """Write ``train`` and ``test`` pairs as pix2pix's aligned PNGs, label map and photograph side by side.

    Each image of a pair is ``size`` × ``size`` pixels; the same seed gives the same bytes.
    """
    generator = np.random.default_rng(seed)
    for phase, count in (("train", train), ("test", test)):
        (folder / phase).mkdir(parents=True)
        for number in range(count):
            pair = np.concatenate(draw_pair(generator, size), axis=1)
            Image.fromarray(pair).save(folder / phase / f"{number:04d}.png")


def draw_pair(generator: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Draw one random house front: its label map and its photograph, both (size, size, 3) in [0, 255]."""
    parts = _lay_out(generator)
    labels = _paint(parts, size)[0]
    fine_labels, tops = _paint(parts, size * SUPERSAMPLING)
    fine = _texture(fine_labels, tops)
    blocks = fine.reshape(size, SUPERSAMPLING, size, SUPERSAMPLING, 3)
    photograph = np.rint(blocks.mean((1, 3)) * 255).astype(np.uint8)
    return LABEL_COLOURS[labels], photograph


# A part is a class, the top where its texture starts, and a predicate over coordinates (y, x) in units.
Part = tuple[int, float, Callable[[Array, Array], Array]]


def _rectangle(label: int, top: float, bottom: float, left: float, right: float) -> Part:
    return label, top, lambda y, x: (y >= top) & (y < bottom) & (x >= left) & (x < right)


def _lay_out(generator: np.random.Generator) -> list[Part]:
    """Choose the parts of one scene, from back to front."""

    def integer(low: int, high: int) -> int:
        return int(generator.integers(low, high))

    horizon, left, right, eaves = integer(52, 58), integer(2, 12), integer(52, 62), integer(14, 24)
    ridge = integer(3, eaves - 6)
    middle = (left + right) / 2

    def under_the_roof(y: Array, x: Array) -> Array:
        reach = (y - ridge) / (eaves - ridge) * (right - left + 4) / 2
        inside: Array = (y >= ridge) & (y < eaves) & (np.abs(x - middle) < reach)
        return inside

    parts = [
        _rectangle(GROUND, horizon, UNITS, 0, UNITS),
        _rectangle(WALL, eaves, horizon, left, right),
        (ROOF, ridge, under_the_roof),
    ]
    columns, rows = integer(2, 5), integer(1, 4)
    width, height = (right - left) / columns, (horizon - eaves) / rows
    door = integer(0, columns)
    for row in range(rows):
        for column in range(columns):
            centre, top = left + (column + 0.5) * width, eaves + row * height
            half = width * generator.uniform(0.25, 0.33)
            if row == rows - 1 and column == door:
                parts.append(_rectangle(DOOR, top + height * 0.25, horizon, centre - half, centre + half))
            else:
                label = BLIND if generator.random() < 0.5 else WINDOW
                sides = centre - half, centre + half
                parts.append(_rectangle(label, top + height * 0.2, top + height * 0.75, *sides))
    return parts


def _paint(parts: list[Part], size: int) -> tuple[Array, Array]:
    """Rasterise the parts: the class of each pixel, (size, size), and the top of its part."""
    y, x = _coordinates(size)
    labels, tops = np.full((size, size), SKY, np.intp), np.zeros((size, size))
    for label, top, where in parts:
        inside = where(y, x)
        labels[inside], tops[inside] = label, top
    return labels, tops


def _coordinates(size: int) -> tuple[Array, Array]:
    y, x = np.mgrid[:size, :size] * (UNITS / size)
    return y, x


def _texture(labels: Array, tops: Array) -> Array:
    """Return the colour of each pixel in [0, 1], (size, size, 3), from its class and position."""
    y, x = _coordinates(len(labels))
    down = y - tops
    course = np.floor(y / 4)
    mortar = (y % 4 < 0.8) | ((x + 4 * (course % 2)) % 8 < 0.8)
    brick = 0.06 * np.sin(1.7 * course + 2.3 * np.floor((x + 4 * (course % 2)) / 8))
    tile = ((x + y) % 4 < 1) | ((x - y) % 4 < 1)
    colours = {
        SKY: _mix((0.35, 0.55, 0.90), (0.80, 0.88, 0.97), y / UNITS),
        WALL: _mix((0.72, 0.38, 0.28), (0.86, 0.82, 0.76), mortar) + brick[..., None],
        WINDOW: _mix((0.12, 0.16, 0.24), (0.55, 0.68, 0.80), np.clip(down / 12, 0, 1)),
        BLIND: _mix((0.30, 0.26, 0.20), (0.96, 0.93, 0.84), y % 3 < 1.6),
        DOOR: _mix((0.30, 0.17, 0.10), (0.52, 0.33, 0.19), x % 3 < 2.2),
        ROOF: _mix((0.40, 0.16, 0.14), (0.63, 0.30, 0.24), ~tile),
        GROUND: _mix((0.38, 0.38, 0.40), (0.66, 0.64, 0.60), (x + 2 * y) % 6 < 4.5),
    }
    image = np.select([labels[..., None] == label for label in colours], list(colours.values()))
    # Light from the upper left: walls darken to the right, and each part's upper edge casts a shadow.
    light = np.where(labels == SKY, 1.0, 1.06 - 0.25 * x / UNITS)
    shadow = np.where((labels != SKY) & (labels != GROUND) & (down < 1.5), 0.7, 1.0)
    shaded: Array = np.clip(image * (light * shadow)[..., None], 0, 1)
    return shaded


def _mix(first: tuple[float, ...], second: tuple[float, ...], share: Array) -> Array:
    """Blend: ``first`` where ``share`` is 0, ``second`` where it is 1: (H, W) -> (H, W, 3)."""
    weight = share[..., None].astype(np.float64)
    mixed: Array = (1 - weight) * np.array(first) + weight * np.array(second)
    return mixed
