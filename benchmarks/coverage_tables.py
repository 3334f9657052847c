"""The tables of benchmarks/coverage.py, from its rows: one for each setting, estimator and metric."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]

SPREADS = (0.0, 0.02, 0.1)  # between trainings
SEEDS, CORRELATIONS = (2, 3, 4, 6, 8), (0.0, 0.8)  # of trainings that are paired by seed
OWN, JACKKNIFE = "its own", "jackknife"  # how the error of sampling is estimated
TITLES = {
    "fid": "FID",
    "fid_limit": "FID, bias-reduced",
    "kid": "KID",
    "is": "Inception Score",
    "precision": "Precision",
    "recall": "Recall",
    "psnr": "PSNR",
    "profile_distance": "Radial log-power distance",
    "high_band_gap": "High-band energy",
    "mean_spectrum_distance": "Mean-spectrum distance",
}


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """Yield Markdown tables for every metric: coverage / wrong by the number of images, and by trainings."""
    for metric, title in TITLES.items():
        ours = [row for row in rows if row["metric"] == metric]
        for several, form in ((False, "n = {n/d:g} d"), (True, "{trainings} trainings, spread {spread:g}")):
            chosen = [row for row in ours if (row["trainings"] > 1) == several]
            columns = list(dict.fromkeys(form.format_map(row) for row in chosen))
            lines = {(row["scenario"], row["fakes"]): ["…"] * len(columns) for row in chosen}
            for row in chosen:
                place = columns.index(form.format_map(row))
                lines[row["scenario"], row["fakes"]][place] = f"{row['coverage']:.2f} / {row['wrong']:.2f}"
            if chosen:
                yield f"\n## {title}{', n = {:g} d'.format(chosen[0]['n/d']) if several else ''}\n"
                yield f"| scenario | fakes | {' | '.join(columns)} |"
                yield f"| --- | --- |{' --- |' * len(columns)}"
                yield from (f"| {' | '.join([*head, *cells])} |" for head, cells in lines.items())


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a Markdown table: for every metric, how often the truth is held, with one training or several."""
    yield "| metric | trainings a side | truth held (least, median, most) | 0.90 to 0.98 | wrong at most |"
    yield "| --- | --- | --- | --- | --- |"
    for metric, title in TITLES.items():
        for several in (False, True):
            ours = [row for row in rows if row["metric"] == metric and (row["trainings"] > 1) == several]
            shares = sorted(row["coverage"] for row in ours)
            if shares:
                middle = shares[len(shares) // 2]
                inside = sum(0.9 <= share <= 0.98 for share in shares)
                wrong = max(row["wrong"] for row in ours)
                yield (
                    f"| {title} | {'2 or 3' if several else '1'} | {shares[0]:.2f}, {middle:.2f}, "
                    f"{shares[-1]:.2f} | {inside} of {len(shares)} | {wrong:.2f} |"
                )


def seed_tables(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a Markdown table for every metric: coverage and mean half-width by the number of seeds."""
    heads = [f"{trainings} seeds" for trainings in SEEDS]
    for metric, title in TITLES.items():
        ours = [row for row in rows if row["metric"] == metric]
        if not ours:
            continue
        yield f"\n### {title}, n = {ours[0]['n/d']:g} d\n"
        yield f"| spread | correlation | compared as | {' | '.join(heads)} |"
        yield f"| --- | --- | --- |{' --- |' * len(heads)}"
        for spread, correlation, paired in itertools.product(SPREADS[1:], CORRELATIONS, (True, False)):
            setting = (spread, correlation, paired)
            cells = [
                f"{row['coverage']:.2f} ± {row['half_width']:.3g}"
                for row in ours
                if (row["spread"], row["correlation"], row["paired_seeds"]) == setting
            ]
            how = "paired" if paired else "independent"
            yield f"| {spread:g} | {correlation:g} | {how} | {' | '.join(cells)} |"


def beside_jackknife(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a Markdown table: every metric's own estimator beside the plain jackknife, over all settings."""
    yield "| metric | n | own: held (least, mean, most) | jackknife: held | width, jackknife over own |"
    yield "| --- | --- | --- | --- | --- |"
    for metric, ratio in dict.fromkeys((row["metric"], row["n/d"]) for row in rows):
        own, jackknife = (
            [
                row
                for row in rows
                if (row["metric"], row["n/d"], row["estimator"]) == (metric, ratio, estimator)
            ]
            for estimator in (OWN, JACKKNIFE)
        )
        held = [
            f"{min(shares):.2f}, {np.mean(shares):.3f}, {max(shares):.2f}"
            for shares in ([row["coverage"] for row in several] for several in (own, jackknife))
        ]
        widths = [b["half_width"] / a["half_width"] for a, b in zip(own, jackknife)]
        wider = f"{min(widths):.2f} to {max(widths):.2f}"
        yield f"| {TITLES[metric]} | {ratio:g} d | {' | '.join(held)} | {wider} |"
