"""What a path given to `compare` holds: images, features, logs, or a network to sample."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_material import write_run, write_set

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import open_images
from ffl_plugin.report.model import IMAGES, LOGS
from ffl_plugin.report.opening import is_run, open_training


def test_a_network_has_sampled_images_and_the_logs_of_its_run(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {200: 20.0}, seed=3)
    network = run / "network-snapshot-000200.pkl"
    with pytest.raises(FFLError, match="--clone"):
        open_training(network, None)
    samples = open_images(write_set(tmp_path / "samples", 0), role="fake")
    opened = open_training(network, lambda path: samples)
    assert (opened.kind, opened.sampled, opened.source) == (IMAGES, True, samples)
    assert opened.logs == run and opened.recorded_seed() == "3"
    assert any(curve.name == "fid50k_full" for curve in opened.log.curves)


@pytest.mark.parametrize("value", [float("nan"), -5.0], ids=["not finite", "impossible"])
def test_a_run_whose_values_are_no_numbers_is_one(tmp_path: Path, value: float) -> None:
    line = {"results": {"fid50k_full": value}, "snapshot_pkl": "network-snapshot-000200.pkl"}
    (tmp_path / "metric-fid50k_full.jsonl").write_text(json.dumps(line) + "\n")
    opened = open_training(tmp_path, None)
    assert opened.kind == LOGS and not opened.log.curves


@pytest.mark.parametrize("name", ["training_options.json", "network-snapshot-000200.pkl"])
def test_a_run_without_logs_is_refused_not_taken_for_images(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    write_set(tmp_path, 0, 1, "fakes{:06d}.png")
    assert is_run(tmp_path)
    with pytest.raises(FFLError, match="is a training run without"):
        open_training(tmp_path, None)
