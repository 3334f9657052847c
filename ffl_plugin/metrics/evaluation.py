"""All metrics of one set of fakes against one set of reals."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.basis import Basis
from ffl_plugin.metrics.difference import FID_LIMIT, PAIR_METRICS
from ffl_plugin.metrics.distribution import inception_score, kid, precision_recall
from ffl_plugin.metrics.features import Extractor, Features
from ffl_plugin.metrics.generators import sample_generator
from ffl_plugin.metrics.measurement import ENOUGH, FeatureSet, Measurement, fid, fid_limit, load_feature_file
from ffl_plugin.metrics.pair_choice import (
    PairMetrics,
    choose_pair_metrics,
    leave_equal_out,
    leave_small_out,
)
from ffl_plugin.metrics.pair_pass import PairMeter, measure_in_one_pass
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.protocols import Protocol, find_protocol
from ffl_plugin.metrics.results import ImagePairs, is_result_folder, open_images, open_pairs
from ffl_plugin.metrics.sources import ImageSource
from ffl_plugin.metrics.spectra import spectral_distances
from ffl_plugin.metrics.spectral_pass import measure_spectra
from ffl_plugin.metrics.storage import TemporaryFolder
from ffl_plugin.metrics.weights import WeightsMissing, find_weights

_OF_FEATURES = ("fid", "is", "kid", "pr")
_Source = Union[ImageSource, FeatureSet]


@dataclass(frozen=True)
class Evaluation:
    """What was measured, what a reader must know, and what was refused for want of weights."""

    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]
    refusal: Optional[FFLError]

    def as_json(self) -> dict[str, Any]:
        """Return plain data: the measurements by metric, and the sentences."""
        refusal = str(self.refusal) if self.refusal else None
        numbers = {measurement.metric: measurement.as_json() for measurement in self.measurements}
        if FID_LIMIT.name in numbers:
            numbers["FID∞"] = numbers[FID_LIMIT.name]  # its name in 0.1, for those who read it
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
    *,
    protocol: str,
    metrics: Sequence[str] = ("fid",),
    inception: Optional[Path] = None,
    lpips: Optional[Path] = None,
    clone: Optional[Path] = None,
    samples: int = 50_000,
    cache: Optional[Path] = None,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> Evaluation:
    """Measure ``fake`` against ``real``: folders, zips, result folders, ``.npz`` of statistics or features.

    ``cache`` is a folder that lasts between runs, of what was measured and of samples of a network; without
    it, both are temporary. Where the network's weights cannot be had, what needs none is measured in their
    stead (spectra, and pairs of a result folder) and the reason comes back as ``refusal``.

    Raises ``FFLError`` for input that cannot be measured.
    """
    chosen = find_protocol(protocol)
    temporary = TemporaryFolder()  # for samples that are not kept; gone on return
    reals = _open(real, "real", chosen)
    if fake.suffix != ".pkl":
        fakes = _open(fake, "fake", chosen)
    elif clone is None:
        raise FFLError(f"{fake} is a network; give the clone that samples it with --clone")
    else:
        fakes = sample_generator(
            fake, clone, count=samples, cache=cache or temporary.path, device=device, progress=progress
        )
    of_images = [note for side in (reals, fakes) if isinstance(side, ImageSource) for note in side.notes]
    notes = list(dict.fromkeys(of_images))
    if _same_files(reals, fakes):
        notes.append(f"REAL and FAKE are the same images, those of {real}; give two sets")
    refusal: Optional[FFLError] = None
    measurements: list[Measurement] = []
    if any(metric in metrics for metric in _OF_FEATURES):
        try:
            kept = _below(cache, "features")
            made, remarks = _features((reals, fakes), chosen, inception, kept, device, progress)
            notes += remarks
            measurements += _from_features(made[0], made[1], metrics, progress)
        except WeightsMissing as error:
            refusal = error
            metrics = (*metrics, "spectra", *(("pairs",) if is_result_folder(fake) else ()))
    try:
        if "pairs" in metrics:
            pairs = open_pairs(fake) if real == fake else open_pairs(fake, real)
            choice = choose_pair_metrics(
                pairs, lpips=lpips, may_download=refusal is None, device=device, progress=progress
            )
            found, of_pairs = _pairs(pairs, choice, _below(cache, "pairs"), device, progress)
            measurements += found
            notes += of_pairs
        if "spectra" in metrics:
            measurements += _spectra(reals, fakes, _below(cache, "spectra"), device, progress)
    except FFLError as error:
        if refusal is None:
            raise
        notes.append(f"nothing was measured in its stead: {error}")  # the missing weights stay the reason
    return Evaluation(tuple(measurements), tuple(notes), refusal)


def _same_files(real: _Source, fake: _Source) -> bool:
    """Whether two sides are the very same image files, and not two sides of one result folder."""
    if not (isinstance(real, ImageSource) and isinstance(fake, ImageSource)):
        return False
    return real.names == fake.names and os.path.realpath(real.path) == os.path.realpath(fake.path)


def _open(path: Path, role: str, protocol: Protocol) -> _Source:
    if path.suffix.lower() == ".npz":
        return load_feature_file(path, protocol)
    return open_images(path, role=role)


def _features(
    given: Sequence[_Source],
    protocol: Protocol,
    inception: Optional[Path],
    cache: Optional[Path],
    device: Optional[str],
    progress: Optional[Progress],
) -> tuple[list[FeatureSet], list[str]]:
    """Return features or statistics as they were given, those of images, and what is to be known of them."""
    notes = []
    if any(isinstance(one, ImageSource) for one in given):
        weights = find_weights(inception, progress=progress)
        extractor = Extractor(weights, device=device)
        if not weights.published:
            notes.append(
                f"{weights.path} (SHA-256 {weights.sha256}) is not the published Inception file: "
                "the numbers compare only with others of this file"
            )
    features: list[FeatureSet] = [
        extractor.extract(one, protocol, cache=cache, progress=progress)
        if isinstance(one, ImageSource)
        else one
        for one in given
    ]
    few = [len(one) for one in features if isinstance(one, Features) and len(one) < ENOUGH]
    if few:
        notes.append(
            f"{min(few):,} images are fewer than {ENOUGH:,}: FID is biased upwards, "
            "and compares only at the same number of images"
        )
    return features, notes


def _from_features(
    real: FeatureSet, fake: FeatureSet, metrics: Sequence[str], progress: Optional[Progress]
) -> list[Measurement]:
    chosen = [metric for metric in _OF_FEATURES if metric in metrics]
    if not isinstance(fake, Features) and chosen != ["fid"]:
        raise FFLError("KID, IS, precision and recall need features or images, not statistics alone")
    if not isinstance(real, Features) and {"kid", "pr"} & set(chosen):
        raise FFLError("KID, precision and recall need the real features or images, not statistics alone")
    found: list[Measurement] = []
    if "fid" in chosen:
        for done, distance in enumerate((fid, fid_limit)):
            if progress is not None:
                progress(done, 2, "FID")
            measured = distance(real, fake)
            found += [measured] if measured is not None else []
        if progress is not None:
            progress(2, 2, "FID")
    if "is" in chosen and isinstance(fake, Features):
        found.append(inception_score(fake, progress=progress))
    if isinstance(real, Features) and isinstance(fake, Features):
        if "kid" in chosen:
            found.append(kid(real, fake, progress=progress))
        if "pr" in chosen:
            found += precision_recall(real, fake, progress=progress)
    return found


def _below(cache: Optional[Path], kind: str) -> Optional[Path]:
    """Where one kind of numbers is cached, if they are."""
    return None if cache is None else cache / kind


def _pairs(
    pairs: ImagePairs,
    choice: PairMetrics,
    cache: Optional[Path],
    device: Optional[str],
    progress: Optional[Progress],
) -> tuple[list[Measurement], tuple[str, ...]]:
    """What was measured of pairs, and what is to be known of it."""
    meter = PairMeter(pairs, metrics=choice.metrics, lpips=choice.lpips, cache=cache, device=device)
    measure_in_one_pass(meter, progress)
    everything, choice = leave_small_out([meter], choice)
    (scores,), equal = leave_equal_out(everything)
    remarks = (*choice.missing, *choice.notes, *equal)
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
        Measurement("radial profile, dB", distances.profile_distance, "lower", basis),
        Measurement("mean spectrum", distances.mean_spectrum_distance, "lower", basis),
    ]
    for low, high, decibels in distances.bands:
        found.append(Measurement(f"band {low:.3f}-{high:.3f}, dB", decibels, "lower", basis))
    return found
