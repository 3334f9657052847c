"""Images: pairs where every image answers a real one, features and spectra of the sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ffl_plugin.metrics.difference import LOWER, Difference, compare_pairs
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.spectral_difference import compare_spectra
from ffl_plugin.report.findings import Findings, few_images
from ffl_plugin.report.from_features import measure_features
from ffl_plugin.report.inputs import Inputs
from ffl_plugin.report.measuring import Measuring
from ffl_plugin.report.model import PAIRS, SETS, Pictures, RadialProfile
from ffl_plugin.report.samples import evenly_spread, most_changed, pair_sample, pairs_spread

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs, SpectralStatistics
    from ffl_plugin.metrics.pair_choice import PairMetrics


def compare_images(inputs: Inputs, how: Measuring) -> Findings:
    """Measure features of the sets, pairs if there are any, and spectra of the sets.

    Raises:
        FFLError: an image cannot be read, or the images of a pair differ in size.
    """
    features = measure_features(inputs, how)
    if inputs.pairs is None:
        before, after = inputs.firsts
        columns = {"real": inputs.real.images, "before": before.images, "after": after.images}
        images = Findings(SETS, pictures=Pictures(samples=evenly_spread(columns)), notes=inputs.notes)
    else:
        images = _measure_pairs(inputs.pairs, how)
    spectra = _measure_spectra(inputs, how)
    fewest = min(len(opened.images) for opened in (inputs.real, *inputs.trainings))
    return replace(features.joined(images).joined(spectra), kind=images.kind, caveats=few_images(fewest))


def _measure_pairs(pairs: Sides[ImagePairs], how: Measuring) -> Findings:
    """PSNR and its kin of every image against the real one of its name."""
    from ffl_plugin.metrics import measure_pairs
    from ffl_plugin.metrics.pair_choice import choose_pair_metrics, leave_equal_out

    before, after = pairs.before[0], pairs.after[0]
    given = None if how.lpips is None else Path(how.lpips)
    choice = choose_pair_metrics(before, lpips=given, may_download=how.download, progress=how.progress)
    scores = pairs.map(
        lambda answered: measure_pairs(
            answered, metrics=choice.metrics, lpips=choice.lpips, progress=how.progress
        )
    )
    differing, equal = leave_equal_out(list(scores))
    # What changed to the eye, where a network can tell; PSNR orders images as LFD does.
    changed = most_changed("lfd" if choice.lpips is None else "lpips", scores, direction=LOWER)
    pictured = tuple(pair_sample(image.name, before, after) for image in changed)
    return Findings(
        PAIRS,
        rows=tuple(_with_network(row, choice) for row in compare_pairs(scores.split(differing))),
        changed=changed,
        pictures=Pictures(samples=pairs_spread(before, after), changed=pictured),
        missing=choice.missing,
        notes=(*choice.notes, *equal),
    )


def _with_network(row: Difference, choice: PairMetrics) -> Difference:
    """Name the network and weights of LPIPS in its row."""
    if row.metric != "lpips" or choice.lpips is None:
        return row
    return replace(row, basis=replace(row.basis, settings=(choice.lpips.conditions,)))


def _measure_spectra(inputs: Inputs, how: Measuring) -> Findings:
    """Spectra of the sets, or the reason why there are none."""
    from ffl_plugin.metrics import measure_spectra
    from ffl_plugin.metrics.sources import SizesDiffer

    try:
        real = measure_spectra(inputs.real.images, progress=how.progress)
        trainings = inputs.trainings.map(lambda opened: measure_spectra(opened.images, progress=how.progress))
        rows = compare_spectra(real, trainings)
    except SizesDiffer as error:
        return Findings(notes=(f"Spectra were not compared: {error}.",))
    sides = {"real": [real], "before": trainings.before, "after": trainings.after}
    return Findings(
        rows=tuple(rows),
        profiles=tuple(_profile(name, measured) for name, measured in sides.items()),
        pictures=Pictures({name: _mean([one.log_spectrum for one in some]) for name, some in sides.items()}),
    )


def _profile(side: str, trainings: Sequence[SpectralStatistics]) -> RadialProfile:
    mean = _mean([statistics.profile for statistics in trainings])
    return RadialProfile(side, tuple(map(float, trainings[0].frequencies)), tuple(map(float, mean)))


def _mean(arrays: Sequence[Any]) -> Any:
    return sum(arrays) / len(arrays)
