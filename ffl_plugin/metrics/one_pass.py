"""One pass over images: each is read and decoded once and passed to every measurement.

A row is a group of images used together: one image, or an image with its counterparts. Threads read and hash
rows in advance. The calling thread asks each consumer whether it needs an item, which it does not if the
numbers are cached. Threads then decode the needed items and run each consumer's per-item work; the calling
thread collects the results, always in order.

There are as many threads as processors, each computing alone: for small operations, torch's own threads
spend more time waiting for each other than they save.

The number of rows in flight and the bytes of their pixels are bounded. Memory does not grow with the number
of images.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.decode import Pixels, decode
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.sources import ImageSource

_ROWS_AHEAD = 128
_BYTES_AHEAD = 1 << 24  # of pixels: 16 MB, or what all threads are working on


@dataclass(frozen=True)
class Encoded:
    """One image as read from disk, with the SHA-256 of its bytes."""

    source: ImageSource
    index: int
    data: bytes
    digest: bytes

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.source.describe(self.index)


@dataclass(frozen=True)
class Picture:
    """One decoded image: uint8 (H, W, 3)."""

    encoded: Encoded
    pixels: Pixels


class Changed(Exception):
    """Cached numbers of an unfinished run belong to other images, so the pass must restart."""


class Consumer:
    """A measurement on images. Only ``prepare`` is called from other threads."""

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        """Whether an item must be decoded; called once per item of a pass, in order."""
        raise NotImplementedError

    def prepare(self, item: int, pictures: Sequence[Picture]) -> Any:
        """Do per-item work in a thread; the result is passed to ``take``."""
        return pictures

    def take(self, item: int, prepared: Any) -> None:
        """Measure one decoded item; called in order."""
        raise NotImplementedError

    def flush(self) -> None:
        """Measure and cache pending items; called at the end, and when an image is refused."""


@dataclass(frozen=True)
class Request:
    """What a consumer is offered of a row: the images at some positions, as one item."""

    consumer: Consumer
    item: int
    places: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Row:
    """Images that are read together, as (source, index), and the requests for them."""

    images: tuple[tuple[ImageSource, int], ...]
    requests: tuple[Request, ...]


def rows_of(source: ImageSource, *consumers: Consumer) -> Iterator[Row]:
    """Yield a row for each image of a set, in order, for consumers that index images as the set does."""
    for index in range(len(source)):
        yield Row(((source, index),), tuple(Request(consumer, index) for consumer in consumers))


def run_pass(
    rows: Callable[[], Iterable[Row]],
    total: int,
    what: str,
    progress: Optional[Progress] = None,
) -> None:
    """Pass every row to its consumers.

    Args:
        rows: returns the rows from the start, at each call.
        total: number of images in them, for the progress.
        what: name of the measurement, for the progress.
        progress: called as ``progress(done, total, what)``.

    Raises:
        FFLError: an image cannot be used. Images before it are measured and cached.
    """
    consumers: set[Consumer] = set()
    while True:
        try:
            done = 0
            with contextlib.closing(_prepared(rows())) as prepared_rows:
                for row, wanted in prepared_rows:
                    consumers.update(request.consumer for request in row.requests)
                    for request, prepared in wanted:
                        request.consumer.take(request.item, prepared)
                    done += len(row.images)
                    if progress is not None:
                        progress(done, total, what)
            for consumer in consumers:
                consumer.flush()
            return
        except Changed:
            continue
        except FFLError:
            for consumer in consumers:
                with contextlib.suppress(FFLError):
                    consumer.flush()
            raise


def _prepared(rows: Iterable[Row]) -> Generator[tuple[Row, list[tuple[Request, Any]]], None, None]:
    """Yield rows in order, each with the prepared items of its requests."""
    upcoming = iter(rows)
    reading: deque[tuple[Row, Future[list[Encoded]]]] = deque()
    decoding: deque[tuple[Row, list[Request], Optional[Future[tuple[list[Any], int]]]]] = deque()
    threads = thread_count()
    window, largest = 2 * threads, 1
    with torch_threads(1), _pool() as pool:
        while True:
            while len(reading) < window and (row := next(upcoming, None)) is not None:
                reading.append((row, pool.submit(_read, row)))
            while reading and len(decoding) < window and (not decoding or reading[0][1].done()):
                row, read = reading.popleft()
                encoded = read.result()
                wanted = [
                    request
                    for request in row.requests
                    if request.consumer.wants(request.item, [encoded[place] for place in request.places])
                ]
                decoding.append((row, wanted, pool.submit(_decode, wanted, encoded) if wanted else None))
            if not decoding:
                return
            row, wanted, decoded = decoding.popleft()
            prepared, size = decoded.result() if decoded is not None else ([], 0)
            largest = max(largest, size)
            window = max(threads + 1, min(_ROWS_AHEAD, _BYTES_AHEAD // largest))
            yield row, list(zip(wanted, prepared))


@contextlib.contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Yield a thread pool, and cancel its pending work at the end of the block."""
    # Threads inherit torch's thread count when they first compute, which may be the network's by then.
    pool = ThreadPoolExecutor(thread_count(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Set torch's number of CPU threads for the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _read(row: Row) -> list[Encoded]:
    return [read_encoded(source, index) for source, index in row.images]


def read_encoded(source: ImageSource, index: int) -> Encoded:
    """Read and hash one image."""
    data = source.first if index == 0 else source.read_bytes(index)
    return Encoded(source, index, data, hashlib.sha256(data).digest())


def _decode(wanted: Sequence[Request], encoded: Sequence[Encoded]) -> tuple[list[Any], int]:
    """Decode the images of a row's requests, once each; return the prepared items and their size in bytes."""
    places = sorted({place for request in wanted for place in request.places})
    pictures = {p: Picture(encoded[p], decode(encoded[p].data, encoded[p].name)) for p in places}
    prepared = [
        request.consumer.prepare(request.item, [pictures[place] for place in request.places])
        for request in wanted
    ]
    made = [array for array in prepared if isinstance(array, (np.ndarray, torch.Tensor))]
    return prepared, sum(array.nbytes for array in [*(p.pixels for p in pictures.values()), *made])


def thread_count() -> int:
    """Return the number of processors available to this process."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
