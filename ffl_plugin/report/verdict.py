"""One answer to "did it help?", from the rows of a comparison.

The metric that decides is fixed by `DECIDING`, before any number is seen: choosing the one that moved most
would find an improvement in noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ffl_plugin.metrics.difference import IMPROVED, NO_EVIDENCE, WORSE, Difference
from ffl_plugin.report import words
from ffl_plugin.report.model import Verdict

# The first that was measured decides. FID and LPIPS come before LFD, which the loss itself nearly minimises.
DECIDING = ("fid", "lpips", "lfd", "profile_distance")

OPENINGS = {IMPROVED: "Improved", NO_EVIDENCE: "No evidence of a change", WORSE: "Worse"}

ONE_TRAINING = (
    "One training per side: the interval covers the choice of images, not of the training seed. "
    "Training again with another seed can move a metric further than this; give several trainings per side "
    "to include it."
)
NO_FID = (
    "FID was not measured, so the answer rests on a metric that is close to what the loss itself minimises."
)


def deciding_row(rows: Sequence[Difference]) -> Optional[Difference]:
    """The row that the verdict rests on: the first of `DECIDING`, or, of run folders, the first FID."""
    for metric in DECIDING:
        for row in rows:
            if row.metric == metric:
                return row
    return next((row for row in rows if row.metric.startswith("fid")), None) or next(iter(rows), None)


def reach_verdict(rows: Sequence[Difference], caveats: Sequence[str] = ()) -> Verdict:
    """Say in one sentence whether it helped, and what limits the answer."""
    row = deciding_row(rows)
    if row is None:
        return Verdict(
            NO_EVIDENCE,
            "",
            "No evidence of a change: nothing could be measured on both sides.",
            tuple(caveats),
        )
    before, after = words.values(row)
    name, _ = words.label_parts(row)
    sentence = f"{OPENINGS[row.verdict]}: {name} {before} before, {after} after (change {words.change(row)}"
    if row.low is None:
        sentence += "; no interval can be computed)."
    else:
        sentence += f", {row.level:.0%} interval {words.interval(row)}; {row.better} is better)."
    own = []
    if row.metric in ("lfd", "profile_distance"):
        own.append(NO_FID)
    if len(row.before_trainings) == len(row.after_trainings) == 1:
        own.append(ONE_TRAINING)
    if row.note:
        own.append(row.note)
    return Verdict(row.verdict, row.metric, sentence, (*own, *caveats))
