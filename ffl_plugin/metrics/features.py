"""Inception features of a set: decoded ahead of the network, cached, resumable, shared by processes.

The set is cut into chunks. A chunk is cached under the hash of its images' bytes, the protocol and the
weights, so a stopped run goes on where it was, a renamed folder costs nothing, and a changed image is
computed again. Memory does not grow with the number of images.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, TypeVar, Union

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor

from ffl_plugin.cache import mark_used
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.decode import decode
from ffl_plugin.metrics.devices import find_device
from ffl_plugin.metrics.distributed import rank_and_world
from ffl_plugin.metrics.inception import FEATURES, Inception
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.protocols import Protocol
from ffl_plugin.metrics.sources import ImageSource, mixed_sizes
from ffl_plugin.metrics.storage import TemporaryFolder, on_disk, written_whole
from ffl_plugin.metrics.weights import Weights

Rows = npt.NDArray[np.float32]
T = TypeVar("T")

CHUNK = 64  # images per cached file
_BATCH = 16  # images per step of the network: larger is slower on a CPU, and no faster on a GPU to speak of
_VERSION = 1  # of the cached numbers: raised when they change


@dataclass(frozen=True)
class Features:
    """Features of a set, in the order of ``names``.

    Attributes:
        names: of the images.
        protocol: under which the features were made.
        weights: that made them; None where a file does not tell.
        chunks: rows, or ``.npy`` files of rows: features (2048), then logits (1008) unless they are unknown.
        temporary: the folder of the files, where it goes when this object does.
    """

    names: tuple[str, ...]
    protocol: Protocol
    weights: Optional[Weights]
    chunks: tuple[Union[Path, Rows], ...] = field(repr=False)
    temporary: Optional[TemporaryFolder] = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def blocks(self) -> Iterator[Rows]:
        """Yield the rows of one chunk after another."""
        return (np.load(c, allow_pickle=False) if isinstance(c, Path) else c for c in self.chunks)

    def pool(self) -> Rows:
        """Return all features (N, 2048), on disk where the chunks are: 8 kB an image."""
        return self._columns(slice(None, FEATURES))

    def logits(self) -> Rows:
        """Return all class logits, without bias, (N, 1008), likewise.

        Raises ``FFLError`` where only the features are known.
        """
        logits = self._columns(slice(FEATURES, None))
        if logits.shape[1] == 0:
            raise FFLError(
                "the Inception Score needs class logits, and a file of features has none; give images"
            )
        return logits

    def _columns(self, columns: slice) -> Rows:
        blocks = (block[:, columns] for block in self.blocks())
        first = self.chunks[0]
        return on_disk(blocks, first.parent) if isinstance(first, Path) else np.concatenate(list(blocks))


class Extractor:
    """The network with its weights, on one device; built when the first image needs it."""

    def __init__(self, weights: Weights, *, device: Optional[str] = None) -> None:
        """``device`` defaults to the process's GPU, or to the CPU where there is none."""
        self.weights = weights
        self.device = find_device(device)
        self._network: Optional[Inception] = None

    def extract(
        self,
        source: ImageSource,
        protocol: Protocol,
        *,
        cache: Optional[Path] = None,
        progress: Optional[Progress] = None,
    ) -> Features:
        """Return the features of every image of a set.

        ``cache`` is a folder that lasts between runs; without it a temporary one is used. Under
        ``torch.distributed`` the processes share the chunks, and each ends with all of them.

        Raises ``FFLError`` naming an image that cannot be read or that the protocol does not take.
        """
        temporary = TemporaryFolder() if cache is None else None
        folder = temporary.path if temporary else cache or Path()
        rank, world = rank_and_world()
        starts = range(0, len(source), CHUNK)
        paths: list[Path] = []
        for path, images in _ahead(self._prepare(source, protocol, folder, starts[rank::world])):
            if images is not None:
                _save(path, self._run(images))
            paths.append(path)
            if progress is not None:
                progress(min(len(paths) * world * CHUNK, len(source)), len(source), "features")
        if world > 1:
            paths = _exchange(paths, folder, len(starts))
        return Features(source.names, protocol, self.weights, tuple(paths), temporary)

    def _prepare(
        self, source: ImageSource, protocol: Protocol, folder: Path, starts: Sequence[int]
    ) -> Iterator[tuple[Path, Optional[Tensor]]]:
        """Yield where each chunk is cached and, unless it is there, its images ready for the network."""
        size = decode(source.read_bytes(0), source.describe(0)).shape[:2] if protocol.one_size else None

        def image(index: int, data: bytes) -> Tensor:
            pixels = decode(data, source.describe(index), transparency=protocol.transparency)
            if size is not None and pixels.shape[:2] != size:
                height, width = pixels.shape[:2]
                raise mixed_sizes(
                    source.describe(0), (size[0], size[1]), source.describe(index), (height, width)
                )
            return protocol.prepare(pixels)

        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            for start in starts:
                indices = range(start, min(start + CHUNK, len(source)))
                encoded = list(pool.map(source.read_bytes, indices))
                path = folder / _chunk_name(encoded, protocol, size, self.weights)
                if path.exists():
                    mark_used(path)
                    yield path, None
                else:
                    yield path, torch.stack(list(pool.map(image, indices, encoded)))

    @torch.inference_mode()
    def _run(self, images: Tensor) -> Rows:
        if self._network is None:
            self._network = Inception(self.weights).to(self.device)
        with torch.backends.cudnn.flags(allow_tf32=False):  # three digits of a feature are too few
            rows = [self._network(batch.to(self.device)).cpu() for batch in torch.split(images, _BATCH)]
        return torch.cat(rows).numpy()


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items, computing each in a thread while its predecessor is in use."""
    with ThreadPoolExecutor(1) as thread:
        upcoming = thread.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = thread.submit(next, items, None)
            yield item


def _chunk_name(encoded: list[bytes], protocol: Protocol, size: object, weights: Weights) -> str:
    """Name a chunk by everything that its numbers depend on."""
    digest = hashlib.sha256(f"{_VERSION} {protocol.name} {size} {weights.sha256}".encode())
    for data in encoded:
        digest.update(hashlib.sha256(data).digest())
    return f"{digest.hexdigest()}.npy"


def _save(path: Path, rows: Rows) -> None:
    with written_whole(path) as file:
        np.save(file, rows)


def _exchange(mine: list[Path], folder: Path, count: int) -> list[Path]:
    """Give every process every chunk, one round of chunks at a time; processes need share no disk."""
    paths: list[Path] = []
    for turn in range(-(-count // dist.get_world_size())):
        chunk = (mine[turn].name, np.load(mine[turn], allow_pickle=False)) if turn < len(mine) else None
        chunks: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(chunks, chunk)
        for name, rows in filter(None, chunks):
            if not (folder / name).exists():
                _save(folder / name, rows)
            paths.append(folder / name)
    return paths
