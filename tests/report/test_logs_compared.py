"""What the logs of run folders may say: which direction is better, and what decides nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report_material import write_run

from ffl_plugin.report import Comparison, compare, to_csv, to_text
from ffl_plugin.report.logged_metrics import LOGGED, logged_metric
from ffl_plugin.report.training_logs import read_training_log

NAN = float("nan")
# Upstream -> the metrics of its metric_main.py, by the direction in which they improve.
LOWER = {
    "all": ["fid50k_full", "kid50k_full", "fid50k", "kid50k"],
    "StyleGAN2-ADA": ["ppl2_wend", "ppl_zfull", "ppl_wfull", "ppl_zend", "ppl_wend"],
    "StyleGAN3, EG3D": ["ppl2_wend"],
    "Projected GAN": ["fid10k_full"],
    "StyleGAN-XL": ["fid10k_full", "clipfid50k_full", "sfid50k_full", "rfid50k_full"],
}
HIGHER = {
    "all": ["pr50k3_full_precision", "pr50k3_full_recall", "pr50k3_precision", "pr50k3_recall", "is50k_mean"],
    "StyleGAN3, EG3D, Projected GAN, StyleGAN-XL": ["eqt50k_int", "eqt50k_frac", "eqr50k"],
    "StyleGAN-XL": ["pr10k3_precision", "pr10k3_recall"],
}
NEITHER = {"all": ["is50k_std"], "a fork": ["fid50k_full_per_class", "lpips", "recall_of_mine", "score_mean"]}


def write_logs(
    folder: Path, metrics: dict[str, dict[int, float]], stats: dict[int, float] | None = None
) -> Path:
    """A run folder of metric → kimg → value."""
    folder.mkdir(parents=True)
    (folder / "training_options.json").write_text("{}")
    for metric, values in metrics.items():
        lines = [
            {"results": {metric: value}, "metric": metric, "snapshot_pkl": f"network-snapshot-{kimg:06d}.pkl"}
            for kimg, value in values.items()
        ]
        (folder / f"metric-{metric}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    if stats is not None:
        lines = [
            {"Progress/kimg": {"num": 1, "mean": kimg}, "Loss/G/loss": {"num": 8, "mean": value}}
            for kimg, value in stats.items()
        ]
        (folder / "stats.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder


def compared(
    folder: Path,
    before: dict[str, dict[int, float]],
    after: dict[str, dict[int, float]],
    stats_after: dict[int, float] | None = None,
) -> Comparison:
    """Compare runs of one metric, of which each side's seeds differ by the same little."""
    sides = {
        side: [
            write_logs(
                folder / f"{side}{seed}",
                {
                    metric: {kimg: value + seed * value / 1000 for kimg, value in values.items()}
                    for metric, values in metrics.items()
                },
                stats_after if side == "after" else None,
            )
            for seed in range(2)
        ]
        for side, metrics in (("before", before), ("after", after))
    }
    return compare(**sides)


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        (metric, direction)
        for direction, table in (("lower", LOWER), ("higher", HIGHER))
        for metric in sorted({metric for metrics in table.values() for metric in metrics})
    ],
)
def test_every_metric_of_the_upstreams_has_its_direction(tmp_path: Path, metric: str, direction: str) -> None:
    low, high = ({0: 0.9, 200: 0.2, 400: 0.3}, {0: 0.9, 200: 0.8, 400: 0.7})
    if metric == "is50k_mean":
        low, high = ({kimg: 10 * value for kimg, value in values.items()} for values in (low, high))
    found = compared(tmp_path, {metric: high}, {metric: low})
    end, best = found.rows
    assert (end.metric, best.metric) == (metric, f"{metric}_best")
    expected = "improved" if direction == "lower" else "worse"
    assert {row.direction for row in found.rows} == {direction}
    assert {row.verdict for row in found.rows} == {found.verdict.outcome} == {expected}
    assert found.verdict.metric == metric
    choose = min if direction == "lower" else max
    assert best.before_trainings[0] == choose(high[200], high[400])
    assert best.after_trainings[0] == choose(low[200], low[400])


@pytest.mark.parametrize("metric", sorted({metric for metrics in NEITHER.values() for metric in metrics}))
def test_a_metric_without_a_direction_is_shown_without_a_verdict(tmp_path: Path, metric: str) -> None:
    assert logged_metric(metric).direction == ""
    found = compared(tmp_path, {metric: {200: 9.0, 400: 9.0}}, {metric: {200: 1.0, 400: 1.0}})
    (row,) = found.rows
    assert (row.metric, row.direction, row.verdict, row.decides) == (metric, "", "no evidence", False)
    assert (row.before_trainings[0], row.after_trainings[0]) == (9.0, 1.0)
    assert found.verdict.outcome == "no evidence"
    assert found.verdict.metric == ""
    text = to_text(found)
    assert "no direction" in text
    assert "is better" not in text
    assert "↓" not in text
    assert "↑" not in text
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["rows"][0]["better"] == ""
    assert len(to_csv(found).splitlines()) == 2


def test_a_spread_decides_nothing_where_the_score_does(tmp_path: Path) -> None:
    runs = [
        {"is50k_mean": {200: mean}, "is50k_std": {200: deviation}}
        for mean, deviation in ((5.0, 0.1), (9.0, 0.3))
    ]
    found = compared(tmp_path, *runs)
    assert found.verdict.metric == "is50k_mean"
    assert found.verdict.outcome == "improved"
    assert found.row("is50k_std").verdict == "no evidence"


def test_untrained_networks_decide_nothing(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        {"fid50k_full": {0: 419.0, 200: 80.0, 400: 60.0}},
        {"fid50k_full": {0: 307.0, 250: 79.0, 500: 61.0}},
    )
    (row,) = found.rows  # no snapshot of trained networks is common to all: each side's best up to there
    assert row.metric == "fid50k_full_best"
    assert (row.before_trainings[0], row.after_trainings[0]) == (60.0, 79.0)
    assert found.verdict.outcome == "worse"
    assert "best up to 400 kimg" in found.verdict.sentence
    assert any(
        "of 1 snapshots in one training and 2 in another" in caveat for caveat in found.verdict.caveats
    )


@pytest.mark.parametrize("after", [{0: 307.0}, {0: 307.0, 200: 50.0}], ids=["both", "one side"])
def test_where_one_side_has_no_trained_network_nothing_is_said(
    tmp_path: Path, after: dict[int, float]
) -> None:
    found = compared(tmp_path, {"fid50k_full": {0: 419.0}}, {"fid50k_full": after})
    assert found.rows == ()
    assert found.verdict.outcome == "no evidence"
    assert "trained" in found.notes[0]


def test_what_is_compared_is_the_end_of_what_all_have_trained(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        {"fid50k_full": {0: 400.0, 200: 90.0, 400: 50.0, 600: 20.0, 800: 10.0}},
        {"fid50k_full": {0: 400.0, 200: 30.0, 400: 45.0}},
    )
    end, best = found.rows
    assert end.name == "fid50k_full at 400 kimg"
    assert (end.before_trainings[0], end.after_trainings[0]) == (50.0, 45.0)
    assert best.name == "fid50k_full, best up to 400 kimg"
    assert (best.before_trainings[0], best.after_trainings[0]) == (50.0, 30.0)
    assert any("up to 400 kimg; later values of others, up to 800 kimg" in c for c in found.verdict.caveats)


@pytest.mark.parametrize("worst", [NAN, float("inf")])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_run_that_diverged_is_told_first(tmp_path: Path, side: str, worst: float) -> None:
    whole = {kimg: 100.0 - kimg / 100 for kimg in range(200, 3001, 200)}
    runs = {
        "before": {"fid50k_full": dict(whole)},
        "after": {"fid50k_full": {kimg: value - 5 for kimg, value in whole.items()}},
    }
    runs[side]["fid50k_full"].update(dict.fromkeys(range(1200, 3001, 200), worst))
    found = compared(tmp_path, runs["before"], runs["after"])
    assert found.verdict.outcome == "no evidence"
    assert found.verdict.statement.startswith(
        f"{tmp_path / side}0 diverged: fid50k_full is NaN or infinite from kimg 1200"
    )
    assert all(row.verdict == "no evidence" and not row.decides for row in found.rows)
    assert [row.name for row in found.rows] == [
        "fid50k_full at 1000 kimg",
        "fid50k_full, best up to 1000 kimg",
    ]
    assert "a training diverged" in to_text(found)


def test_a_run_that_was_never_a_number_is_told(tmp_path: Path) -> None:
    found = compared(tmp_path, {"fid50k_full": {200: 9.0}}, {"fid50k_full": {200: NAN, 400: NAN}})
    assert "diverged: fid50k_full is NaN or infinite from kimg 200 on" in found.verdict.sentence
    assert found.notes == ()


def test_another_metric_of_a_diverged_run_decides_nothing_either(tmp_path: Path) -> None:
    before = {"fid50k_full": {200: 9.0, 400: 9.0}, "kid50k_full": {200: 0.1, 400: 0.1}}
    after = {"fid50k_full": {200: 9.0, 400: NAN}, "kid50k_full": {200: 0.01, 400: 0.01}}
    assert compared(tmp_path, before, after).verdict.outcome == "no evidence"


def test_a_metric_that_recovers_is_noted(tmp_path: Path) -> None:
    found = compared(
        tmp_path, {"fid50k_full": {200: 9.0, 400: 9.0}}, {"fid50k_full": {100: NAN, 200: 7.0, 400: 7.0}}
    )
    assert found.verdict.outcome == "improved"
    assert "diverged" not in found.verdict.sentence
    assert any("is NaN or infinite at kimg 100" in note for note in found.notes)


def test_losses_that_end_in_nan_are_told_first(tmp_path: Path) -> None:
    values = {"fid50k_full": {200: 9.0, 400: 8.0}}
    found = compared(tmp_path, values, values, stats_after={0: 1.0, 200: 1.0, 300: NAN, 400: NAN})
    assert found.verdict.statement.startswith(
        f"The losses of {tmp_path / 'after0'} are NaN or infinite from kimg 300 on (Loss/G/loss)."
    )


# Metric -> values that it cannot have.
IMPOSSIBLE = {
    "fid50k_full": [1e57, -3e68, -0.5],
    "sfid50k_full": [-1.0],
    "kid50k_full": [-40.0, 1e20],
    "is50k_mean": [0.2, 5000.0],
    "pr50k3_full_recall": [1.5, -0.1],
    "ppl2_wend": [-1.0],
}


@pytest.mark.parametrize(("metric", "value"), [(m, v) for m, values in IMPOSSIBLE.items() for v in values])
@pytest.mark.parametrize("place", [200, 400], ids=["before the end", "at the end"])
def test_impossible_values_are_shown_and_decide_nothing(
    tmp_path: Path, metric: str, value: float, place: int
) -> None:
    good = dict.fromkeys((200, 400), 2.0 if metric == "is50k_mean" else 0.5)
    found = compared(tmp_path, {metric: {**good, place: good[200] * 0.9}}, {metric: {**good, place: value}})
    assert found.verdict.outcome == "no evidence"
    best = found.row(f"{metric}_best")  # of the snapshots that can be compared
    assert (best.before_trainings[0], best.after_trainings[0]) == (good[200], good[200])
    (note, _) = (note for note in found.notes if "impossible for this metric" in note)
    assert f"{metric} is {value:.4g} at {place} kimg" in note
    end = found.row(metric)
    if place == 400:
        assert (end.after_trainings[0], end.decides, end.verdict) == (value, False, "no evidence")
        assert found.verdict.metric == f"{metric}_best"
        assert "impossible value" in to_text(found)
        assert all(len(line) < 400 for line in to_text(found).splitlines())
    else:
        assert end.decides
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("fid50k_full", -1e-4),
        ("fid50k_full", 600.0),
        ("kid50k_full", -0.001),
        ("is50k_mean", 1.0),
        ("eqr50k", -3.0),
    ],
)
def test_unusual_values_are_possible(metric: str, value: float) -> None:
    assert logged_metric(metric).can_be(value)


def test_impossible_values_are_no_part_of_a_curve(tmp_path: Path) -> None:
    log = read_training_log(write_logs(tmp_path / "run", {"fid50k_full": {200: 1e57, 400: 9.0}}))
    assert [(curve.x, curve.y) for curve in log.curves] == [((400,), (9.0,))]
    assert [(curve.x, curve.y) for curve in log.impossible] == [((200,), (1e57,))]


def losses(folder: Path, line: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "loss_log.txt").write_text(line + "\n")
    return folder


def test_advice_fits_the_upstream(tmp_path: Path) -> None:
    """pix2pix has no --metrics and no --snap; a StyleGAN without metrics has no test.py."""
    line = "(epoch: 1, iters: 100, time: 0.1, data: 0.2) G_GAN: 0.9 G_L1: 3.1 "
    checkpoints = [losses(tmp_path / "checkpoints" / name, line) for name in ("base", "ffl")]
    note = compare(before=checkpoints[0], after=checkpoints[1]).notes[0]
    assert "test.py" in note
    assert "--metrics" not in note
    runs = [write_logs(tmp_path / name, {}, {0: 1.0, 4: 0.9}) for name in ("run-a", "run-b")]
    note = compare(before=runs[0], after=runs[1]).notes[0]
    assert "--metrics" in note
    assert "test.py" not in note
    other = write_run(tmp_path / "run-c", {0: 300, 200: 60})
    assert "same metric" in compare(before=runs[0], after=other).notes[0]


def test_the_documentation_lists_every_metric() -> None:
    page = (Path(__file__).parents[2] / "docs" / "measuring.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in page.splitlines() if "{N}" in line or "`ppl" in line]
    listed = {
        name: cells[3].strip()
        for cells in rows
        if len(cells) > 4
        for name in re.findall("`([^`]+)`", cells[1])
    }
    for name, known in LOGGED.items():
        assert listed[name].startswith(known.direction or "neither"), name
