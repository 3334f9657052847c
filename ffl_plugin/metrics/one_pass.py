"""One pass over images: each is read and decoded once and handed to everything that is measured on it.

A row is what is looked at together: one image, or an image with those that it is compared with. Threads read
and hash rows ahead of their use. The calling thread asks each consumer whether it wants an item: it does
not if the numbers are in the cache. Threads then decode what is wanted and do what can be done to one item by
itself; the calling thread takes the results, always in order.

There are as many threads as processors, and each computes alone: in torch, several threads for one small
operation spend more time on waiting for each other than they save.

Bounded are the rows under way, by their number and by the bytes of their pixels. Nothing here grows with the
number of images.
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
_BYTES_AHEAD = 1 << 26  # of pixels: 64 MB


@dataclass(frozen=True)
class Encoded:
    """One image as it was read, with the SHA-256 of its bytes."""

    source: ImageSource
    index: int
    data: bytes
    digest: bytes

    @property
    def name(self) -> str:
        """How messages name it."""
        return self.source.describe(self.index)


@dataclass(frozen=True)
class Picture:
    """One decoded image: uint8 (H, W, 3)."""

    encoded: Encoded
    pixels: Pixels


class Changed(Exception):
    """Numbers of an unfinished run belong to other images, so that the pass has to begin anew."""


class Consumer:
    """Something that is measured on images. Only ``prepare`` is called from other threads."""

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        """Say whether an item has to be decoded; called once for each item of a pass, in order."""
        raise NotImplementedError

    def prepare(self, item: int, pictures: Sequence[Picture]) -> Any:
        """Do in a thread what can be done to an item by itself; ``take`` gets what this returns."""
        return pictures

    def take(self, item: int, prepared: Any) -> None:
        """Measure one item that was wanted; called in order."""
        raise NotImplementedError

    def flush(self) -> None:
        """Measure and keep what was taken; called at the end, and where an image cannot be used."""


@dataclass(frozen=True)
class Request:
    """What a consumer is offered of a row: the images at some of its places, as one item of its own."""

    consumer: Consumer
    item: int
    places: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Row:
    """Images that are read together, as (source, index), and who may want them."""

    images: tuple[tuple[ImageSource, int], ...]
    requests: tuple[Request, ...]


def rows_of(source: ImageSource, *consumers: Consumer) -> Iterator[Row]:
    """Return a row for each image of a set, in order, for consumers that count the images as the set does."""
    for index in range(len(source)):
        yield Row(((source, index),), tuple(Request(consumer, index) for consumer in consumers))


def run_pass(
    rows: Callable[[], Iterable[Row]],
    total: int,
    what: str,
    progress: Optional[Progress] = None,
) -> None:
    """Take every row through all that it is offered to.

    Args:
        rows: gives the rows from the first on, each time it is called.
        total: number of images in them, for the progress.
        what: is measured, for the progress.
        progress: called as ``progress(done, total, what)``.

    Raises:
        FFLError: an image cannot be used. What was taken before it is measured and kept.
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
    """Yield rows in order with what was wanted of each."""
    upcoming = iter(rows)
    reading: deque[tuple[Row, Future[list[Encoded]]]] = deque()
    decoding: deque[tuple[Row, list[Request], Optional[Future[tuple[list[Any], int]]]]] = deque()
    window, largest = 2 * thread_count(), 1
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
            window = max(2, min(_ROWS_AHEAD, _BYTES_AHEAD // largest))
            yield row, list(zip(wanted, prepared))


@contextlib.contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Give threads that end, without what is still waiting for them, when the block does."""
    # A thread takes the number that is set when it first computes, which may be the network's by then.
    pool = ThreadPoolExecutor(thread_count(), initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[int]:
    """Let torch compute with so many threads on a CPU; yield how many it had."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield before
    finally:
        torch.set_num_threads(before)


def _read(row: Row) -> list[Encoded]:
    return [read_encoded(source, index) for source, index in row.images]


def read_encoded(source: ImageSource, index: int) -> Encoded:
    """Read and hash one image."""
    data = source.first if index == 0 else source.read_bytes(index)
    return Encoded(source, index, data, hashlib.sha256(data).digest())


def _decode(wanted: Sequence[Request], encoded: Sequence[Encoded]) -> tuple[list[Any], int]:
    """Decode what a row's requests need, once each; return what they make of it, and the bytes of pixels."""
    places = sorted({place for request in wanted for place in request.places})
    pictures = {place: Picture(encoded[place], _pixels(encoded[place])) for place in places}
    prepared = [
        request.consumer.prepare(request.item, [pictures[place] for place in request.places])
        for request in wanted
    ]
    made = [array for array in prepared if isinstance(array, (np.ndarray, torch.Tensor))]
    return prepared, sum(array.nbytes for array in [*(p.pixels for p in pictures.values()), *made])


def _pixels(encoded: Encoded) -> Pixels:
    return decode(encoded.data, encoded.name)


def thread_count() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
