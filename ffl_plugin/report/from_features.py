"""FID of both sides, where the network's weights can be had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ffl_plugin.report.findings import Findings
from ffl_plugin.report.gather import Opened, PathLike, images_of
from ffl_plugin.report.model import ChangedImage, Pictures
from ffl_plugin.report.samples import furthest, set_sample

if TYPE_CHECKING:
    from ffl_plugin.metrics import ImageSource
    from ffl_plugin.metrics.features import Features
    from ffl_plugin.metrics.progress import Progress


def measure_fid(
    real: ImageSource,
    before: Sequence[Opened],
    after: Sequence[Opened],
    *,
    protocol: str,
    inception: Optional[PathLike],
    download: bool,
    progress: Optional[Progress] = None,
) -> Findings:
    """Measure FID and its difference, or say how to get the weights it needs.

    Features are cached by content, protocol and weights, so that an interrupted run goes on where it stopped.

    Raises:
        FFLError: the weights file cannot be used, or an image is not what the protocol takes.
    """
    from ffl_plugin.cache import cache_folder
    from ffl_plugin.metrics.feature_difference import compare_features
    from ffl_plugin.metrics.features import Extractor
    from ffl_plugin.metrics.protocols import find_protocol
    from ffl_plugin.metrics.weights import INCEPTION, WeightsMissing, find_weights

    chosen = find_protocol(protocol)
    named = inception is not None or os.environ.get("FFL_INCEPTION")
    if not (download or named or (cache_folder() / INCEPTION.name).is_file()):
        return _missing(f"its weights are not here; get {INCEPTION.url} and give it with --inception")
    try:
        weights = find_weights(None if inception is None else Path(inception), progress=progress)
    except WeightsMissing as error:
        return _missing(str(error))
    extractor = Extractor(weights)
    cache = cache_folder() / "features"

    def extract(source: ImageSource) -> Features:
        return extractor.extract(source, chosen, cache=cache, progress=progress)

    reals = extract(real)
    sides = [[extract(images_of(opened)) for opened in side] for side in (before, after)]
    if min(len(features) for features in (reals, *sides[0], *sides[1])) < 4:
        return _missing("every set needs at least 4 images")
    notes = []
    if not weights.published:
        notes.append(
            f"{weights.path} (SHA-256 {weights.sha256[:8]}) is not the published Inception file: its "
            "FIDs compare only with others of this file."
        )
    rows = tuple(compare_features(reals, *sides))
    first = images_of(before[0]), images_of(after[0])
    if first[0].names != first[1].names:
        return Findings(rows=rows, notes=tuple(notes))
    changed = _most_changed(reals, sides[0][0], sides[1][0])
    pictured = tuple(set_sample(image.name, {"before": first[0], "after": first[1]}) for image in changed)
    return Findings(rows=rows, notes=tuple(notes), changed=changed, pictures=Pictures(changed=pictured))


def _most_changed(real: Features, before: Features, after: Features) -> tuple[ChangedImage, ...]:
    """Images of one name whose share in FID moved most: each one's influence, over the number of images."""
    from ffl_plugin.metrics.influence import frechet_influence

    shares = []
    for fakes in (before, after):
        influence, _ = frechet_influence(fakes.pool(), real.pool(), ddof=real.protocol.ddof)
        shares.append(influence / len(fakes))
    return furthest("fid", before.names, *shares, lower_is_better=True)


def _missing(why: str) -> Findings:
    return Findings(missing=(f"FID was not measured: {why.rstrip('.')}.",))
