"""Spectra measured in a pass over images, and cached between runs.

The sums of a set are stored in one file, with the hash of every included image: an interrupted run continues
with the others. If an image differs from the one in the sums, from which it cannot be removed, the set is
measured again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional, Union
from zipfile import BadZipFile

import numpy as np
import torch

from ffl_plugin.cache import mark_used
from ffl_plugin.metrics.decode import Pixels, image_size
from ffl_plugin.metrics.devices import find_device
from ffl_plugin.metrics.one_pass import (
    Changed,
    Consumer,
    Encoded,
    Picture,
    read_encoded,
    rows_of,
    run_pass,
)
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.sources import ImageSource, SizesDiffer, mixed_sizes
from ffl_plugin.metrics.spectra import SpectralStatistics
from ffl_plugin.metrics.spectral_sums import FOLDS, Batch, SpectralSums
from ffl_plugin.metrics.storage import atomic_open

_VERSION = 2  # of the cached numbers: increment when they change
_DIGEST = 16  # bytes of an image's hash
_SAVE_EVERY = 256  # images: the sums are as large as about 40 of them
_GPU_BATCH = 1 << 24  # pixel values; on a CPU, with its small caches, one image at a time is as fast


def measure_spectra(
    source: ImageSource,
    *,
    folds: int = FOLDS,
    cache: Optional[Path] = None,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> SpectralStatistics:
    """Measure a set in one pass; raises ``FFLError`` if image sizes differ.

    ``cache`` is a persistent folder; cached images are not measured again. ``device`` is by default the
    process's GPU, or else the CPU.
    """
    meter = SpectraMeter(source, folds=folds, cache=cache, device=device)
    run_pass(lambda: rows_of(source, meter), len(source), "spectra", progress)
    return meter.result()


# An image's hash with its measurements, or with its pixels if a GPU measures many at once.
Prepared = Union[tuple[bytes, Union[Batch, Pixels]], SizesDiffer]


class SpectraMeter(Consumer):
    """Measures the spectra of one set, image by image in any order."""

    def __init__(
        self,
        source: ImageSource,
        *,
        folds: int = FOLDS,
        cache: Optional[Path] = None,
        device: Optional[str] = None,
    ) -> None:
        """Prepare for a set; arguments as for ``measure_spectra``."""
        self._source = source
        first = read_encoded(source, 0)
        size = image_size(first.data, first.name)
        self._sums = SpectralSums(size, len(source), folds=folds, device=find_device(device))
        settings = f"spectra {_VERSION} {len(source)} {self._sums.folds} {size}".encode()
        name = f"{hashlib.sha256(settings + first.digest).hexdigest()}.npz"
        self._file = None if cache is None else cache / name
        # Digests of the images in the sums; zeros for the others.
        self._digests = np.zeros((len(source), _DIGEST), np.uint8)
        self._unsaved = 0
        self._load()
        self._refused: Optional[SizesDiffer] = None
        self._batch: list[tuple[int, bytes, Pixels]] = []

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        """Request images that are not in the sums, unless the set was refused."""
        digest = np.frombuffer(encoded[0].digest[:_DIGEST], np.uint8)
        if self._digests[item].any():
            if (self._digests[item] == digest).all():
                return False
            self._sums.clear()
            self._digests[:] = 0
            self._batch = []
            raise Changed
        return self._refused is None

    def prepare(self, item: int, pictures: Sequence[Picture]) -> Prepared:
        """Measure an image on the CPU; on a GPU leave it to the batch."""
        pixels = pictures[0].pixels
        height, width = pixels.shape[:2]
        if (height, width) != self._sums.size:
            first, this = self._source.describe(0), self._source.describe(item)
            return mixed_sizes(first, self._sums.size, this, (height, width))
        on_cpu = self._sums.device.type == "cpu"
        return pictures[0].encoded.digest, self._sums.measure(pixels[None]) if on_cpu else pixels

    def take(self, item: int, prepared: Prepared) -> None:
        """Add an image."""
        if isinstance(prepared, SizesDiffer):
            self._refused = self._refused or prepared
            return
        digest, measured = prepared
        if isinstance(measured, Batch):
            self._add([item], [digest], measured)
        else:
            self._batch.append((item, digest, measured))
            if len(self._batch) * measured.size >= _GPU_BATCH:
                self._measure()
        if self._unsaved >= _SAVE_EVERY:
            self._save()

    def flush(self) -> None:
        """Measure the batch, and write the sums."""
        self._measure()
        self._save()

    def _measure(self) -> None:
        if self._batch:
            items, digests, pixels = zip(*self._batch)
            self._batch = []
            self._add(items, digests, self._sums.measure(np.stack(pixels)))

    def _add(self, items: Sequence[int], digests: Sequence[bytes], measured: Batch) -> None:
        self._sums.add(items, measured)
        for item, digest in zip(items, digests):
            self._digests[item] = np.frombuffer(digest[:_DIGEST], np.uint8)
        self._unsaved += len(items)

    def _load(self) -> None:
        """Continue from the sums of an earlier run, if there are any."""
        if self._file is None or not self._file.exists():
            return
        try:
            with self._file.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        except (OSError, ValueError, BadZipFile):
            return
        mark_used(self._file)
        self._digests[:] = arrays.pop("digests")
        for name, sums in self._sums.arrays.items():
            sums.copy_(torch.from_numpy(arrays[name].astype(np.float64)))

    def _save(self) -> None:
        if self._file is None or not self._unsaved or self._refused is not None:
            return
        arrays: dict[str, Any] = {name: sums.cpu().numpy() for name, sums in self._sums.arrays.items()}
        images = arrays["images"]
        # Integers: two bytes each suffice for a few thousand images.
        arrays["images"] = images.astype(np.uint16 if images.max() < 1 << 16 else np.uint32)
        with atomic_open(self._file) as file:
            np.savez(file, digests=self._digests, **arrays)
        self._unsaved = 0

    def result(self) -> SpectralStatistics:
        """Return the statistics; raises ``SizesDiffer`` if image sizes differ."""
        if self._refused is not None:
            raise self._refused
        return self._sums.statistics()
