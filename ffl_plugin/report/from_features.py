"""Metrics of Inception features of both sides, where the network's weights can be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.difference import LOWER
from ffl_plugin.report.findings import Findings
from ffl_plugin.report.inputs import Inputs, Opened
from ffl_plugin.report.measuring import Measuring
from ffl_plugin.report.model import FEATURES, ChangedImage, Pictures
from ffl_plugin.report.samples import furthest, set_sample

if TYPE_CHECKING:
    from ffl_plugin.metrics import Protocol, Weights
    from ffl_plugin.metrics.features import Features
    from ffl_plugin.metrics.progress import Progress

_NAMES = {"fid": "FID", "kid": "KID", "is": "IS", "pr": "Precision and recall"}


def compare_feature_files(inputs: Inputs, how: Measuring) -> Findings:
    """Compare files of features, or of features and images."""
    no_images = "Files of features hold no images: there are no spectra and no pairs."
    return replace(measure_features(inputs, how).joined(Findings(notes=(no_images,))), kind=FEATURES)


def measure_features(inputs: Inputs, how: Measuring) -> Findings:
    """Measure FID, KID, IS, precision and recall with their differences, or say what they need.

    Features are cached by content, protocol and weights, so that an interrupted run goes on where it stopped.

    Raises:
        FFLError: the weights file cannot be used, or an image is not what the protocol takes.
    """
    from ffl_plugin.metrics.feature_difference import FEATURE_METRICS, compare_features
    from ffl_plugin.metrics.protocols import find_protocol
    from ffl_plugin.metrics.weights import WeightsMissing

    protocol = find_protocol(how.protocol)
    everything = (inputs.real, *inputs.trainings)
    files = {
        opened.path: _features_in(opened.path, protocol) for opened in everything if opened.holds == FEATURES
    }
    fewest = min(len(files.get(opened.path) or opened.images) for opened in everything)
    possible = [metric for metric in how.metrics if fewest >= FEATURE_METRICS[metric]]
    missing = [
        _missing([metric], f"every set needs at least {FEATURE_METRICS[metric]} images")
        for metric in how.metrics
        if metric not in possible
    ]
    if not possible:
        return Findings(missing=tuple(missing))
    try:
        weights = _weights(how) if len(files) < len(everything) else None
    except WeightsMissing as error:
        return Findings(missing=(_missing(possible, str(error)), *missing))
    extract = _extraction(files, protocol, weights, how)
    real, trainings = extract(inputs.real), inputs.trainings.map(extract)
    rows = compare_features(real, trainings, metrics=possible, progress=how.progress)
    notes = (*_unpublished(weights), *_kid_would_decide(possible, how.metrics, fewest))
    found = Findings(rows=tuple(rows), missing=tuple(missing), notes=notes)
    first = [opened.source for opened in inputs.firsts]
    if "fid" not in possible or first[0] is None or first[1] is None or first[0].names != first[1].names:
        return found
    changed = _most_changed(real, trainings.before[0], trainings.after[0], how.progress)
    pictured = tuple(set_sample(image.name, {"before": first[0], "after": first[1]}) for image in changed)
    return replace(found, changed=changed, pictures=Pictures(changed=pictured))


def _weights(how: Measuring) -> Weights:
    from ffl_plugin.metrics.weights import find_weights

    given = None if how.inception is None else Path(how.inception)
    return find_weights(given, may_download=how.download, progress=how.progress)


def _extraction(
    files: Mapping[Path, Features], protocol: Protocol, weights: Optional[Weights], how: Measuring
) -> Callable[[Opened], Features]:
    """Return the function that gives what was opened its features: those of its file, or of its images."""
    from ffl_plugin.cache import cache_folder
    from ffl_plugin.metrics.features import Extractor

    extractor = None if weights is None else Extractor(weights)

    def features(opened: Opened) -> Features:
        if extractor is None or opened.path in files:
            return files[opened.path]
        cache = cache_folder() / "features"
        return extractor.extract(opened.images, protocol, cache=cache, progress=how.progress)

    return features


def _unpublished(weights: Optional[Weights]) -> tuple[str, ...]:
    if weights is None or weights.published:
        return ()
    return (
        f"{weights.path} (SHA-256 {weights.sha256[:8]}) is not the published Inception file: its "
        "numbers compare only with others of this file.",
    )


def _kid_would_decide(possible: Sequence[str], asked: Sequence[str], fewest: int) -> tuple[str, ...]:
    """The advice to measure KID, where FID may not decide and KID may."""
    from ffl_plugin.metrics.feature_difference import ENOUGH_FOR_KID, ENOUGH_FOR_LIMIT

    if "fid" not in possible or "kid" in asked or not ENOUGH_FOR_KID <= fewest < ENOUGH_FOR_LIMIT:
        return ()
    return (
        f"FID does not decide on {fewest:,} images; KID, which needs {ENOUGH_FOR_KID}, is measured with "
        "--metrics fid,kid.",
    )


def _most_changed(
    real: Features, before: Features, after: Features, progress: Optional[Progress]
) -> tuple[ChangedImage, ...]:
    """Images of one name whose share in FID moved most: each one's influence, over the number of images."""
    from ffl_plugin.metrics.influence import frechet_influence

    shares = []
    for done, fakes in enumerate((before, after), 1):
        influence, _ = frechet_influence(fakes.pool(), real.pool(), ddof=real.protocol.ddof)
        shares.append(influence / len(fakes))
        if progress is not None:
            progress(done, 2, "images that changed most")
    return furthest("fid", before.names, *shares, direction=LOWER)


def _features_in(path: Path, protocol: Protocol) -> Features:
    """Read a file of features; one of statistics alone gives no interval."""
    from ffl_plugin.metrics.distance import load_feature_file
    from ffl_plugin.metrics.features import Features

    loaded = load_feature_file(path, protocol)
    if not isinstance(loaded, Features):
        raise FFLError(
            f"{path} holds statistics, and an interval needs every image's features; give those, or images "
            "(ffl-patch fid takes statistics)"
        )
    return loaded


def _missing(metrics: Sequence[str], why: str) -> str:
    were = "was" if len(metrics) == 1 and metrics[0] != "pr" else "were"
    return f"{' and '.join(_NAMES[metric] for metric in metrics)} {were} not measured: {why.rstrip('.')}."
