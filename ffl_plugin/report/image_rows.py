"""The single pass of a comparison over its images, each read once, in rows of images processed together.

Each image is passed to the consumers of its set. A real image and its generated counterparts form one row,
and each of these pairs is passed to the consumers of pairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ffl_plugin.metrics.one_pass import Consumer, Encoded, Picture, Request, Row, run_pass
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.results import ImagePairs
from ffl_plugin.metrics.sources import ImageSource
from ffl_plugin.metrics.spectral_sums import spectra_of

Place = tuple[ImageSource, int]


@dataclass
class MeasuredSet:
    """A set of images and its consumers, which index images as the set does."""

    source: ImageSource
    consumers: Sequence[Consumer]
    _places: dict[str, int] = field(default_factory=dict)

    def index_of(self, source: ImageSource, guess: int) -> int:
        """Return the index in the set of an image of ``source``; -1 if it is not in the set."""
        name = source.describe(guess)
        if guess < len(self.source) and self.source.describe(guess) == name:
            return guess
        if not self._places:
            self._places = {self.source.describe(index): index for index in range(len(self.source))}
        return self._places.get(name, -1)


def comparison_rows(
    sets: Sequence[MeasuredSet],
    pairs: Sequence[tuple[ImagePairs, Consumer]],
    shown: Shown,
) -> Iterator[Row]:
    """Yield every image of the sets and pairs once.

    Args:
        sets: the real images and those of each training.
        pairs: pairs of each training, with equal names; empty if images are compared as sets.
        shown: the images shown in the report.
    """
    seen = [np.zeros(len(one.source), bool) for one in sets]
    orders = [{name: index for index, name in enumerate(found.names)} for found, _ in pairs[1:]]
    for index, name in enumerate(pairs[0][0].names if pairs else ()):
        row = _RowBuilder(shown)
        for (found, scores), order in zip(pairs, [None, *orders]):
            item = index if order is None else order[name]
            fake, real = (row.place(source, item) for source in (found.fake, found.real))
            row.requests.append(Request(scores, item, (fake, real)))
        for place, (source, item) in enumerate(list(row.images)):
            for one, done in zip(sets, seen):
                found_at = one.index_of(source, item)
                if found_at >= 0 and not done[found_at]:
                    done[found_at] = True
                    row.offer(one, found_at, place)
        yield row.build()
    for one, done in zip(sets, seen):
        for remaining in np.flatnonzero(~done).tolist():
            row = _RowBuilder(shown)
            row.offer(one, remaining, row.place(one.source, remaining))
            yield row.build()


class _RowBuilder:
    """A row under construction, without duplicate images."""

    def __init__(self, shown: Shown) -> None:
        self.images: list[Place] = []
        self.requests: list[Request] = []
        self._shown = shown
        self._places: dict[str, int] = {}

    def place(self, source: ImageSource, index: int) -> int:
        """Return the position of an image in the row, adding it if needed."""
        name = source.describe(index)
        if name not in self._places:
            self._places[name] = len(self.images)
            self.images.append((source, index))
            if name in self._shown.wanted:
                self.requests.append(Request(self._shown, index, (self._places[name],)))
        return self._places[name]

    def offer(self, measured: MeasuredSet, item: int, place: int) -> None:
        self.requests += [Request(consumer, item, (place,)) for consumer in measured.consumers]

    def build(self) -> Row:
        return Row(tuple(self.images), tuple(self.requests))


class Digest(Consumer):
    """A hash over the names and encoded images of a set, to detect copies; it needs no pixels."""

    def __init__(self, source: ImageSource) -> None:
        self._names = source.names
        self._images = np.zeros((len(source), hashlib.sha256().digest_size), np.uint8)

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        """Store the hash of the image."""
        self._images[item] = np.frombuffer(encoded[0].digest, np.uint8)
        return False

    def result(self) -> str:
        """Return the SHA-256, in hexadecimal, over each name and the SHA-256 of each image, in order."""
        whole = hashlib.sha256()
        for name, image in zip(self._names, self._images):
            encoded = name.encode("utf-8", "surrogateescape")
            whole.update(len(encoded).to_bytes(8, "big") + encoded + image.tobytes())
        return whole.hexdigest()


def digests_of(sources: Sequence[ImageSource], progress: Optional[Progress] = None) -> tuple[str, ...]:
    """Return the hash of each set, without measuring anything else."""
    digests = [Digest(source) for source in sources]
    sets = [MeasuredSet(source, [digest]) for source, digest in zip(sources, digests)]
    nothing = Shown(frozenset())
    run_pass(lambda: comparison_rows(sets, [], nothing), sum(map(len, sources)), "hashes", progress)
    return tuple(digest.result() for digest in digests)


@dataclass(frozen=True)
class Shown(Consumer):
    """Pixels and log spectra of the images shown in the report, for those chosen in advance.

    Attributes:
        wanted: descriptions of the images chosen in advance.
        stored: pixels and log spectrum by description.
    """

    wanted: Collection[str]
    stored: dict[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]] = field(default_factory=dict)

    __hash__ = object.__hash__

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        """Return whether an image was chosen."""
        return encoded[0].name in self.wanted

    def prepare(self, item: int, pictures: Sequence[Picture]) -> Any:
        """Compute the spectrum of one image."""
        return pictures[0].encoded.name, (pictures[0].pixels, _log_spectrum(pictures[0].pixels))

    def take(self, item: int, prepared: Any) -> None:
        """Store pixels and spectrum."""
        name, self.stored[name] = prepared

    def look(self, source: ImageSource, index: int) -> tuple[Any, Any]:
        """Return pixels and log spectrum of an image, read now if not stored (those that changed most)."""
        name = source.describe(index)
        if name not in self.stored:
            pixels = source.read(index)
            self.stored[name] = pixels, _log_spectrum(pixels)
        return self.stored[name]


def _log_spectrum(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    return spectra_of([pixels]).log_spectrum
