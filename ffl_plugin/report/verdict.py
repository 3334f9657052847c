"""One answer to "did it help?", from the rows of a comparison.

The metric that decides is fixed by `DECIDING`, before any number is seen: choosing the one that moved most
would find an improvement in noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ffl_plugin.metrics.difference import FID_LIMIT, NO_EVIDENCE, Difference
from ffl_plugin.metrics.feature_choice import CMMD_UNBIASED, KID, NETWORKS, metric_on
from ffl_plugin.report import words
from ffl_plugin.report.model import Verdict

# Name -> keys. The first that was measured on enough images decides. CMMD is CLIP's own. A bias-reduced
# Fréchet distance comes before a kernel distance, which needs fewer images; all of them come, as LPIPS does,
# before LFD, which the loss itself nearly minimises. A comparison has one network.
DECIDING = {
    "unbiased CMMD": (CMMD_UNBIASED.key,),
    "bias-reduced FID or FD": tuple(metric_on(FID_LIMIT, network).key for network in NETWORKS),
    "KID or KD": tuple(metric_on(KID, network).key for network in NETWORKS),
    "LPIPS": ("lpips",),
    "LFD": ("lfd",),
    "the distance of the radial profiles": ("profile_distance",),
}

ONE_TRAINING = (
    "One training per side: the interval covers the choice of images, not of the training seed. "
    "Training again with another seed can move a metric further than this; give several trainings per side "
    "to include it."
)
NO_SPREAD = (
    "One training per side, and no interval: nothing tells how far another seed, or another choice of "
    "images, would move this; give several trainings per side."
)
NEARLY_THE_LOSS = "{} so the answer rests on a metric that is close to what the loss itself minimises."


def deciding_row(rows: Sequence[Difference]) -> Optional[Difference]:
    """The row that the verdict rests on: the first of `DECIDING`, or, of run folders, the first FID.

    Rows that may not decide are passed over.
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
    """Say whether it helped, and what limits the answer.

    Args:
        rows: what was measured.
        caveats: what else limits the answer.
        diverged: a sentence for each training that diverged, which come first.
    """
    undecided = [row.note for row in rows if not row.decides and row.note]
    row = deciding_row(rows)
    if row is None:
        why = _why_undecided(rows)
        return Verdict(NO_EVIDENCE, "", " ".join((*diverged, why)), (*undecided, *caveats))
    before, after = words.values(row)
    statement = "".join(f"{sentence} " for sentence in diverged)
    statement += f"{words.name(row)} {before} before, {after} after (change {words.change(row)}"
    if row.low is None:
        statement += "; no interval can be computed)."
    else:
        statement += f", {row.level:.0%} interval {words.interval(row)}; {row.direction} is better)."
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


def _why_undecided(rows: Sequence[Difference]) -> str:
    if not rows:
        return "Nothing could be measured on both sides."
    reasons = list(dict.fromkeys(row.withheld or words.TOO_FEW for row in rows))
    if reasons == [words.TOO_FEW]:
        return "There are too few images."
    return f"No metric may decide ({', '.join(reasons)})."
