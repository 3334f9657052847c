"""All metrics of one set of fakes against one set of reals."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.basis import Basis
from ffl_plugin.metrics.feature_choice import FeatureChoice
from ffl_plugin.metrics.feature_evaluation import features_of, measure_features
from ffl_plugin.metrics.generators import sample_generator
from ffl_plugin.metrics.measurement import FeatureSet, Measurement, load_feature_file
from ffl_plugin.metrics.metric import FID_LIMIT, LOWER, NEITHER, PAIR_METRICS
from ffl_plugin.metrics.pair_choice import (
    choose_pair_metrics,
    leave_equal_out,
    leave_small_out,
)
from ffl_plugin.metrics.pair_pass import PairMeter, measure_in_one_pass
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.protocols import Protocol, find_protocol
from ffl_plugin.metrics.results import is_result_folder, open_images, open_pairs
from ffl_plugin.metrics.sources import ImageSource
from ffl_plugin.metrics.spectra import spectral_distances
from ffl_plugin.metrics.spectral_pass import measure_spectra
from ffl_plugin.metrics.storage import TemporaryFolder
from ffl_plugin.metrics.weights import WeightsMissing

_Source = Union[ImageSource, FeatureSet]


@dataclass(frozen=True)
class Evaluation:
    """Measurements, remarks for the reader, and the error if weights were missing."""

    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]
    refusal: Optional[FFLError]

    def as_json(self) -> dict[str, Any]:
        """Return JSON values: the measurements by metric, and the remarks."""
        refusal = str(self.refusal) if self.refusal else None
        numbers = {measurement.metric: measurement.as_json() for measurement in self.measurements}
        if FID_LIMIT.name in numbers:
            numbers["FID∞"] = numbers[FID_LIMIT.name]  # its name in 0.1, for programs that parse it
        return {"measurements": numbers, "notes": list(self.notes), "refused": refusal}

    def as_csv(self) -> str:
        """Return one line per metric; an empty cell means unknown."""
        text = io.StringIO()
        columns = ("metric", "value", "spread", "better", "conditions")
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({"metric": one.metric, **one.as_json()} for one in self.measurements)
        return text.getvalue()


def evaluate(
    real: Path,
    fake: Path,
    choice: FeatureChoice,
    *,
    others: Collection[str] = (),
    lpips: Optional[Path] = None,
    download: bool = True,
    clone: Optional[Path] = None,
    samples: int = 50_000,
    cache: Optional[Path] = None,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> Evaluation:
    """Measure ``fake`` against ``real``: folders, zips, result folders, ``.npz`` of statistics or features.

    ``choice`` names the metrics on features; ``others`` are ``pairs`` and ``spectra``. ``download`` is
    whether missing weights may be downloaded. ``cache`` is a persistent folder for features, scores and
    samples of a network; without it, they are temporary. If the network's weights are not available, metrics
    that need none are measured instead (spectra, and pairs of a result folder), and the reason is returned as
    ``refusal``.

    Raises ``FFLError`` for input that cannot be measured.
    """
    protocol = find_protocol(choice.protocol)
    temporary = TemporaryFolder()  # for samples that are not cached; deleted on return
    reals = _open(real, "real", protocol)
    if fake.suffix != ".pkl":
        fakes = _open(fake, "fake", protocol)
    elif clone is None:
        raise FFLError(f"{fake} is a network; pass the clone that samples it with --clone")
    else:
        fakes = sample_generator(
            fake, clone, count=samples, cache=cache or temporary.path, device=device, progress=progress
        )
    of_images = [note for side in (reals, fakes) if isinstance(side, ImageSource) for note in side.notes]
    notes = list(dict.fromkeys(of_images))
    if _same_files(reals, fakes):
        notes.append(f"REAL and FAKE are the same images, those of {real}; pass two sets")
    refusal: Optional[FFLError] = None
    measurements: list[Measurement] = []
    if choice.metrics:
        try:
            sides, remarks = features_of(
                (reals, fakes),
                choice,
                may_download=download,
                cache=_below(cache, "features"),
                device=device,
                progress=progress,
            )
            notes += remarks
            measurements += measure_features(sides[0], sides[1], choice, progress=progress)
        except WeightsMissing as error:
            refusal = error
            others = {*others, "spectra", *(("pairs",) if is_result_folder(fake) else ())}
    try:
        if "pairs" in others:
            may_download = download and refusal is None
            found, remarks = _pairs(real, fake, lpips, may_download, _below(cache, "pairs"), device, progress)
            measurements += found
            notes += remarks
        if "spectra" in others:
            measurements += _spectra(reals, fakes, _below(cache, "spectra"), device, progress)
    except FFLError as error:
        if refusal is None:
            raise
        notes.append(f"nothing was measured instead: {error}")  # the missing weights remain the error
    return Evaluation(tuple(measurements), tuple(notes), refusal)


def _same_files(real: _Source, fake: _Source) -> bool:
    """Whether two sides are the same image files, and not two sides of one result folder."""
    if not (isinstance(real, ImageSource) and isinstance(fake, ImageSource)):
        return False
    return real.names == fake.names and os.path.realpath(real.path) == os.path.realpath(fake.path)


def _open(path: Path, role: str, protocol: Protocol) -> _Source:
    if path.suffix.lower() == ".npz":
        return load_feature_file(path, protocol)
    return open_images(path, role=role)


def _below(cache: Optional[Path], kind: str) -> Optional[Path]:
    """Return the cache folder for one kind of numbers, if there is a cache."""
    return None if cache is None else cache / kind


def _pairs(
    real: Path,
    fake: Path,
    lpips: Optional[Path],
    may_download: bool,
    cache: Optional[Path],
    device: Optional[str],
    progress: Optional[Progress],
) -> tuple[list[Measurement], list[str]]:
    """Measure pairs; return the measurements and remarks."""
    pairs = open_pairs(fake) if real == fake else open_pairs(fake, real)
    choice = choose_pair_metrics(
        pairs, lpips=lpips, may_download=may_download, device=device, progress=progress
    )
    meter = PairMeter(pairs, metrics=choice.metrics, lpips=choice.lpips, cache=cache, device=device)
    measure_in_one_pass(meter, progress)
    everything, choice = leave_small_out([meter], choice)
    (scores,), equal = leave_equal_out(everything)
    remarks = [*choice.missing, *choice.notes, *equal]
    bases = dict.fromkeys(scores.scores, Basis(counts={"pairs": len(scores.names)}))
    if choice.lpips is not None:
        bases["lpips"] = replace(bases["lpips"], settings=(choice.lpips.conditions,))
    found = [
        Measurement(PAIR_METRICS[key].name, scores.mean(key), PAIR_METRICS[key].direction, basis)
        for key, basis in bases.items()
    ]
    return found, remarks


def _spectra(
    real: _Source,
    fake: _Source,
    cache: Optional[Path],
    device: Optional[str],
    progress: Optional[Progress],
) -> list[Measurement]:
    if not (isinstance(real, ImageSource) and isinstance(fake, ImageSource)):
        raise FFLError("spectra need images on both sides, not statistics or features")
    reals, fakes = (
        measure_spectra(images, cache=cache, device=device, progress=progress) for images in (real, fake)
    )
    distances = spectral_distances(fakes, reals)
    basis = Basis(counts={"real": reals.count, "generated": fakes.count})
    found = [
        Measurement("radial profile, dB", distances.profile_distance, LOWER, basis),
        Measurement("mean spectrum", distances.mean_spectrum_distance, LOWER, basis),
        Measurement("high-band energy ratio", distances.high_band_energy_ratio, NEITHER, basis),
    ]
    for low, high, decibels in distances.bands:
        found.append(Measurement(f"band {low:.3f}-{high:.3f}, dB", decibels, LOWER, basis))
    return found
