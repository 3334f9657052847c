"""Spectra measured during a pass over images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

import numpy as np

from ffl_plugin.metrics.decode import Pixels, image_size
from ffl_plugin.metrics.devices import find_device
from ffl_plugin.metrics.one_pass import Consumer, Encoded, Picture, read_encoded, rows_of, run_pass
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.sources import ImageSource, SizesDiffer, mixed_sizes
from ffl_plugin.metrics.spectra import SpectralStatistics
from ffl_plugin.metrics.spectral_sums import FOLDS, Batch, SpectralSums

_GPU_BATCH = 1 << 24  # values of pixels; on a CPU, whose caches are small, one image at a time is as fast


def measure_spectra(
    source: ImageSource,
    *,
    folds: int = FOLDS,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> SpectralStatistics:
    """Measure a set in one pass; images of different size are refused with ``FFLError``.

    ``device`` is the process's GPU unless it is given, or the CPU where there is none.
    """
    meter = SpectraMeter(source, folds=folds, device=device)
    run_pass(lambda: rows_of(source, meter), len(source), "spectra", progress)
    return meter.result()


class SpectraMeter(Consumer):
    """Measures the spectra of one set, image after image in any order."""

    def __init__(self, source: ImageSource, *, folds: int = FOLDS, device: Optional[str] = None) -> None:
        """Prepare for a set; arguments as of ``measure_spectra``."""
        self._source = source
        chosen = find_device(device)
        first = read_encoded(source, 0)
        size = image_size(first.data, first.name)
        self._sums = SpectralSums(size, len(source), folds=folds, device=chosen)
        self._refused: Optional[SizesDiffer] = None
        self._batch: list[tuple[int, Pixels]] = []

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        """Want every image, unless the set was refused already."""
        return self._refused is None

    def prepare(self, item: int, pictures: Sequence[Picture]) -> Union[Pixels, Batch, SizesDiffer]:
        """Measure an image on the CPU; leave it to the batch on a GPU."""
        pixels = pictures[0].pixels
        height, width = pixels.shape[:2]
        if (height, width) != self._sums.size:
            first, this = self._source.describe(0), self._source.describe(item)
            return mixed_sizes(first, self._sums.size, this, (height, width))
        return self._sums.measure(pixels[None]) if self._sums.device.type == "cpu" else pixels

    def take(self, item: int, prepared: Union[Pixels, Batch, SizesDiffer]) -> None:
        """Add an image."""
        if isinstance(prepared, SizesDiffer):
            self._refused = self._refused or prepared
        elif isinstance(prepared, Batch):
            self._sums.add([item], prepared)
        else:
            self._batch.append((item, prepared))
            if len(self._batch) * prepared.size >= _GPU_BATCH:
                self.flush()

    def flush(self) -> None:
        """Measure what is in the batch."""
        if self._batch:
            items, pixels = zip(*self._batch)
            self._sums.add(items, self._sums.measure(np.stack(pixels)))
        self._batch = []

    def result(self) -> SpectralStatistics:
        """Return what was measured; raises ``SizesDiffer`` where the images are of several sizes."""
        if self._refused is not None:
            raise self._refused
        return self._sums.statistics()
