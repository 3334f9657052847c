"""The patching commands as a user types them: exit codes, one sentence, JSON on standard output alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from clones import MakeClone, contents

from ffl_plugin import patches
from ffl_plugin.cli import main
from ffl_plugin.doctor.clone_state import examine_clone
from ffl_plugin.patching.recipe import Version
from ffl_plugin.patching.report import blob_id


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run ``ffl-patch`` in this process; return exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    output = capfd.readouterr()
    return int(stop.value.code or 0), output.out, output.err


def test_the_whole_trip(
    make_clone: MakeClone, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = make_clone("stylegan2-ada")
    before = contents(clone)
    monkeypatch.chdir(clone)
    code, out, err = run(capfd, "apply", "stylegan2-ada")
    assert (code, err) == (0, "")
    assert "--ffl-weight" in out and "ffl-patch revert" in out
    code, out, _ = run(capfd, "apply", "stylegan2-ada")
    assert (code, out) == (0, "stylegan2-ada is already applied.\n")
    code, out, _ = run(capfd, "status", "--check")
    assert code == 0 and "applied   line" in out
    code, out, _ = run(capfd, "diff")
    assert code == 0 and out.count("\n+") > 8
    code, out, _ = run(capfd, "revert")
    assert code == 0 and "reverted: train.py, training/loss.py" in out
    assert contents(clone) == before
    code, out, _ = run(capfd, "revert")
    assert code == 0 and out.startswith("No ffl-plugin patch is applied")
    code, out, _ = run(capfd, "status", "--check")
    assert code == 3
    assert "It matches stylegan2-ada (drifted from NVlabs/stylegan2-ada-pytorch): ffl-patch apply" in out


def test_a_tested_fork_is_not_called_the_upstream(
    make_clone: MakeClone, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clone, recipe = make_clone("autoencoder"), patches.autoencoder.RECIPE
    path = recipe.files[0].path
    known = ((path, blob_id((clone / path).read_bytes())),)
    tested = (Version("1234567", known, "someone/fork"), Version("7654321", ()))
    monkeypatch.setattr(patches.autoencoder, "RECIPE", replace(recipe, versions=tested))
    assert "It matches autoencoder (someone/fork 1234567)" in run(capfd, "status", clone)[1]
    assert run(capfd, "apply", "autoencoder", clone)[0] == 0
    assert f"{path} (someone/fork 1234567, apart from" in run(capfd, "status", clone)[1]
    assert {finding.name: finding.found for finding in examine_clone(clone)}["autoencoder"] == (
        "applied, on someone/fork 1234567"
    )
    listed = json.loads(run(capfd, "status", clone, "--json")[1])["targets"][0]["files"][0]
    assert listed["version"] == "someone/fork 1234567"
    assert patches.autoencoder.RECIPE.tested == f"{recipe.upstream} 7654321 and someone/fork 1234567"


@pytest.mark.parametrize("order", ["REPO", "TARGET REPO"])
def test_the_clone_may_be_elsewhere(
    make_clone: MakeClone, capfd: pytest.CaptureFixture[str], order: str
) -> None:
    clone = make_clone("pix2pix")
    before = contents(clone)
    arguments = [clone] if order == "REPO" else ["pix2pix", clone]
    assert run(capfd, "apply", "pix2pix", clone)[0] == 0
    assert run(capfd, "status", *arguments, "--check")[0] == 0
    assert run(capfd, "revert", *arguments)[0] == 0
    assert contents(clone) == before


def test_dry_runs_write_nothing(make_clone: MakeClone, capfd: pytest.CaptureFixture[str]) -> None:
    clone = make_clone("pix2pix")
    before = contents(clone)
    assert "would be applied" in run(capfd, "apply", "pix2pix", clone, "--dry-run")[1]
    assert contents(clone) == before
    run(capfd, "apply", "pix2pix", clone)
    patched = contents(clone)
    assert "would be reverted" in run(capfd, "revert", clone, "--dry-run")[1]
    assert contents(clone) == patched


def test_json(make_clone: MakeClone, capfd: pytest.CaptureFixture[str]) -> None:
    clone = make_clone("pix2pix")
    targets = json.loads(run(capfd, "list", "--json")[1])["targets"]
    assert {"pix2pix", "stylegan2-ada"} <= {entry["target"] for entry in targets}
    assert json.loads(run(capfd, "status", clone, "--json")[1])["fits"] == ["pix2pix"]
    report = json.loads(run(capfd, "apply", "pix2pix", clone, "--json")[1])
    assert report["outcome"] == "applied" and report["files"] == ["models/pix2pix_model.py"]
    report = json.loads(run(capfd, "apply", "pix2pix", clone, "--json")[1])
    assert report["outcome"] == "already applied" and report["files"] == []
    (entry,) = json.loads(run(capfd, "status", clone, "--json")[1])["targets"]
    assert entry["state"] == "applied"
    assert {edit["state"] for file in entry["files"] for edit in file["edits"]} == {"applied"}
    report = json.loads(run(capfd, "revert", clone, "--json")[1])
    assert report["outcome"] == "reverted" and report["notes"] == []
    assert json.loads(run(capfd, "revert", clone, "--json")[1])["outcome"] == "not applied"


def test_the_diff_is_one_that_git_takes_back(
    make_clone: MakeClone, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    clone = make_clone("stylegan2-ada")
    loss = clone / "training" / "loss.py"
    loss.write_bytes(loss.read_bytes().replace(b"\n", b"\r\n").rstrip(b"\r\n"))
    before = contents(clone)
    for _ in ("before", "after"):
        with pytest.raises(SystemExit):
            main(["diff", str(clone)])
        text = capfdbinary.readouterr().out
        with pytest.raises(SystemExit):
            main(["apply", "stylegan2-ada", str(clone)])
        capfdbinary.readouterr()
    subprocess.run(["git", "apply", "-R", "-"], input=text, cwd=clone, check=True)
    assert contents(clone) == before


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(
            ["apply", "stylegan9"], 2, "there is no target 'stylegan9'; the targets are", id="unknown"
        ),
        pytest.param(["apply"], 2, "Missing argument 'TARGET'", id="no target"),
        pytest.param(["apply", "pix2pix", "{tmp}/nowhere"], 1, "does not exist", id="no folder"),
        pytest.param(["apply", "pix2pix", "{tmp}/a.txt"], 1, "is a file, not the folder", id="a file"),
        pytest.param(
            ["apply", "pix2pix", "{tmp}/empty"], 1, "does not belong to the pix2pix family", id="not a clone"
        ),
        pytest.param(
            ["apply", "pix2pix", "{tmp}/stylegan2-ada"], 1, "looks like stylegan2-ada", id="wrong target"
        ),
        pytest.param(["status", "{tmp}/nowhere"], 1, "does not exist", id="status of no folder"),
        pytest.param(["diff", "{tmp}/empty"], 1, "belongs to no supported family", id="diff of no clone"),
        pytest.param(["revert", "stylegan9", "{tmp}"], 2, "there is no target", id="revert of unknown"),
    ],
)
def test_bad_input_ends_in_one_sentence(
    make_clone: MakeClone,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    make_clone("stylegan2-ada")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("", encoding="utf-8")
    before = contents(tmp_path)
    got, out, err = run(capfd, *[argument.format(tmp=tmp_path) for argument in arguments])
    assert (got, out) == (code, "")
    assert message in err and "Traceback" not in err
    if code == 1:
        assert err.startswith("Error: ") and err.count("\n") == 1
    assert contents(tmp_path) == before


def test_the_commands_import_nothing_heavy(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    script = (
        "import sys\nfrom ffl_plugin.cli import main\n"
        "try:\n    main(['apply', 'stylegan2-ada', sys.argv[1]])\n"
        "finally:\n    assert not {'torch', 'numpy', 'requests', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, clone], check=True, capture_output=True)
