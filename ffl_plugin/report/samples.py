"""Which images the page shows: some spread evenly over the sets, and those that changed most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ffl_plugin.metrics.difference import LOWER
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.report.model import ChangedImage, Sample

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs, ImageSource, PairScores

Array = npt.NDArray[Any]

SAMPLES = 4
CHANGED_EACH_WAY = 2


def evenly_spread(sides: dict[str, ImageSource], count: int = SAMPLES) -> tuple[Sample, ...]:
    """The same few places of every set; sets of different length are each spread over."""
    count = min(count, *(len(source) for source in sides.values()))
    first = next(iter(sides.values()))
    return tuple(
        Sample(
            name=first.names[place * len(first) // count],
            **_shown({side: (source, place * len(source) // count) for side, source in sides.items()}),
        )
        for place in range(count)
    )


def pair_sample(name: str, before: ImagePairs, after: ImagePairs) -> Sample:
    """One real image and what each side made of it."""
    i, j = before.names.index(name), after.names.index(name)
    return Sample(
        name, **_shown({"real": (before.real, i), "before": (before.fake, i), "after": (after.fake, j)})
    )


def pairs_spread(before: ImagePairs, after: ImagePairs, count: int = SAMPLES) -> tuple[Sample, ...]:
    """Pairs at evenly spread places of the set."""
    count = min(count, len(before))
    return tuple(
        pair_sample(before.names[place * len(before) // count], before, after) for place in range(count)
    )


def set_sample(name: str, sides: dict[str, ImageSource]) -> Sample:
    """The image of one name in each of several sets of the same names."""
    return Sample(
        name, **_shown({side: (source, source.names.index(name)) for side, source in sides.items()})
    )


def most_changed(metric: str, scores: Sides[PairScores], *, direction: str) -> tuple[ChangedImage, ...]:
    """Pairs whose score, averaged over the trainings of each side, moved most."""
    names = scores.before[0].names
    by_name = scores.map(lambda one: dict(zip(one.names, one.scores[metric])))
    means = [
        np.array([np.mean([training[name] for training in side]) for name in names])
        for side in (by_name.before, by_name.after)
    ]
    return furthest(metric, names, *means, direction=direction)


def furthest(
    metric: str, names: Sequence[str], before: Array, after: Array, *, direction: str
) -> tuple[ChangedImage, ...]:
    """The few images whose value improved most, then those whose value worsened most."""
    change = after - before
    gain = -change if direction == LOWER else change
    order = [int(index) for index in np.argsort(-gain, kind="stable")]
    improved = [index for index in order[:CHANGED_EACH_WAY] if gain[index] > 0]
    worsened = [index for index in order[::-1][:CHANGED_EACH_WAY] if gain[index] < 0]
    return tuple(
        ChangedImage(names[i], metric, float(before[i]), float(after[i]), float(change[i]))
        for i in (*improved, *worsened)
    )


def _shown(places: dict[str, tuple[ImageSource, int]]) -> dict[str, dict[str, Array]]:
    from ffl_plugin.metrics import measure_spectra

    return {
        "images": {side: source.read(index) for side, (source, index) in places.items()},
        "spectra": {
            side: measure_spectra(source.subset([index])).log_spectrum
            for side, (source, index) in places.items()
        },
    }
