"""What a sweep says of metrics that could not be measured."""

from __future__ import annotations

import html
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ffl_plugin.cli import main

# Images in place of a training; those of weight 2 have no real images of their names.
TRAIN = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
weight, out = float(sys.argv[2].split("=")[1]), Path(sys.argv[1])
(out / "images").mkdir(parents=True)
for number in range(4):
    pixels = np.random.default_rng([number, int(weight)]).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(out / "images" / f"{'other' if weight == 2 else 'face'}{number}.png")
"""


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the arguments of a sweep of images at weights 0, 1 and 2, without any network's weights."""
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "real").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(100 + number).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "real" / f"face{number}.png")
    monkeypatch.chdir(tmp_path)
    for variable in ("FFL_INCEPTION", "FFL_LPIPS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    measured = ["--real", "real", "--results", "{out}/images", "--no-download"]
    training = ["--", sys.executable, "train.py", "{out}"]
    return ["sweep", "--weights", "1,2", "--seeds", "0", "--out", "out", *measured, *training]


def test_what_was_not_measured_is_told_once(
    sweep: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """On the terminal, in the JSON and on the page; with the weight where it is so of some weights alone."""
    with pytest.raises(SystemExit) as end:
        main(sweep)
    assert end.value.code == 0
    remarks = json.loads((tmp_path / "out/report/sweep-report.json").read_text())["remarks"]
    assert [remark.split(":")[0] for remark in remarks] == [
        "FID was not measured", "At weight 1", "At weight 2"
    ]  # fmt: skip
    assert "LPIPS was not measured: the AlexNet weights are not available" in remarks[1]
    assert "Compared as sets, without PSNR" in remarks[2] and "other0.png has no partner" in remarks[2]
    lines = capfd.readouterr().out.splitlines()
    assert lines[-3:] == [f"* {remark}" for remark in remarks]
    page = html.unescape((tmp_path / "out/report/report.html").read_text())
    assert all(page.count(f"<li>{remark}</li>") == 1 for remark in remarks)


def test_images_that_were_not_found_are_asked_for(
    sweep: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A plain folder of images is no result folder: the training is done, and ``--results`` is missing."""
    sweep[sweep.index("--results") : sweep.index("--results") + 2] = []
    with pytest.raises(SystemExit) as end:
        main(sweep)
    assert end.value.code == 0
    weights = json.loads((tmp_path / "out/report/sweep-report.json").read_text())["weights"]
    assert len(weights) == 2
    for weight in weights:
        assert "weight-0-seed-0" in weight["why_not"] and "--results" in weight["why_not"]
    lines = [line for line in capfd.readouterr().out.splitlines() if "--results" in line]
    assert len(lines) == 1 and lines[0].startswith("weight 1, 2 ")  # one reason, told once
    page = html.unescape((tmp_path / "out/report/report.html").read_text())
    assert page.count("no result folder") == 1
