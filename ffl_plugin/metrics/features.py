"""Extraction of features: images decoded ahead of the network, cached, resumable, distributed over processes.

The cache key is the hash of the image's bytes, the protocol and the weights, so an interrupted run resumes, a
renamed, reordered or extended set reuses features, and a changed image is recomputed. Memory does not grow
with the number of images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor, nn

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.decode import image_size, refuse_transparency
from ffl_plugin.metrics.devices import find_device
from ffl_plugin.metrics.distributed import rank_and_world
from ffl_plugin.metrics.feature_choice import INCEPTION, NETWORKS
from ffl_plugin.metrics.networks import build_network
from ffl_plugin.metrics.one_pass import (
    Consumer,
    Encoded,
    Picture,
    Request,
    Row,
    read_encoded,
    run_pass,
    torch_threads,
)
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.protocols import Protocol
from ffl_plugin.metrics.row_cache import RowCache, StoredRows, key_of
from ffl_plugin.metrics.sources import ImageSource, mixed_sizes
from ffl_plugin.metrics.storage import TemporaryFolder, on_disk
from ffl_plugin.metrics.weights import Weights

Rows = npt.NDArray[np.float32]

CHUNK = 64  # images per cached file, and per step of a GPU
_CPU_BATCH = 16  # images per step of a CPU
_VERSION = 2  # of the cached numbers; increase when they change


@dataclass(frozen=True)
class Features:
    """Features of a set, in the order of ``names``.

    Attributes:
        names: names of the images.
        protocol: protocol of the features.
        weights: weights of the network; None if unknown, as for a file.
        chunks: rows, or references to cached rows: features (d); for Inception 2048, then logits (1008) if
            known.
        temporary: folder of the files, if it is deleted with this object.
    """

    names: tuple[str, ...]
    protocol: Protocol
    weights: Optional[Weights]
    chunks: tuple[Union[StoredRows, Rows], ...] = field(repr=False)
    temporary: Optional[TemporaryFolder] = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def blocks(self) -> Iterator[Rows]:
        """Yield the rows of one chunk after another."""
        return (chunk.load() if isinstance(chunk, StoredRows) else chunk for chunk in self.chunks)

    def pool(self) -> Rows:
        """Return all features (N, d), on disk if the chunks are: 8 kB per image for Inception."""
        return self._columns(slice(None, self.protocol.dimensions))

    @property
    def dimensions(self) -> int:
        """The number d of features of an image."""
        return self.protocol.dimensions or int(next(self.blocks()).shape[1])

    def logits(self) -> Rows:
        """Return all class logits, without bias, (N, 1008), in the same way.

        Raises ``FFLError`` if only the features are known.
        """
        dimensions = self.protocol.dimensions
        logits = None if dimensions is None else self._columns(slice(dimensions, None))
        if logits is None or logits.shape[1] == 0:
            raise FFLError("the Inception Score needs class logits, but a feature file has none; pass images")
        return logits

    def _columns(self, columns: slice) -> Rows:
        blocks = (block[:, columns] for block in self.blocks())
        first = self.chunks[0]
        if isinstance(first, StoredRows):
            return on_disk(blocks, first.path.parent)
        return np.concatenate(list(blocks))


class Extractor:
    """A network with its weights on one device, built on first use."""

    def __init__(self, weights: Weights, *, network: str = INCEPTION, device: Optional[str] = None) -> None:
        """Store the weights of a network, a key of ``NETWORKS``.

        ``device`` defaults to the process's GPU, or to the CPU without one.
        """
        self.weights = weights
        self.network = network
        self.device = find_device(device)
        self._network: Optional[nn.Module] = None

    def extract(
        self,
        source: ImageSource,
        protocol: Protocol,
        *,
        cache: Optional[Path] = None,
        progress: Optional[Progress] = None,
    ) -> Features:
        """Return the features of every image of a set.

        ``cache`` is a persistent folder; without it a temporary one is used. With ``torch.distributed`` the
        images are distributed over the processes, and each returns the features of all.

        Raises ``FFLError`` naming an image that cannot be read or that the protocol does not accept.
        """
        meter = FeatureMeter(self, source, protocol, cache=cache)
        rank, world = rank_and_world()
        mine = [index for index in range(len(source)) if index // CHUNK % world == rank]

        def rows() -> Iterator[Row]:
            return (Row(((source, index),), (Request(meter, index),)) for index in mine)

        run_pass(rows, len(mine), "features", progress)
        if world > 1:
            meter.exchange()
        return meter.result()

    @torch.inference_mode()
    def _run(self, images: Tensor) -> Any:
        """Map prepared images (N, 3, side, side) to rows (N, width), which may be computed asynchronously."""
        if self._network is None:
            self._network = build_network(self.network, self.weights).to(self.device)
        # The three digits of TF32 are too few. Without enabled=True, cuDNN is disabled.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return torch.cat([self._network(batch) for batch in torch.split(images, self.batch)])

    @property
    def batch(self) -> int:
        """The number of images per step of the network."""
        return min(CHUNK, _CPU_BATCH) if self.device.type == "cpu" else CHUNK


class FeatureMeter(Consumer):
    """Computes the features of one set, with images in any order."""

    def __init__(
        self, extractor: Extractor, source: ImageSource, protocol: Protocol, *, cache: Optional[Path] = None
    ) -> None:
        """Prepare for a set; arguments and errors are those of ``Extractor.extract``."""
        if protocol.network != extractor.network:
            raise FFLError(
                f"the protocol {protocol.name} is not one of {NETWORKS[extractor.network]}, the network of "
                "the weights"
            )
        self._extractor = extractor
        self._source = source
        self._protocol = protocol
        self._on_host = protocol.on_host or extractor.device.type == "cpu"
        self._threads = torch.get_num_threads()
        self._size: Optional[tuple[int, int]] = None
        if protocol.one_size:
            first = read_encoded(source, 0)
            self._size = image_size(first.data, first.name)
        # The size is part of the settings, so that an image of another size is refused instead of found.
        settings = f"features {_VERSION} {protocol.name} {self._size} {extractor.weights.sha256}"
        self._cache = RowCache(cache, settings)
        self._keys: list[bytes] = [b""] * len(source)
        self._batch: list[tuple[bytes, Tensor]] = []
        self._running: Optional[tuple[list[bytes], Any]] = None
        self._done: list[tuple[list[bytes], Rows]] = []

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        """Whether an image is not cached."""
        self._keys[item] = key_of(encoded[0].digest)
        return self._keys[item] not in self._cache

    def prepare(self, item: int, pictures: Sequence[Picture]) -> Tensor:
        """Resize an image on the CPU; on a GPU the batch is resized later."""
        encoded, pixels = pictures[0].encoded, pictures[0].pixels
        if not self._protocol.transparency:
            refuse_transparency(encoded.data, encoded.name)
        height, width = pixels.shape[:2]
        if self._size is not None and self._size != (height, width):
            raise mixed_sizes(self._source.describe(0), self._size, encoded.name, (height, width))
        image = torch.from_numpy(pixels)
        return self._protocol.prepare(image[None])[0] if self._on_host else image

    def take(self, item: int, prepared: Tensor) -> None:
        """Add an image to the batch, and run the network when the batch is full."""
        self._batch.append((self._keys[item], prepared))
        if len(self._batch) >= self._extractor.batch:
            self._start()

    def flush(self) -> None:
        """Compute the last batch, and write all rows to the cache."""
        self._start()
        self._finish()
        self._write()

    def result(self) -> Features:
        """Return the features of all images."""
        chunks = tuple(self._cache.locate(self._keys))
        names, weights = self._source.names, self._extractor.weights
        return Features(names, self._protocol, weights, chunks, self._cache.temporary)

    def _start(self) -> None:
        if self._batch:
            keys, images = zip(*self._batch)
            self._batch = []
            prepared = self._prepared(images)
            with torch_threads(self._threads):
                rows = self._extractor._run(prepared)
            self._finish()  # the previous batch, while a GPU computes this one
            self._running = (list(keys), rows)
            if self._extractor.device.type == "cpu":
                self._finish()

    def _prepared(self, images: Sequence[Tensor]) -> Tensor:
        """Move images to the device and resize them there, grouped by size, in order."""
        device = self._extractor.device
        if self._on_host:
            return torch.stack(list(images)).to(device)
        by_size: dict[torch.Size, list[int]] = {}
        for index, image in enumerate(images):
            by_size.setdefault(image.shape, []).append(index)
        prepared = [
            self._protocol.prepare(torch.stack([images[i] for i in group]).to(device))
            for group in by_size.values()
        ]
        if len(prepared) == 1:
            return prepared[0]
        order = torch.tensor([index for group in by_size.values() for index in group]).argsort()
        return torch.cat(prepared)[order.to(device)]

    def _finish(self) -> None:
        if self._running is not None:
            keys, rows = self._running
            self._running = None
            self._done.append((keys, torch.as_tensor(rows).cpu().numpy()))
            if sum(len(done) for done, _ in self._done) >= CHUNK:
                self._write()

    def _write(self) -> None:
        if self._done:
            done, self._done = self._done, []
            keys = [key for keys, _ in done for key in keys]
            self._cache.add(keys, np.concatenate([rows for _, rows in done]))

    def exchange(self) -> None:
        """Exchange rows between all processes, one round of chunks at a time, without a shared disk."""
        rank, world = rank_and_world()
        starts = range(0, len(self._source), CHUNK)
        for turn in range(-(-len(starts) // world)):
            chunk = None
            if turn * world + rank < len(starts):
                start = starts[turn * world + rank]
                keys = self._keys[start : start + CHUNK]
                chunk = (start, keys, np.concatenate([part.load() for part in self._cache.locate(keys)]))
            chunks: list[Any] = [None] * world
            dist.all_gather_object(chunks, chunk)
            for start, keys, rows in filter(None, chunks):
                self._keys[start : start + len(keys)] = keys
                if not all(key in self._cache for key in keys):
                    self._cache.add(keys, rows)
