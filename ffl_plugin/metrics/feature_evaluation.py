"""Measurement of feature metrics for one set of fakes and one of reals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.cmmd import cmmd
from ffl_plugin.metrics.distribution import inception_score, kid, precision_recall
from ffl_plugin.metrics.feature_choice import FeatureChoice, metric_on
from ffl_plugin.metrics.features import Extractor, Features
from ffl_plugin.metrics.measurement import FeatureSet, Measurement, fid, fid_limit
from ffl_plugin.metrics.metric import FID
from ffl_plugin.metrics.networks import find_network_weights, unpublished
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.protocols import find_protocol
from ffl_plugin.metrics.sources import ImageSource


def features_of(
    given: Sequence[Union[ImageSource, FeatureSet]],
    choice: FeatureChoice,
    *,
    may_download: bool = True,
    cache: Optional[Path] = None,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> tuple[list[FeatureSet], list[str]]:
    """Return the given features or statistics, those of given images, and remarks.

    Raises ``WeightsMissing`` if images need weights that are not available, and ``FFLError`` for an unusable
    image or file.
    """
    notes: list[str] = []
    protocol = find_protocol(choice.protocol)
    if any(isinstance(one, ImageSource) for one in given):
        weights = find_network_weights(choice, may_download=may_download, progress=progress)
        extractor = Extractor(weights, network=choice.network, device=device)
        notes += unpublished(choice, weights)
    features: list[FeatureSet] = [
        extractor.extract(one, protocol, cache=cache, progress=progress)
        if isinstance(one, ImageSource)
        else one
        for one in given
    ]
    few = [one for one in features if isinstance(one, Features) and len(one) < one.dimensions]
    if few and "fid" in choice.metrics:
        name = metric_on(FID, choice.network).name
        notes.append(
            f"{min(map(len, few)):,} images are fewer than {few[0].dimensions:,}: {name} is biased upwards, "
            "and compares only at the same number of images"
        )
    return features, notes


def measure_features(
    real: FeatureSet, fake: FeatureSet, choice: FeatureChoice, *, progress: Optional[Progress] = None
) -> list[Measurement]:
    """Measure the chosen metrics; raises ``FFLError`` if statistics are not sufficient."""
    chosen = choice.metrics
    for side, what, enough in ((fake, "generated", {"fid"}), (real, "real", {"fid", "is"})):
        short = [metric for metric in chosen if metric not in enough]
        if short and not isinstance(side, Features):
            raise FFLError(
                f"the {what} images are given as statistics alone, from which {', '.join(short)} cannot be "
                "computed; pass their features or the images, or only --metrics fid"
            )
    found: list[Measurement] = []
    if "fid" in chosen:
        name = metric_on(FID, choice.network).name
        for done, distance in enumerate((fid, fid_limit)):
            if progress is not None:
                progress(done, 2, name)
            measured = distance(real, fake, network=choice.network)
            found += [measured] if measured is not None else []
        if progress is not None:
            progress(2, 2, name)
    if "is" in chosen and isinstance(fake, Features):
        found.append(inception_score(fake, progress=progress))
    if isinstance(real, Features) and isinstance(fake, Features):
        if "cmmd" in chosen:
            found += cmmd(real, fake, progress=progress)
        if "kid" in chosen:
            found.append(kid(real, fake, progress=progress))
        if "pr" in chosen:
            found += precision_recall(real, fake, progress=progress)
    return found
