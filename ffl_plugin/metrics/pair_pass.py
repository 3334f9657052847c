"""Scores of pairs, measured in a pass over images and cached between runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional, Union

import numpy as np
import numpy.typing as npt
import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import perceptual
from ffl_plugin.metrics.decode import Pixels
from ffl_plugin.metrics.devices import find_device
from ffl_plugin.metrics.metric import PAIR_METRICS
from ffl_plugin.metrics.one_pass import Consumer, Encoded, Picture, Request, Row, run_pass
from ffl_plugin.metrics.pairs import METRICS, PairScores, score_batch
from ffl_plugin.metrics.perceptual import Lpips
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.results import ImagePairs
from ffl_plugin.metrics.row_cache import RowCache, key_of
from ffl_plugin.metrics.similarity import SSIM_WINDOW

_VERSION = 1  # of the cached numbers: increment when they change
# Metric -> minimum edge length.
SMALLEST = {"ssim": SSIM_WINDOW, "lpips": perceptual.SMALLEST}

_FILE = 256  # pairs per cached file
_GPU_BATCH = 1 << 24  # pixel values; on a CPU one pair at a time is as fast

Pair = tuple[Pixels, Pixels]
Scores = npt.NDArray[np.float64]


def measure_pairs(
    pairs: ImagePairs,
    *,
    metrics: Sequence[str] = METRICS,
    lpips: Optional[Lpips] = None,
    cache: Optional[Path] = None,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> PairScores:
    """Score every generated image against its target.

    Args:
        pairs: images of one size per pair, 8-bit RGB.
        metrics: names in ``METRICS``.
        lpips: the network of the distance scored as "lpips".
        cache: a persistent folder; cached scores are not measured again.
        device: by default the process's GPU, or else the CPU.
        progress: called as ``progress(done, total, what)``.

    Raises ``FFLError`` naming the pair if two images differ in size.
    """
    meter = PairMeter(pairs, metrics=metrics, lpips=lpips, cache=cache, device=device)
    measure_in_one_pass(meter, progress)
    scores = meter.result()
    for metric in scores.scores:
        if min(meter.smallest[1]) < SMALLEST.get(metric, 0):
            name, (height, width) = meter.smallest
            raise FFLError(too_small(metric, name, height, width))
    return scores


def measure_in_one_pass(meter: PairMeter, progress: Optional[Progress] = None) -> None:
    """Score the pairs of a meter in a pass over only their images."""
    pairs = meter.pairs

    def rows() -> Iterator[Row]:
        for index in range(len(pairs)):
            yield Row(((pairs.fake, index), (pairs.real, index)), (Request(meter, index, (0, 1)),))

    run_pass(rows, 2 * len(pairs), "pairs", progress)


def too_small(metric: str, name: str, height: int, width: int) -> str:
    """Return the reason why a metric was not measured."""
    side = SMALLEST[metric]
    return (
        f"{metric.upper()} was not measured: it needs images of at least {side}x{side} pixels, and {name} is "
        f"{width}x{height}."
    )


class PairMeter(Consumer):
    """Scores pairs, given as generated image and target, in any order."""

    def __init__(
        self,
        pairs: ImagePairs,
        *,
        metrics: Sequence[str] = METRICS,
        lpips: Optional[Lpips] = None,
        cache: Optional[Path] = None,
        device: Optional[str] = None,
    ) -> None:
        """Prepare for the pairs; arguments as for ``measure_pairs``."""
        unknown = [metric for metric in metrics if metric not in METRICS]
        if unknown:
            raise FFLError(f"{unknown[0]!r} is not a metric of pairs; choose from {', '.join(METRICS)}")
        self.pairs = pairs
        self._lpips = lpips
        self._device = find_device(device)
        chosen = [*metrics, *(["lpips"] if lpips is not None else [])]
        self._metrics = tuple(metric for metric in PAIR_METRICS if metric in chosen)
        basis = "" if lpips is None else lpips.weights.sha256
        self._cache = RowCache(cache, f"pairs {_VERSION} {self._metrics} {basis}")
        self._keys: list[bytes] = [b""] * len(pairs)
        # The real image with the shortest edge, available with the result: its name, and (H, W).
        self.smallest: tuple[str, tuple[int, int]] = "", (0, 0)
        self._batch: list[tuple[int, Pair]] = []
        self._measured: list[tuple[bytes, Scores]] = []

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        """Request items that are not cached."""
        self._keys[item] = key_of(*(image.digest for image in encoded))
        return self._keys[item] not in self._cache

    def prepare(self, item: int, pictures: Sequence[Picture]) -> Union[Pair, Scores]:
        """Score a pair on the CPU; on a GPU leave it to the batch."""
        fake, real = (picture.pixels for picture in pictures)
        if fake.shape != real.shape:
            raise FFLError(
                f"{pictures[0].encoded.name} is {fake.shape[1]}x{fake.shape[0]} and its partner "
                f"{pictures[1].encoded.name} is {real.shape[1]}x{real.shape[0]}; pairs need equal sizes"
            )
        if self._device.type == "cpu":
            scores: Scores = self._score(fake[None], real[None])[0]
            return scores
        return fake, real

    def take(self, item: int, prepared: Union[Pair, Scores]) -> None:
        """Store the scores of a pair, or add it to the batch."""
        if isinstance(prepared, np.ndarray):
            self._keep([item], prepared[None])
            return
        if self._batch and self._batch[-1][1][0].shape != prepared[0].shape:
            self._score_batch()
        self._batch.append((item, prepared))
        if len(self._batch) * prepared[0].size >= _GPU_BATCH:
            self._score_batch()

    def flush(self) -> None:
        """Score the batch, and write uncached scores."""
        self._score_batch()
        self._write()

    def result(self) -> PairScores:
        """Return the scores of all pairs, NaN for pairs too small for a metric."""
        rows = np.concatenate([stored.load() for stored in self._cache.locate(self._keys)])
        edges = rows[:, len(self._metrics) :]
        index = int(edges.min(axis=1).argmin())
        self.smallest = self.pairs.real.describe(index), (int(edges[index, 0]), int(edges[index, 1]))
        scores = {metric: rows[:, column].copy() for column, metric in enumerate(self._metrics)}
        return PairScores(self.pairs.names, scores)

    def _score_batch(self) -> None:
        if self._batch:
            items, images = zip(*self._batch)
            self._batch = []
            self._keep(items, self._score(*(np.stack(side) for side in zip(*images))))

    @torch.inference_mode()
    def _score(self, fakes: Pixels, reals: Pixels) -> Scores:
        """Score pairs of one size: (B, H, W, 3) twice -> (B, metrics + 2), ending with the size (H, W)."""
        sides = [torch.from_numpy(side).to(self._device).float() for side in (fakes, reals)]
        count, height, width, _ = fakes.shape
        possible = [m for m in self._metrics if min(height, width) >= SMALLEST.get(m, 0)]
        scores = score_batch(sides[0], sides[1], [metric for metric in possible if metric != "lpips"])
        if self._lpips is not None and "lpips" in possible:
            scores["lpips"] = self._lpips.distances(*sides).to(self._device)
        rows = np.full((count, len(self._metrics) + 2), np.nan)
        for column, metric in enumerate(self._metrics):
            if metric in scores:
                rows[:, column] = scores[metric].double().cpu().numpy()
        rows[:, -2:] = height, width
        return rows

    def _keep(self, items: Sequence[int], rows: Scores) -> None:
        self._measured += [(self._keys[item], row) for item, row in zip(items, rows)]
        if len(self._measured) >= _FILE:
            self._write()

    def _write(self) -> None:
        if self._measured:
            keys, rows = zip(*self._measured)
            self._measured = []
            self._cache.add(keys, np.stack(rows))
