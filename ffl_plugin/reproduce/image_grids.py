"""Figures: grids of images with a label per row and a caption per column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ffl_plugin.metrics.optional import require
from ffl_plugin.reproduce.study import Outcome, held_out_folder, run_folder

COLUMNS = 8  # images of a data set in a figure of a study
Picture = NDArray[np.generic]  # (H, W, 3) uint8, or (H, W) in [0, 1]


def image_grid(
    rows: Sequence[tuple[str, Sequence[Picture]]],
    path: Path,
    *,
    captions: Optional[Sequence[str]] = None,
    cell: float = 0.9,
) -> None:
    """Write a PNG with a labelled row of pictures per entry; ``cell`` is the side of a picture in inches."""
    require("matplotlib", "Figures")
    from matplotlib.figure import Figure

    columns = max(len(pictures) for _, pictures in rows)
    figure = Figure(
        figsize=(1.4 + cell * columns, 0.1 + cell * len(rows) + (0.25 if captions else 0)), dpi=110
    )
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (label, pictures) in enumerate(rows):
        for column in range(columns):
            axis = axes[row, column]
            axis.set_axis_off()
            if column < len(pictures):
                axis.imshow(pictures[column], cmap="magma", vmin=0, vmax=1, interpolation="nearest")
        left = axes[row, 0]
        left.text(-0.08, 0.5, label, transform=left.transAxes, ha="right", va="center", fontsize=8)
    for column, caption in enumerate(captions or ()):
        axes[0, column].set_title(caption, fontsize=8, pad=3)
    figure.subplots_adjust(
        left=1.35 / figure.get_figwidth(),
        right=0.995,
        bottom=0.01,
        top=0.99 if not captions else 0.92,
        wspace=0.03,
        hspace=0.03,
    )
    figure.savefig(path)


def study_figure(outcome: Outcome, out: Path, path: Path) -> None:
    """Show the first test images of each data set and each method's reconstructions, with seed 0.

    Below are each method's first samples, if the model can draw any, from the same latent vectors.
    """
    rows: list[tuple[str, Sequence[Picture]]] = []
    for data in dict.fromkeys(run.data for run in outcome.runs):
        rows.append((data, read_images(held_out_folder(out, data), COLUMNS)))
        for kind, label in (("images", "{}"), ("samples", "{}\nsamples")):
            for method in outcome.study.methods:
                folder = run_folder(out, data, method, 0) / kind
                if folder.is_dir():
                    rows.append((label.format(method), read_images(folder, COLUMNS)))
    image_grid(rows, path)


def log_amplitude(image: Picture) -> Picture:
    """Log amplitudes of an (H, W, 3) image in [0, 255]: (H, W) in [0, 1], zero frequency centred."""
    amplitude = np.abs(np.fft.fft2(image.astype(np.float64), axes=(0, 1), norm="ortho")).mean(2)
    shown: Picture = np.fft.fftshift(np.log1p(amplitude)) / np.log1p(255.0 * np.sqrt(amplitude.size))
    return shown


def read_images(folder: Path, count: int) -> list[Picture]:
    """Read the first images of a folder as (H, W, 3) uint8."""
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.png"))[:count]]
