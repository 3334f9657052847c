from __future__ import annotations

import json
from pathlib import Path

import pytest

from ffl_plugin.report.training_logs import find_training_folder, read_training_log

CLASSIC = "(epoch: {e}, iters: {i}, time: 0.071, data: 0.212) G_GAN: {g:.3f} G_L1: 31.250 G_FFL: 0.125 "
RANKED = (
    "[Rank 0] (epoch: {e}, iters: {i}, time: 0.1, data: 0.2) , G_GAN: {g:.3f}, G_L1: 31.250, G_FFL: 0.125\n"
)
SPADE = "(epoch: {e}, iters: {i}, time: 0.071) G_GAN: {g:.3f} G_L1: 31.250 G_FFL: 0.125 "


def curve(log, name):
    found = [c for c in log.curves if c.name == name]
    assert len(found) == 1, (name, [c.name for c in log.curves])
    return found[0]


def metric_line(kimg, value, name="fid50k_full"):
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
def test_loss_log_of_every_upstream_version(tmp_path, line):
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


def test_loss_log_of_a_resumed_training_keeps_the_later_session(tmp_path):
    lines = ["================ Training Loss (a) ================"]
    lines += [CLASSIC.format(e=e, i=100, g=1.0) for e in (1, 2, 3)]
    lines += ["================ Training Loss (b) ================"]
    lines += [CLASSIC.format(e=e, i=100, g=2.0) for e in (2, 3, 4)]
    (tmp_path / "loss_log.txt").write_text("\n".join(lines))
    gan = curve(read_training_log(tmp_path), "G_GAN")
    assert gan.x == (1.0, 2.0, 3.0, 4.0)
    assert gan.y == (1.0, 2.0, 2.0, 2.0)


def test_metric_files_are_curves_over_kimg(tmp_path):
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


def test_measuring_an_old_snapshot_again_keeps_the_later_ones(tmp_path):
    lines = [metric_line(0, 90), metric_line(200, 80), metric_line(0, 91)]
    (tmp_path / "metric-fid50k_full.jsonl").write_text("\n".join(lines))
    fid = curve(read_training_log(tmp_path), "fid50k_full")
    assert (fid.x, fid.y) == ((0, 200), (91, 80))


def test_stats_give_the_losses_by_kimg(tmp_path):
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
def test_a_corrupt_line_is_skipped_and_named(tmp_path, broken):
    path = tmp_path / "metric-fid50k_full.jsonl"
    path.write_text(metric_line(0, 9) + "\n" + broken + "\n" + metric_line(200, 8) + "\n")
    log = read_training_log(tmp_path)
    assert curve(log, "fid50k_full").x == (0, 200)
    assert log.notes == (f"{path}: skipped line 2 that could not be read.",)


def test_numbers_that_are_not_finite_are_left_out(tmp_path):
    (tmp_path / "metric-fid50k_full.jsonl").write_text(
        "\n".join([metric_line(0, float("nan")), metric_line(200, 8), metric_line(400, float("inf"))])
    )
    assert curve(read_training_log(tmp_path), "fid50k_full").x == (200,)


def test_a_folder_without_logs_has_no_curves(tmp_path):
    assert read_training_log(tmp_path).curves == ()


@pytest.mark.parametrize("below", ["", "test_latest", "test_latest/images"])
def test_the_log_of_pix2pix_results_lies_in_checkpoints(tmp_path, below):
    results = tmp_path / "results" / "maps" / below
    results.mkdir(parents=True)
    assert find_training_folder(results) is None
    training = tmp_path / "checkpoints" / "maps"
    training.mkdir(parents=True)
    (training / "loss_log.txt").write_text("")
    assert find_training_folder(results) == training
    assert find_training_folder(training) == training
    assert find_training_folder(Path("/")) is None
