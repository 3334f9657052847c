"""Comparison of feature metrics, if the network's weights are available."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Union

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.feature_choice import INCEPTION, NETWORKS, FeatureChoice, metric_on
from ffl_plugin.metrics.metric import CMMD, FID, KID
from ffl_plugin.report.inputs import Inputs, MeasurementSettings
from ffl_plugin.report.model import FEATURES, ChangedImage, Findings, Pictures
from ffl_plugin.report.samples import furthest, sample, set_places

if TYPE_CHECKING:
    from ffl_plugin.metrics import Protocol
    from ffl_plugin.metrics.features import FeatureMeter, Features
    from ffl_plugin.metrics.progress import Progress
    from ffl_plugin.report.image_rows import Shown

_METRICS = {"fid": FID, "kid": KID, "cmmd": CMMD}


def compare_feature_files(inputs: Inputs, settings: MeasurementSettings) -> Findings:
    """Compare files of features, or of features and images."""
    from ffl_plugin.metrics.one_pass import run_pass
    from ffl_plugin.report.image_rows import Digest, MeasuredSet, Shown, comparison_rows

    plan = plan_features(inputs, settings)
    shown = Shown(frozenset())
    everything = (inputs.real, *inputs.trainings)
    digests = [None if opened.source is None else Digest(opened.images) for opened in everything]
    sets = [
        MeasuredSet(opened.images, [*plan.consumers(place), digest])
        for place, (opened, digest) in enumerate(zip(everything, digests))
        if digest is not None
    ]
    total = sum(len(one.source) for one in sets)
    run_pass(lambda: comparison_rows(sets, [], shown), total, "images", settings.progress)
    no_images = "Feature files contain no images, so there are no spectra and no pairs."
    return replace(
        plan.findings(inputs, settings, shown).joined(Findings(notes=(no_images,))),
        kind=FEATURES,
        digests=tuple(None if digest is None else digest.result() for digest in digests),
    )


@dataclass(frozen=True)
class FeaturePlan:
    """The feature metrics that can be measured, and their inputs.

    Attributes:
        possible: the metrics.
        features: features of the real images and of each training, or meters that compute them.
        missing: sentences on the other metrics.
        notes: remarks on the numbers.
    """

    possible: tuple[str, ...] = ()
    features: tuple[Union[Features, FeatureMeter], ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def consumers(self, place: int) -> list[FeatureMeter]:
        """Return the consumers of the images of a set: 0 for the real ones, then those of each training."""
        from ffl_plugin.metrics.features import FeatureMeter

        return [one for one in self.features[place : place + 1] if isinstance(one, FeatureMeter)]

    def findings(self, inputs: Inputs, settings: MeasurementSettings, shown: Shown) -> Findings:
        """Compare the features, after the pass over the images."""
        from ffl_plugin.metrics.features import FeatureMeter
        from ffl_plugin.metrics.uncertainty import compare_features

        if not self.possible:
            return Findings(missing=self.missing)

        features = [one.result() if isinstance(one, FeatureMeter) else one for one in self.features]
        real, trainings = features[0], inputs.trainings.split(features[1:])
        rows = compare_features(real, trainings, metrics=self.possible, progress=settings.progress)
        notes = (*self.notes, *_kernel_would_decide(self.possible, settings.features, features))
        found = Findings(rows=tuple(rows), missing=self.missing, notes=notes)
        before, after = (opened.source for opened in inputs.firsts)
        if "fid" not in self.possible or before is None or after is None or before.names != after.names:
            return found
        changed = _most_changed(real, trainings.before[0], trainings.after[0], settings.progress)
        sides = {"before": before, "after": after}
        pictured = tuple(sample(image.name, set_places(image.name, sides), shown) for image in changed)
        return replace(found, changed=changed, pictures=Pictures(changed=pictured))


def plan_features(inputs: Inputs, settings: MeasurementSettings) -> FeaturePlan:
    """Plan the measurement of feature metrics, or explain what is missing.

    Features are cached by content, network, protocol and weights, so that an interrupted run resumes.

    Raises:
        FFLError: the weights file cannot be used.
    """
    from ffl_plugin.cache import cache_folder
    from ffl_plugin.metrics.features import Extractor, FeatureMeter
    from ffl_plugin.metrics.networks import find_network_weights, unpublished
    from ffl_plugin.metrics.protocols import find_protocol
    from ffl_plugin.metrics.uncertainty import FEATURE_METRICS
    from ffl_plugin.metrics.weights import WeightsMissing

    choice = settings.features
    protocol = find_protocol(choice.protocol)
    everything = (inputs.real, *inputs.trainings)
    files = {
        opened.path: _features_in(opened.path, protocol) for opened in everything if opened.kind == FEATURES
    }
    fewest = min(len(files.get(opened.path) or opened.images) for opened in everything)
    possible = tuple(metric for metric in choice.metrics if fewest >= FEATURE_METRICS[metric])
    missing = tuple(
        _missing([metric], choice, f"every set needs at least {FEATURE_METRICS[metric]} images")
        for metric in choice.metrics
        if metric not in possible
    )
    if not possible:
        return FeaturePlan(missing=missing)
    try:
        weights = (
            find_network_weights(choice, may_download=settings.download, progress=settings.progress)
            if len(files) < len(everything)
            else None
        )
    except WeightsMissing as error:
        return FeaturePlan(missing=(_missing(possible, choice, str(error)), *missing))
    extractor = None if weights is None else Extractor(weights, network=choice.network)
    cache = cache_folder() / "features"
    features = tuple(
        files[opened.path]
        if extractor is None or opened.path in files
        else FeatureMeter(extractor, opened.images, protocol, cache=cache)
        for opened in everything
    )
    notes = () if weights is None else unpublished(choice, weights)
    return FeaturePlan(possible, features, missing, notes)


def _kernel_would_decide(
    possible: Sequence[str], choice: FeatureChoice, features: Sequence[Features]
) -> tuple[str, ...]:
    """Advise a kernel distance if it can decide and the Fréchet distance cannot."""
    from ffl_plugin.metrics.uncertainty import ENOUGH_FOR_KID, fewest_for_limit

    fewest, dimensions = min(map(len, features)), features[0].dimensions
    asked = {"kid", "cmmd"} & set(choice.metrics)
    if "fid" not in possible or asked or not ENOUGH_FOR_KID <= fewest < fewest_for_limit(dimensions):
        return ()
    fid, kid = (metric_on(metric, choice.network).name for metric in (FID, KID))
    return (
        f"{fid} does not decide on {fewest:,} images; {kid}, which needs {ENOUGH_FOR_KID}, is measured with "
        "--metrics fid,kid.",
    )


def _most_changed(
    real: Features, before: Features, after: Features, progress: Optional[Progress]
) -> tuple[ChangedImage, ...]:
    """Return images whose share in FID changed most, by name: their influence over the number of images."""
    from ffl_plugin.metrics.uncertainty import frechet_influence

    shares = []
    for done, fakes in enumerate((before, after), 1):
        influence, _ = frechet_influence(fakes.pool(), real.pool(), ddof=real.protocol.ddof)
        shares.append(influence / len(fakes))
        if progress is not None:
            progress(done, 2, "images that changed most")
    fid = metric_on(FID, real.protocol.network)
    return furthest(fid.key, before.names, *shares)


def _features_in(path: Path, protocol: Protocol) -> Features:
    """Read a feature file; statistics alone give no interval."""
    from ffl_plugin.metrics.features import Features
    from ffl_plugin.metrics.measurement import load_feature_file

    loaded = load_feature_file(path, protocol)
    if not isinstance(loaded, Features):
        raise FFLError(
            f"{path} contains statistics, but an interval needs the features of every image; pass those, or "
            "images (ffl-patch fid accepts statistics)"
        )
    return loaded


def _missing(metrics: Sequence[str], choice: FeatureChoice, why: str) -> str:
    were = "was" if len(metrics) == 1 and metrics[0] != "pr" else "were"
    names = [_name(metric, choice.network) for metric in metrics]
    return f"{' and '.join(names)} {were} not measured: {why.rstrip('.')}."


def _name(metric: str, network: str) -> str:
    if metric == "pr":
        on = "" if network == INCEPTION else f" on {NETWORKS[network]}"
        return f"Precision and recall{on}"
    return "IS" if metric == "is" else metric_on(_METRICS[metric], network).name
