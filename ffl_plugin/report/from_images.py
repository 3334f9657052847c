"""Sets of images: pairs where every image answers a real one, and spectra of the sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from ffl_plugin.metrics.difference import Difference, compare_pairs
from ffl_plugin.metrics.spectral_difference import compare_spectra
from ffl_plugin.report.findings import Findings, few_images
from ffl_plugin.report.gather import Opened, PathLike, images_of, pair_up
from ffl_plugin.report.model import ChangedImage, Pictures, RadialProfile, Sample
from ffl_plugin.report.samples import evenly_spread, most_changed, pair_sample, pairs_spread

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImageSource, SpectralStatistics
    from ffl_plugin.metrics.pair_choice import PairMetrics
    from ffl_plugin.metrics.progress import Progress


def compare_images(
    real: ImageSource,
    before: Sequence[Opened],
    after: Sequence[Opened],
    *,
    pairs_with: Optional[Path],
    pairs: Optional[bool],
    lpips: Optional[PathLike] = None,
    download: bool = False,
    progress: Optional[Progress] = None,
) -> Findings:
    """Measure images against the real ones they answer, where they pair up, and the spectra of the sets.

    Args:
        real: the real images, as a set.
        before, after: trainings with images.
        pairs_with: where to look for the real image of each; None for result folders that hold their own.
        pairs: True insists on pairs, False takes sets only, None decides by the names.
        lpips: AlexNet's weights for LPIPS; None looks for them.
        download: whether they may be downloaded if they are not here.
        progress: called as ``progress(done, total, what)``.

    Raises:
        FFLError: an image cannot be read, or the images of a pair differ in size.
    """
    paired, unpaired = pair_up([*before, *after], pairs_with, pairs)
    rows: list[Difference] = []
    changed: tuple[ChangedImage, ...] = ()
    pictured: tuple[Sample, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    if paired:
        from ffl_plugin.metrics import measure_pairs
        from ffl_plugin.metrics.pair_choice import choose_pair_metrics, leave_equal_out

        given = None if lpips is None else Path(lpips)
        choice = choose_pair_metrics(paired[0], lpips=given, may_download=download, progress=progress)
        scores = [
            measure_pairs(pairs, metrics=choice.metrics, lpips=choice.lpips, progress=progress)
            for pairs in paired
        ]
        differing, equal = leave_equal_out(scores)
        missing, notes = choice.missing, (*choice.notes, *equal)
        rows += _labelled(compare_pairs(differing[: len(before)], differing[len(before) :]), choice)
        sides = scores[: len(before)], scores[len(before) :]
        # What changed to the eye, where a network can tell; PSNR orders images as LFD does.
        changed = most_changed("lfd" if choice.lpips is None else "lpips", *sides, lower_is_better=True)
        pictured = tuple(pair_sample(image.name, paired[0], paired[len(before)]) for image in changed)
        samples = pairs_spread(paired[0], paired[len(before)])
    else:
        samples = evenly_spread({"real": real, "before": images_of(before[0]), "after": images_of(after[0])})
    spectral, profiles, spectra, refused = _spectra(real, before, after, progress)
    return Findings(
        rows=(*rows, *spectral),
        paired=bool(paired),
        profiles=profiles,
        changed=changed,
        pictures=Pictures(spectra, samples, pictured),
        missing=missing,
        notes=(*notes, *(note for note in (unpaired, refused) if note is not None)),
        caveats=few_images(min(len(source) for source in (real, *map(images_of, (*before, *after))))),
    )


def _labelled(rows: Sequence[Difference], choice: PairMetrics) -> list[Difference]:
    """The rows, with the network and weights of LPIPS beside it."""
    if choice.lpips is None:
        return list(rows)
    basis = f"; {choice.lpips.conditions})"
    return [replace(row, label=row.label[:-1] + basis) if row.metric == "lpips" else row for row in rows]


def _spectra(
    real: ImageSource, before: Sequence[Opened], after: Sequence[Opened], progress: Optional[Progress]
) -> tuple[list[Difference], tuple[RadialProfile, ...], dict[str, Any], Optional[str]]:
    """Rows, profiles and averaged spectra, or the reason why there are none."""
    from ffl_plugin.metrics import measure_spectra
    from ffl_plugin.metrics.sources import SizesDiffer

    try:
        sides = {
            "real": [measure_spectra(real, progress=progress)],
            "before": [measure_spectra(images_of(opened), progress=progress) for opened in before],
            "after": [measure_spectra(images_of(opened), progress=progress) for opened in after],
        }
        rows = compare_spectra(sides["real"][0], sides["before"], sides["after"])
    except SizesDiffer as error:
        return [], (), {}, f"Spectra were not compared: {error}."
    profiles = tuple(_profile(name, trainings) for name, trainings in sides.items())
    return (
        rows,
        profiles,
        {name: _mean([s.log_spectrum for s in trainings]) for name, trainings in sides.items()},
        None,
    )


def _profile(side: str, trainings: Sequence[SpectralStatistics]) -> RadialProfile:
    mean = _mean([statistics.profile for statistics in trainings])
    return RadialProfile(side, tuple(map(float, trainings[0].frequencies)), tuple(map(float, mean)))


def _mean(arrays: Sequence[Any]) -> Any:
    return sum(arrays) / len(arrays)
