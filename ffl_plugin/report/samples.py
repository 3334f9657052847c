"""The images shown on the page: some evenly spaced in the sets, and those that changed most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ffl_plugin.metrics.sides import Sides
from ffl_plugin.report.model import ChangedImage, Sample

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs, ImageSource, PairScores
    from ffl_plugin.report.image_rows import Shown

    # Side → (set, index of the image).
    Places = dict[str, tuple[ImageSource, int]]

Array = npt.NDArray[Any]

SAMPLES = 4
CHANGED_EACH_WAY = 2


def evenly_spaced(sides: Mapping[str, ImageSource]) -> dict[str, Places]:
    """Return evenly spaced images of every set, by their name in the first set."""
    count = min(SAMPLES, *(len(source) for source in sides.values()))
    first = next(iter(sides.values()))
    return {
        first.names[place * len(first) // count]: {
            side: (source, place * len(source) // count) for side, source in sides.items()
        }
        for place in range(count)
    }


def pair_places(name: str, before: ImagePairs, after: ImagePairs) -> Places:
    """Return a real image and each side's generated image of the same name."""
    i, j = before.names.index(name), after.names.index(name)
    return {"real": (before.real, i), "before": (before.fake, i), "after": (after.fake, j)}


def evenly_spaced_pairs(before: ImagePairs, after: ImagePairs) -> dict[str, Places]:
    """Return evenly spaced pairs of the set, by name."""
    count = min(SAMPLES, len(before))
    names = [before.names[place * len(before) // count] for place in range(count)]
    return {name: pair_places(name, before, after) for name in names}


def set_places(name: str, sides: Mapping[str, ImageSource]) -> Places:
    """Return the image of one name in each of several sets with equal names."""
    return {side: (source, source.names.index(name)) for side, source in sides.items()}


def names_of(places: Iterable[Places]) -> set[str]:
    """Return the descriptions of all images."""
    return {source.describe(index) for sides in places for source, index in sides.values()}


def sample(name: str, places: Places, shown: Shown) -> Sample:
    """Return the images at the given places with their spectra."""
    looked = {side: shown.look(source, index) for side, (source, index) in places.items()}
    return Sample(
        name,
        images={side: pixels for side, (pixels, _) in looked.items()},
        spectra={side: spectrum for side, (_, spectrum) in looked.items()},
    )


def most_changed(metric: str, scores: Sides[PairScores]) -> tuple[ChangedImage, ...]:
    """Return the pairs whose score, averaged over the trainings of each side, changed most."""
    names = scores.before[0].names
    by_name = scores.map(lambda one: dict(zip(one.names, one.scores[metric])))
    means = [
        np.array([np.mean([training[name] for training in side]) for name in names])
        for side in (by_name.before, by_name.after)
    ]
    return furthest(metric, names, *means)


def furthest(metric: str, names: Sequence[str], before: Array, after: Array) -> tuple[ChangedImage, ...]:
    """Return the images whose value, lower being better, fell most, then those whose value rose most."""
    change = after - before
    order = [int(index) for index in np.argsort(change, kind="stable")]
    improved = [index for index in order[:CHANGED_EACH_WAY] if change[index] < 0]
    worsened = [index for index in order[::-1][:CHANGED_EACH_WAY] if change[index] > 0]
    return tuple(
        ChangedImage(names[i], metric, float(before[i]), float(after[i]), float(change[i]))
        for i in (*improved, *worsened)
    )
