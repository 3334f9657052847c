"""Comparison of images: pairs where each generated image has a real one, features and spectra of the sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ffl_plugin.cache import cache_folder
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import Difference, compare_pairs, compare_spectra
from ffl_plugin.report.from_features import plan_features
from ffl_plugin.report.inputs import Inputs, MeasurementSettings
from ffl_plugin.report.model import PAIRS, SETS, Findings, Pictures, RadialProfile
from ffl_plugin.report.samples import (
    evenly_spaced,
    evenly_spaced_pairs,
    most_changed,
    names_of,
    pair_places,
    sample,
)
from ffl_plugin.report.verdict import few_images

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImagePairs, SpectralStatistics
    from ffl_plugin.metrics.pair_choice import PairMetrics
    from ffl_plugin.metrics.pair_pass import PairMeter
    from ffl_plugin.metrics.spectral_pass import SpectraMeter
    from ffl_plugin.report.image_rows import Shown
    from ffl_plugin.report.samples import Places


def compare_images(inputs: Inputs, settings: MeasurementSettings) -> Findings:
    """Measure features and spectra of the sets, and pairs if there are any, in one pass.

    Raises:
        FFLError: an image cannot be read, or the images of a pair differ in size.
    """
    from ffl_plugin.metrics.one_pass import run_pass
    from ffl_plugin.metrics.spectral_pass import SpectraMeter
    from ffl_plugin.report.image_rows import Digest, MeasuredSet, Shown, comparison_rows

    everything = (inputs.real, *inputs.trainings)
    features = plan_features(inputs, settings)
    pairs = None if inputs.pairs is None else _plan_pairs(inputs.pairs, settings)
    before, after = inputs.firsts
    columns = {"real": inputs.real.images, "before": before.images, "after": after.images}
    samples = evenly_spaced(columns) if pairs is None else pairs.samples
    shown = Shown(names_of(samples.values()))
    cache = cache_folder() / "spectra"
    spectra = [SpectraMeter(opened.images, cache=cache) for opened in everything]
    digests = [Digest(opened.images) for opened in everything]
    sets = [
        MeasuredSet(opened.images, [*features.consumers(place), spectra[place], digests[place]])
        for place, opened in enumerate(everything)
    ]
    scored = [] if pairs is None else [(meter.pairs, meter) for meter in pairs.meters]
    total = sum(len(row.images) for row in comparison_rows(sets, scored, shown))
    run_pass(lambda: comparison_rows(sets, scored, shown), total, "images", settings.progress)
    pictured = tuple(sample(name, places, shown) for name, places in samples.items())
    images = Findings(SETS, notes=inputs.notes) if pairs is None else pairs.findings(shown)
    images = images.joined(Findings(pictures=Pictures(samples=pictured)))
    fewest = min(len(opened.images) for opened in everything)
    found = (
        features.findings(inputs, settings, shown).joined(images).joined(_compare_spectra(inputs, spectra))
    )
    return replace(
        found,
        kind=images.kind,
        caveats=few_images(fewest),
        digests=tuple(digest.result() for digest in digests),
    )


@dataclass(frozen=True)
class PairPlan:
    """The measurement of pairs.

    Attributes:
        choice: metrics for which weights are available.
        meters: meters of the pairs of each training.
        samples: pairs shown in the report.
    """

    choice: PairMetrics
    meters: Sides[PairMeter]
    samples: dict[str, Places]

    def findings(self, shown: Shown) -> Findings:
        """Return the scores of every image against the real one of the same name, after the pass."""
        from ffl_plugin.metrics.pair_choice import leave_equal_out, leave_small_out

        everything, choice = leave_small_out(list(self.meters), self.choice)
        scores = self.meters.split(everything)
        differing, equal = leave_equal_out(everything)
        # Perceptual change if LPIPS is available, else LFD, which ranks images as PSNR does.
        changed = most_changed("lfd" if choice.lpips is None else "lpips", scores)
        before, after = self.meters.before[0].pairs, self.meters.after[0].pairs
        pictured = tuple(
            sample(image.name, pair_places(image.name, before, after), shown) for image in changed
        )
        return Findings(
            PAIRS,
            rows=tuple(_with_network(row, choice) for row in compare_pairs(scores.split(differing))),
            changed=changed,
            pictures=Pictures(changed=pictured),
            missing=choice.missing,
            notes=(*choice.notes, *equal),
        )


def _plan_pairs(pairs: Sides[ImagePairs], settings: MeasurementSettings) -> PairPlan:
    from ffl_plugin.metrics.pair_choice import choose_pair_metrics
    from ffl_plugin.metrics.pair_pass import PairMeter

    before, after = pairs.before[0], pairs.after[0]
    choice = choose_pair_metrics(
        before, lpips=settings.lpips, may_download=settings.download, progress=settings.progress
    )
    cache = cache_folder() / "pairs"
    meters = pairs.map(
        lambda found: PairMeter(found, metrics=choice.metrics, lpips=choice.lpips, cache=cache)
    )
    return PairPlan(choice, meters, evenly_spaced_pairs(before, after))


def _with_network(row: Difference, choice: PairMetrics) -> Difference:
    """Add the network and weights of LPIPS to its row."""
    if row.metric != "lpips" or choice.lpips is None:
        return row
    return replace(row, basis=replace(row.basis, settings=(choice.lpips.conditions,)))


def _compare_spectra(inputs: Inputs, meters: Sequence[SpectraMeter]) -> Findings:
    """Compare the spectra of the sets, or note why that is impossible."""
    from ffl_plugin.metrics.sources import SizesDiffer

    try:
        real = meters[0].result()
        trainings = inputs.trainings.split([meter.result() for meter in meters[1:]])
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
