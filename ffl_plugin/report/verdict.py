"""The verdict of a comparison, from its rows.

The deciding metric is fixed in advance by `DECIDING`: choosing the one that changed most would find
improvements in noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ffl_plugin.metrics.feature_choice import NETWORKS, metric_on
from ffl_plugin.metrics.metric import CMMD_UNBIASED, FID_LIMIT, KID
from ffl_plugin.metrics.uncertainty import NO_EVIDENCE, Difference
from ffl_plugin.report import formatting
from ffl_plugin.report.model import Verdict

# Name -> keys. The first that was measured on enough images decides. CMMD is defined on CLIP. A bias-reduced
# Fréchet distance precedes a kernel distance, which needs fewer images; all of them, and LPIPS, precede LFD,
# which is close to what the loss minimises. A comparison uses one network.
DECIDING = {
    "unbiased CMMD": (CMMD_UNBIASED.key,),
    "bias-reduced FID or FD": tuple(metric_on(FID_LIMIT, network).key for network in NETWORKS),
    "KID or KD": tuple(metric_on(KID, network).key for network in NETWORKS),
    "LPIPS": ("lpips",),
    "LFD": ("lfd",),
    "the distance of the radial profiles": ("profile_distance",),
}

# Below this, the choice of the test images matters more than the training.
ENOUGH_IMAGES = 50
ONE_TRAINING = (
    "One training per side: the interval covers the choice of images, not of the training seed. "
    "Another seed can change a metric by more than this; pass several trainings per side to include it."
)
NO_SPREAD = (
    "One training per side, and no interval: the effect of another seed, or another choice of "
    "images, is unknown; pass several trainings per side."
)
NEARLY_THE_LOSS = "{} so the verdict is based on a metric that is close to what the loss minimises."


def deciding_row(rows: Sequence[Difference]) -> Optional[Difference]:
    """Return the deciding row: the first of `DECIDING`, or the first FID for run folders.

    Rows that cannot decide are skipped.
    """
    able = [row for row in rows if row.decides]
    for metrics in DECIDING.values():
        for row in able:
            if row.metric in metrics:
                return row
    return next((row for row in able if row.metric.startswith("fid")), None) or next(iter(able), None)


def reach_verdict(
    rows: Sequence[Difference], caveats: Sequence[str] = (), diverged: Sequence[str] = ()
) -> Verdict:
    """Reach the verdict, with its caveats.

    Args:
        rows: the measurements.
        caveats: further limits of the verdict.
        diverged: a sentence for each diverged training, placed first.
    """
    undecided = [row.note for row in rows if not row.decides and row.note]
    row = deciding_row(rows)
    if row is None:
        why = _why_undecided(rows)
        return Verdict(NO_EVIDENCE, "", " ".join((*diverged, why)), (*undecided, *caveats))
    before, after = formatting.values(row)
    statement = "".join(f"{sentence} " for sentence in diverged)
    statement += f"{formatting.name(row)} {before} before, {after} after (change {formatting.change(row)}"
    if row.low is None:
        statement += "; no interval can be computed)."
    else:
        statement += f", {row.level:.0%} interval {formatting.interval(row)}; {row.direction} is better)."
    own = []
    if row.metric in ("lfd", "profile_distance"):
        why = next((f"{row.name} does not decide," for row in rows if not row.decides and row.note), "")
        own.append(NEARLY_THE_LOSS.format(why or "FID was not measured,"))
    own += undecided
    if len(row.before_trainings) == len(row.after_trainings) == 1:
        own.append(ONE_TRAINING if row.low is not None else NO_SPREAD)
    if row.note:
        own.append(row.note)
    return Verdict(row.verdict, row.metric, statement, (*own, *caveats))


def few_images(count: int) -> tuple[str, ...]:
    """Return the caveat that the images are too few to generalize, if they are."""
    if count >= ENOUGH_IMAGES:
        return ()
    images, they = ("1 image was", "it") if count == 1 else (f"{count} images were", "them")
    return (
        f"Only {images} compared: the result describes {they} and may not generalize; use "
        f"{ENOUGH_IMAGES} or more for pairs and spectra.",
    )


def _why_undecided(rows: Sequence[Difference]) -> str:
    if not rows:
        return "Nothing could be measured on both sides."
    reasons = list(dict.fromkeys(row.withheld or formatting.TOO_FEW for row in rows))
    if reasons == [formatting.TOO_FEW]:
        return "There are too few images."
    return f"No metric can decide ({', '.join(reasons)})."
