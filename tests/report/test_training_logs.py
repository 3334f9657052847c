from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from ffl_plugin.report.curves import Curve, TrainingLog
from ffl_plugin.report.training_logs import find_training_folder, read_training_log

CLASSIC = "(epoch: {e}, iters: {i}, time: 0.071, data: 0.212) G_GAN: {g:.3f} G_L1: 31.250 G_FFL: 0.125 "
RANKED = (
    "[Rank 0] (epoch: {e}, iters: {i}, time: 0.1, data: 0.2) , G_GAN: {g:.3f}, G_L1: 31.250, G_FFL: 0.125\n"
)
SPADE = "(epoch: {e}, iters: {i}, time: 0.071) G_GAN: {g:.3f} G_L1: 31.250 G_FFL: 0.125 "


def curve(log: TrainingLog, name: str) -> Curve:
    found = [c for c in log.curves if c.name == name]
    assert len(found) == 1, (name, [c.name for c in log.curves])
    return found[0]


def metric_line(kimg: int, value: float, name: str = "fid50k_full") -> str:
    return json.dumps(
        {
            "results": {name: value},
            "metric": name,
            "total_time": 5.0,
            "snapshot_pkl": f"network-snapshot-{kimg:06d}.pkl",
            "timestamp": 1.0,
        }
    )


@pytest.mark.parametrize("line", [CLASSIC, RANKED, SPADE], ids=["2020-2024", "2025", "spade"])
def test_loss_log_of_every_upstream_version(tmp_path: Path, line: str) -> None:
    text = "================ Training Loss (Sat Nov 22 05:31:14 2025) ================\n"
    for epoch in (1, 2):
        for iterations in (50, 100):
            text += line.format(e=epoch, i=iterations, g=epoch + iterations / 1000) + "\n"
    (tmp_path / "loss_log.txt").write_text(text)
    log = read_training_log(tmp_path)
    assert log.notes == ()
    assert [c.name for c in log.curves] == ["G_GAN", "G_L1", "G_FFL"]
    gan = curve(log, "G_GAN")
    assert gan.unit == "epoch"
    assert gan.x == (0.5, 1.0, 1.5, 2.0)
    assert gan.y == (1.05, 1.1, 2.05, 2.1)


def test_loss_log_of_a_resumed_training_keeps_the_later_session(tmp_path: Path) -> None:
    lines = ["================ Training Loss (a) ================"]
    lines += [CLASSIC.format(e=e, i=100, g=1.0) for e in (1, 2, 3)]
    lines += ["================ Training Loss (b) ================"]
    lines += [CLASSIC.format(e=e, i=100, g=2.0) for e in (2, 3, 4)]
    (tmp_path / "loss_log.txt").write_text("\n".join(lines))
    gan = curve(read_training_log(tmp_path), "G_GAN")
    assert gan.x == (1.0, 2.0, 3.0, 4.0)
    assert gan.y == (1.0, 2.0, 2.0, 2.0)


def test_metric_files_are_curves_over_kimg(tmp_path: Path) -> None:
    (tmp_path / "metric-fid50k_full.jsonl").write_text(
        "\n".join(metric_line(k, 100 - k / 10) for k in (0, 200, 400))
    )
    (tmp_path / "metric-pr50k3_full.jsonl").write_text(
        json.dumps(
            {
                "results": {"pr50k3_full_precision": 0.6, "pr50k3_full_recall": 0.3},
                "snapshot_pkl": "network-snapshot-000400.pkl",
            }
        )
    )
    log = read_training_log(tmp_path)
    assert curve(log, "fid50k_full").x == (0, 200, 400)
    assert curve(log, "fid50k_full").y == (100, 80, 60)
    assert curve(log, "pr50k3_full_recall").y == (0.3,)
    assert len(log.metrics()) == 3
    assert log.losses() == ()


def test_measuring_an_old_snapshot_again_keeps_the_later_ones(tmp_path: Path) -> None:
    lines = [metric_line(0, 90), metric_line(200, 80), metric_line(0, 91)]
    (tmp_path / "metric-fid50k_full.jsonl").write_text("\n".join(lines))
    fid = curve(read_training_log(tmp_path), "fid50k_full")
    assert (fid.x, fid.y) == ((0, 200), (91, 80))


def test_stats_give_the_losses_by_kimg(tmp_path: Path) -> None:
    lines = [
        json.dumps(
            {
                "Loss/G/loss": {"num": 4.0, "mean": 1.0 + k, "std": 0.1},
                "Loss/G/ffl": {"num": 4.0, "mean": 0.25, "std": 0.0},
                "Loss/D/reg": {"num": 0, "mean": float("nan"), "std": float("nan")},
                "Gradient/ffl": {"num": 1, "mean": 0.5, "std": 0.0},
                "Progress/kimg": {"num": 1, "mean": 4.0 * k, "std": 0.0},
                "Timing/total_sec": {"num": 1, "mean": 7.0, "std": 0.0},
                "timestamp": 1.0,
            }
        )
        for k in range(3)
    ]
    (tmp_path / "stats.jsonl").write_text("\n".join(lines))
    log = read_training_log(tmp_path)
    assert [c.name for c in log.curves] == ["Loss/G/loss", "Loss/G/ffl", "Gradient/ffl"]
    assert curve(log, "Loss/G/loss").x == (0, 4, 8)
    assert curve(log, "Loss/G/loss").unit == "kimg"


@pytest.mark.parametrize(
    "broken",
    [
        '{"results": {"fid50k_full": 7',
        "\x00\x00\x00",
        "[]",
        '"text"',
        '{"results": 3}',
        "{}",
        "[" * 100_000,
        "NaN",
    ],
    ids=["cut off", "zeros", "list", "string", "results not a table", "empty", "deep", "NaN"],
)
def test_a_corrupt_line_is_skipped_and_named(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "metric-fid50k_full.jsonl"
    path.write_text(metric_line(0, 9) + "\n" + broken + "\n" + metric_line(200, 8) + "\n")
    log = read_training_log(tmp_path)
    assert curve(log, "fid50k_full").x == (0, 200)
    assert log.notes == (f"{path}: skipped line 2, which could not be read.",)


def test_numbers_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "metric-fid50k_full.jsonl").write_text(
        "\n".join([metric_line(0, float("nan")), metric_line(200, 8), metric_line(400, float("inf"))])
    )
    assert curve(read_training_log(tmp_path), "fid50k_full").x == (200,)


def test_a_folder_without_logs_has_no_curves(tmp_path: Path) -> None:
    assert read_training_log(tmp_path).curves == ()


@pytest.mark.parametrize("below", ["", "test_latest", "test_latest/images"])
def test_the_log_of_pix2pix_results_lies_in_checkpoints(tmp_path: Path, below: str) -> None:
    results = tmp_path / "results" / "maps" / below
    results.mkdir(parents=True)
    assert find_training_folder(results) is None
    training = tmp_path / "checkpoints" / "maps"
    training.mkdir(parents=True)
    (training / "loss_log.txt").write_text("")
    assert find_training_folder(results) == training
    assert find_training_folder(training) == training
    assert find_training_folder(Path("/")) is None


START = "================ Training Loss (Mon Jan  1 00:00:00 2024) ================"
YEAR_2017 = "(epoch: {e}, iters: {i}, time: 0.071) G_GAN: {g:.3f} G_L1: 31.250 D_real: 0.5 "


def session(
    epochs: Iterable[int],
    start: float = 0.0,
    line: str = CLASSIC,
    prints: Sequence[int] = (100, 200, 300, 400),
) -> list[str]:
    """The lines of one start of a training; G_GAN counts the lines, from ``start`` on."""
    places = [(epoch, iterations) for epoch in epochs for iterations in prints]
    return [START, *(line.format(e=e, i=i, g=start + n) for n, (e, i) in enumerate(places))]


def loss_log(folder: Path, *sessions: list[str], continue_train: bool | None = None) -> TrainingLog:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loss_log.txt").write_text("\n".join(line for lines in sessions for line in lines) + "\n")
    if continue_train is not None:
        (folder / "train_opt.txt").write_text(
            f"{'continue_train':>25}: {continue_train!s:<30}\n{'epoch_count':>25}: {1!s:<30}\n"
        )
    return read_training_log(folder)


@pytest.mark.parametrize("line", [YEAR_2017, CLASSIC, RANKED], ids=["2017", "2018-2024", "2025"])
@pytest.mark.parametrize("recorded", [True, None])
def test_a_training_continued_at_epoch_1_keeps_both_sessions(
    tmp_path: Path, line: str, recorded: bool | None
) -> None:
    """With ``--continue_train`` but no ``--epoch_count`` the weights go on, and epochs count from 1 again."""
    log = loss_log(
        tmp_path, session(range(1, 5), 0, line), session((1, 2), 16, line), continue_train=recorded
    )
    gan = curve(log, "G_GAN")
    assert gan.x == tuple((n + 1) / 4 for n in range(24))
    assert gan.y == tuple(range(24))
    (note,) = log.notes
    assert "started 2 times at epoch 1" in note


def test_a_session_that_died_within_an_epoch_is_followed_by_the_next_epoch(tmp_path: Path) -> None:
    first = session((1, 2), 0)[:-1]  # died at 1.75 epochs
    gan = curve(loss_log(tmp_path, first, session((1,), 7), session((1, 2), 11)), "G_GAN")
    assert gan.y == tuple(range(19))
    assert gan.x == tuple(sorted(gan.x))
    assert gan.x[7:] == (2.25, 2.5, 2.75, 3, 3.25, 3.5, 3.75, 4, 4.25, 4.5, 4.75, 5)


def test_a_new_training_in_the_same_folder_is_not_the_old_one_continued(tmp_path: Path) -> None:
    log = loss_log(tmp_path, session(range(1, 5), 0), session((1, 2), 100), continue_train=False)
    assert curve(log, "G_GAN").y == tuple(range(100, 108))
    (note,) = log.notes
    assert "skipped 16 lines of an earlier training" in note


def test_a_start_that_wrote_nothing_says_nothing_of_the_one_before(tmp_path: Path) -> None:
    log = loss_log(tmp_path, session((1, 2), 0), session((1, 2), 8), [START], continue_train=False)
    assert curve(log, "G_GAN").y == tuple(range(16))


def test_epochs_that_a_later_start_did_again_are_counted(tmp_path: Path) -> None:
    log = loss_log(tmp_path, session(range(1, 5), 0), session((3, 4), 100), continue_train=True)
    gan = curve(log, "G_GAN")
    assert gan.x == tuple((n + 1) / 4 for n in range(16))
    assert gan.y == (*range(8), *range(100, 108))
    (note,) = log.notes
    assert "skipped 8 lines" in note


def test_a_training_that_goes_on_where_it_stopped_needs_no_note(tmp_path: Path) -> None:
    log = loss_log(tmp_path, session((1, 2), 0), session((3, 4), 8), continue_train=True)
    assert curve(log, "G_GAN").y == tuple(range(16))
    assert log.notes == ()


def test_several_restarts_of_which_the_first_died_early(tmp_path: Path) -> None:
    log = loss_log(tmp_path, session((1,), 0)[:3], session(range(1, 5), 2), session((3, 4), 100))
    gan = curve(log, "G_GAN")
    assert gan.y == (*range(10), *range(100, 108))
    assert len(log.notes) == 2


@pytest.mark.parametrize("ahead", [0, 2], ids=["in step", "two epochs apart"])
@pytest.mark.parametrize("starts", [True, False], ids=["starts written", "starts lost"])
def test_lines_of_two_trainings_at_once_are_told_and_counted(
    tmp_path: Path, ahead: int, starts: bool
) -> None:
    ours, theirs = session(range(1, 7), 0)[1:], session(range(1, 7), 1000)[1:]
    lead, mixed = ours[: 4 * ahead], list(zip(ours[4 * ahead :], theirs))
    lines = [START] if starts else []
    lines += [*lead, *([START] if starts else []), *(line for pair in mixed for line in pair)]
    log = loss_log(tmp_path, lines)
    gan = curve(log, "G_GAN")
    total = len(lead) + 2 * len(mixed)
    (note,) = log.notes
    assert f"skipped {total - len(gan.y)} of {total} lines: two trainings" in note
    assert len(gan.y) >= 24


def test_a_line_into_which_two_processes_wrote_is_two(tmp_path: Path) -> None:
    first, second = (CLASSIC.format(e=1, i=i, g=i) for i in (100, 200))
    log = loss_log(tmp_path, [START, first + second])
    assert curve(log, "G_GAN").y == (100, 200)
    assert {c.name for c in log.curves} == {"G_GAN", "G_L1", "G_FFL"}


def test_other_ranks_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = [
        f"[Rank {rank}] (epoch: 1, iters: {i}, time: 0.1, data: 0.2) , G_GAN: {rank + i:.3f}"
        for i in (100, 200)
        for rank in (0, 1)
    ]
    log = loss_log(tmp_path, [START, *lines])
    assert curve(log, "G_GAN").y == (100, 200)
    assert "skipped 2 lines of processes other than rank 0" in log.notes[0]


def test_names_of_losses_are_whole(tmp_path: Path) -> None:
    line = "(epoch: 1, iters: 100, time: 0.1) D_real+fake: 0.500 G_L1/2: 1.5, KL-div: 2.0 idt_A: 0.1 "
    log = loss_log(tmp_path, [START, line])
    assert {c.name: c.y for c in log.curves} == {
        "D_real+fake": (0.5,),
        "G_L1/2": (1.5,),
        "KL-div": (2.0,),
        "idt_A": (0.1,),
    }


def test_a_loss_that_is_no_number_is_a_gap(tmp_path: Path) -> None:
    lines = session((1, 2), 0)
    lines[3] = lines[3].replace("2.000", "inf")
    lines[-2:] = [line.replace("G_GAN: ", "G_GAN: nan was ").replace("31.250", "nan") for line in lines[-2:]]
    log = loss_log(tmp_path, lines)
    assert curve(log, "G_GAN").x == (0.25, 0.5, 1, 1.25, 1.5)
    assert {gap.name: (gap.x, gap.since) for gap in log.gaps} == {
        "G_GAN": ((0.75, 1.75, 2.0), 1.75),
        "G_L1": ((1.75, 2.0), 1.75),
    }


def stats_line(kimg: float, timestamp: float, total: float | None = None, **losses: float) -> str:
    fields = {f"Loss/{name}": {"num": 8, "mean": value, "std": 0.1} for name, value in losses.items()}
    fields["Progress/kimg"] = {"num": 1, "mean": float(kimg), "std": 0.0}
    if total is not None:
        fields["Timing/total_sec"] = {"num": 1, "mean": float(total), "std": 0.0}
    return json.dumps({**fields, "timestamp": timestamp})


def timed_metric(
    value: float, timestamp: float, snapshot: str | None = "network-snapshot.pkl", name: str = "fid50k_full"
) -> str:
    return json.dumps(
        {"results": {name: value}, "metric": name, "snapshot_pkl": snapshot, "timestamp": timestamp}
    )


def run(folder: Path, metrics: list[str], stats: list[str] | None) -> TrainingLog:
    (folder / "metric-fid50k_full.jsonl").write_text("\n".join(metrics) + "\n")
    if stats is not None:
        (folder / "stats.jsonl").write_text("\n".join(stats) + "\n")
    return read_training_log(folder)


@pytest.mark.parametrize(
    "snapshot", ["network-snapshot.pkl", None, "network-snapshot-latest.pkl", "best_model.pkl"]
)
def test_snapshots_without_a_kimg_are_placed_by_the_tick_that_follows(
    tmp_path: Path, snapshot: str | None
) -> None:
    stats = [
        stats_line(k, 1000.0 * n, G=1.0) for n, k in enumerate((0.064, 100.096, 200.064, 300.0, 400.064))
    ]
    metrics = [timed_metric(80.0, 1999.5, snapshot), timed_metric(50.0, 3999.5, snapshot)]
    log = run(tmp_path, metrics, stats)
    fid = curve(log, "fid50k_full")
    assert (fid.x, fid.y, log.notes) == ((200, 400), (80, 50), ())


def test_nine_digits_of_r3gan_are_kimg(tmp_path: Path) -> None:
    log = run(tmp_path, [timed_metric(9.0, 1.0, "network-snapshot-000012000.pkl")], None)
    assert curve(log, "fid50k_full").x == (12000,)


@pytest.mark.parametrize(
    ("metrics", "stats", "kept"),
    [
        pytest.param([(80, 10.0), (50, 20.0)], None, {}, id="no stats.jsonl"),
        pytest.param([(80, 10.0), (50, 20.0)], [(200, 10.5, 10)], {200: 80}, id="after the last tick"),
        pytest.param(
            [(80, 10.0), (50, 20.0), (40, 1010.0)],
            [(600, 1010.5, 10)],
            {600: 40},
            id="before a restart, whose stats.jsonl is new",
        ),
        pytest.param(
            [(80, 10.0), (50, 20.0), (40, 1010.0)],
            [(600, 1010.5, None)],
            {600: 40},
            id="the same, where the session's length is not logged",
        ),
        pytest.param([(80, 10.0)], [(600, 1010.5, 10)], {}, id="before a restart that measured nothing yet"),
    ],
)
def test_measurements_without_a_place_are_left_out_and_said(
    tmp_path: Path,
    metrics: list[tuple[float, float]],
    stats: list[tuple[float, float, float | None]] | None,
    kept: dict[int, float],
) -> None:
    ticks = None if stats is None else [stats_line(*tick, G=1.0) for tick in stats]
    log = run(tmp_path, [timed_metric(*metric) for metric in metrics], ticks)
    curves = {c.name: dict(zip(c.x, c.y)) for c in log.metrics()}
    assert curves.get("fid50k_full", {}) == kept
    (note,) = log.notes
    count = len(metrics) - len(kept)
    assert f"skipped {count} measurement" in note
    assert "network-snapshot.pkl" in note
    assert "could not be read" not in note


def test_metrics_and_losses_that_are_no_number_are_gaps(tmp_path: Path) -> None:
    stats = [stats_line(k, k, G=float("nan") if k >= 400 else 1.0, D=1.0) for k in (0, 200, 400, 600)]
    stats[1] = stats[1].replace('"num": 8, "mean": 1.0', '"num": 0, "mean": NaN')  # not computed in that tick
    log = run(tmp_path, [metric_line(k, float("nan") if k == 600 else 9) for k in (0, 600)], stats)
    assert curve(log, "Loss/G").x == (0,)
    assert {gap.name: (gap.x, gap.since, gap.is_metric) for gap in log.gaps} == {
        "fid50k_full": ((600,), 600, True),
        "Loss/G": ((400, 600), 400, False),
    }


def test_stats_that_go_back_are_counted(tmp_path: Path) -> None:
    log = run(tmp_path, [metric_line(0, 9)], [stats_line(k, k, G=float(k)) for k in (0, 4, 8, 12, 8, 12, 16)])
    assert curve(log, "Loss/G").y == (0, 4, 8, 12, 16)
    assert "skipped 2 lines" in log.notes[0]
