"""How much the images of a set differ: the variance of a pixel over images, beside that of the real ones.

    python benchmarks/pixel_variance.py REAL SET [SET ...]

REAL and each SET are folders or zips of images of one size. Prints, for each, the mean over pixels and
channels of the variance over images (values in [0, 255], N − 1 in the denominator), its square root, and its
ratio to that of REAL. An average over a batch, as ``--ffl-spectrum batch`` takes it, can be matched by images
that differ less.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from ffl_plugin import metrics


def variance(path: Path) -> tuple[int, float]:
    """Number of images, and the mean variance of a pixel over them, by Welford's method."""
    images = metrics.open_images(path)
    mean = np.zeros(())
    squares = np.zeros(())
    for index in range(len(images)):
        pixels = images.read(index).astype(np.float64)
        difference = pixels - mean
        mean = mean + difference / (index + 1)
        squares = squares + difference * (pixels - mean)
    return len(images), float(squares.mean() / (len(images) - 1))


def main() -> None:
    """Print the table."""
    print("| set | images | variance | standard deviation | of the real variance |")
    print("| --- | --- | --- | --- | --- |")
    real = None
    for name in sys.argv[1:]:
        count, value = variance(Path(name))
        real = real or value
        print(f"| {name} | {count} | {value:.1f} | {value**0.5:.2f} | {value / real:.3f} |")


if __name__ == "__main__":
    main()
