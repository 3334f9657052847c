from __future__ import annotations

import importlib
import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ffl_plugin.cli import _metrics, main
from ffl_plugin.metrics.feature_choice import DEFAULT_PROTOCOL, NETWORKS, ONLY_OF, choose_features
from ffl_plugin.metrics.protocols import PROTOCOLS


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test uses the weights that the user has."""
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FFL_INCEPTION", raising=False)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sets")
    generator = np.random.default_rng(0)
    for name in ("real", "before", "after"):
        (root / name).mkdir()
    for number in range(3):
        blocks = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        image = Image.fromarray(blocks.repeat(6, axis=0).repeat(6, axis=1))
        for name, radius in (("real", 0), ("before", 2), ("after", 1)):
            image.filter(ImageFilter.GaussianBlur(radius)).save(root / name / f"{number}.png")
    return root


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    code = 0
    try:
        main(["compare", "--no-download", *map(str, arguments)])
    except SystemExit as end:
        code = end.code or 0
    captured = capfd.readouterr()
    return code, captured.out, captured.err


def test_json_is_one_object_on_standard_output(
    sets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    code, stdout, stderr = run(
        capfd, "--json", "--real", sets / "real", "--before", sets / "before",
        "--after", sets / "after", "--out", out,
    )  # fmt: skip
    assert code == 0
    found = json.loads(stdout)
    assert found == json.loads((out / "comparison.json").read_text())
    assert f"wrote {out / 'report.html'}" in stderr
    assert found["command"].startswith("ffl-patch compare --real ")


def test_several_trainings_follow_one_option(
    sets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seeds = [tmp_path / name for name in ("a", "b", "c")]
    for seed in seeds:
        shutil.copytree(sets / "after", seed)
    code, stdout, _ = run(
        capfd, "--before", sets / "before", seeds[0], "--real", sets / "real",
        "--after", sets / "after", *seeds[1:], "--json",
    )  # fmt: skip
    assert code == 0
    found = json.loads(stdout)
    assert [training["path"] for training in found["before"]] == [str(sets / "before"), str(seeds[0])]
    assert [training["path"] for training in found["after"]] == [
        str(path) for path in (sets / "after", *seeds[1:])
    ]
    assert any(
        caveat.startswith(f"{sets / 'after'} and {seeds[0]} contain the same images")
        or caveat.startswith(f"{seeds[0]} and {sets / 'after'} contain the same images")
        for caveat in found["verdict"]["caveats"]
    )


def test_the_command_is_kept_as_it_was_given(
    sets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--real", sets / "real", "--before", sets / "before", "--after", sets / "after", "--json"]
    words += ["--sets", "--metrics", "fid,kid"]
    _, stdout, _ = run(capfd, *words)
    command = shlex.split(json.loads(stdout)["command"])
    assert sorted(command) == sorted(["ffl-patch", "compare", "--no-download", *map(str, words)])


def test_the_table_is_what_a_reader_gets(sets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, stdout, _ = run(
        capfd,
        "--real",
        sets / "real",
        "--before",
        sets / "before",
        "--after",
        sets / "after",
    )
    assert code == 0
    assert "PSNR" in stdout


def test_csv_has_one_line_per_metric(sets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, stdout, _ = run(
        capfd,
        "--csv",
        "--real",
        sets / "real",
        "--before",
        sets / "before",
        "--after",
        sets / "after",
    )
    assert code == 0
    assert stdout.splitlines()[0].startswith("metric,label,better,before,after,delta,low,high")


@pytest.mark.parametrize(
    "arguments", [["--json", "--csv", "--before", "x", "--after", "x"], ["--before", "x"], ["x"]]
)
def test_usage_errors_exit_with_2(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, *arguments)[0] == 2


def test_a_refusal_is_one_sentence_and_writes_nothing(
    sets: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    code, stdout, stderr = run(
        capfd, "--real", sets / "real", "--before", sets / "absent", "--after", sets / "after", "--out", out
    )
    assert (code, stdout) == (1, "")
    assert stderr.startswith("Error: ")
    assert len(stderr.splitlines()) == 1
    assert not out.exists()


def test_out_among_the_images_is_refused(sets: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, stderr = run(
        capfd,
        "--real",
        sets / "real",
        "--before",
        sets / "before",
        "--after",
        sets / "after",
        "--out",
        sets / "after" / "r",
    )
    assert code == 1
    assert "is inside" in stderr


@pytest.mark.parametrize("command", ["compare", "fid", "sweep"])
def test_every_protocol_can_be_chosen(command: str) -> None:
    module = importlib.import_module(f"ffl_plugin.cli.{command}")
    (option,) = [option for option in module.command.params if option.name == "protocol"]
    assert set(option.type.choices) == set(PROTOCOLS)
    assert f"[default: {DEFAULT_PROTOCOL}" in option.help
    assert choose_features().protocol == DEFAULT_PROTOCOL


@pytest.mark.parametrize("command", ["compare", "fid", "sweep"])
def test_every_network_and_metric_can_be_chosen(command: str) -> None:
    module = importlib.import_module(f"ffl_plugin.cli.{command}")
    (option,) = [option for option in module.command.params if option.name == "features"]
    assert list(option.type.choices) == list(NETWORKS)
    assert tuple(ONLY_OF) == _metrics.OF_FEATURES
