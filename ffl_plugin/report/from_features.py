"""Metrics of Inception features of both sides, where the network's weights can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.report.findings import Findings
from ffl_plugin.report.gather import Opened, PathLike, images_of
from ffl_plugin.report.model import ChangedImage, Pictures
from ffl_plugin.report.samples import furthest, set_sample

if TYPE_CHECKING:
    from ffl_plugin.metrics import Protocol
    from ffl_plugin.metrics.features import Features
    from ffl_plugin.metrics.progress import Progress

_NAMES = {"fid": "FID", "kid": "KID", "is": "IS", "pr": "Precision and recall"}


def measure_features(
    real: Opened,
    before: Sequence[Opened],
    after: Sequence[Opened],
    *,
    metrics: Sequence[str],
    protocol: str,
    inception: Optional[PathLike],
    download: bool,
    progress: Optional[Progress] = None,
) -> Findings:
    """Measure FID, KID, IS, precision and recall with their differences, or say what they need.

    Features are cached by content, protocol and weights, so that an interrupted run goes on where it stopped.

    Args:
        real: the real images, or a file of their features.
        before, after: trainings with images, or files of features.
        metrics: any of ``ffl_plugin.metrics.FEATURE_METRICS``.
        protocol: a name in ``ffl_plugin.metrics.PROTOCOLS``.
        inception: the network's weights; None looks for them.
        download: whether they may be downloaded if they are not here.
        progress: called as ``progress(done, total, what)``.

    Raises:
        FFLError: the weights file cannot be used, or an image is not what the protocol takes.
    """
    from ffl_plugin.cache import cache_folder
    from ffl_plugin.metrics.feature_difference import (
        ENOUGH_FOR_KID,
        ENOUGH_FOR_LIMIT,
        FEATURE_METRICS,
        compare_features,
    )
    from ffl_plugin.metrics.features import Extractor
    from ffl_plugin.metrics.protocols import find_protocol
    from ffl_plugin.metrics.weights import WeightsMissing, find_weights

    chosen = find_protocol(protocol)
    everything = (real, *before, *after)
    files = {opened.path: _features_in(opened.path, chosen) for opened in everything if opened.holds_features}
    fewest = min(len(files.get(opened.path) or images_of(opened)) for opened in everything)
    possible = [metric for metric in metrics if fewest >= FEATURE_METRICS[metric]]
    missing = [
        _missing([metric], f"every set needs at least {FEATURE_METRICS[metric]} images")
        for metric in metrics
        if metric not in possible
    ]
    if not possible:
        return Findings(missing=tuple(missing))
    notes = []
    if len(files) < len(everything):
        try:
            weights = find_weights(
                None if inception is None else Path(inception), may_download=download, progress=progress
            )
        except WeightsMissing as error:
            return Findings(missing=(_missing(possible, str(error)), *missing))
        if not weights.published:
            notes.append(
                f"{weights.path} (SHA-256 {weights.sha256[:8]}) is not the published Inception file: its "
                "numbers compare only with others of this file."
            )
        extractor = Extractor(weights)

    if "fid" in possible and "kid" not in metrics and ENOUGH_FOR_KID <= fewest < ENOUGH_FOR_LIMIT:
        notes.append(
            f"FID does not decide on {fewest:,} images; KID, which needs {ENOUGH_FOR_KID}, is measured with "
            "--metrics fid,kid."
        )

    def features(opened: Opened) -> Features:
        if opened.path in files:
            return files[opened.path]
        cache = cache_folder() / "features"
        return extractor.extract(images_of(opened), chosen, cache=cache, progress=progress)

    reals = features(real)
    sides = [[features(opened) for opened in side] for side in (before, after)]
    found = Findings(
        rows=tuple(compare_features(reals, *sides, metrics=possible, progress=progress)),
        missing=tuple(missing),
        notes=tuple(notes),
    )
    first = before[0].source, after[0].source
    if "fid" not in possible or first[0] is None or first[1] is None or first[0].names != first[1].names:
        return found
    changed = _most_changed(reals, sides[0][0], sides[1][0], progress)
    pictured = tuple(set_sample(image.name, {"before": first[0], "after": first[1]}) for image in changed)
    return replace(found, changed=changed, pictures=Pictures(changed=pictured))


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
    return furthest("fid", before.names, *shares, lower_is_better=True)


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
