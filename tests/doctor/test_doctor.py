"""`ffl-patch doctor`: what it sees, and the sentence for each lack."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ffl_plugin import native, patches
from ffl_plugin.cli import group
from ffl_plugin.doctor import Finding, libraries, machine
from ffl_plugin.doctor.clone_state import examine_clone
from ffl_plugin.doctor.loops import examine_loops
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply
from ffl_plugin.patching.recipe import Version
from ffl_plugin.patching.report import blob_id

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / "torch2", tmp_path / "clone"))


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_json_holds_what_the_text_says_and_nothing_is_changed(clone: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in clone.rglob("*")}
    report = json.loads(CliRunner().invoke(group, ["doctor", str(clone), "--json"]).stdout)
    text = CliRunner().invoke(group, ["doctor", str(clone)]).stdout
    assert {path: path.stat().st_mtime_ns for path in clone.rglob("*")} == before
    found = {entry["name"]: entry for entry in report["findings"]}
    assert {"Python", "torch", "CUDA", "nvcc", "ninja", "C++ compiler", "C loops", "numpy", "scipy"} <= set(
        found
    )
    assert {"torchvision", "Inception weights", "clone", "stylegan2-ada", "torch2"} <= set(found)
    assert report["problems"] == sum(entry["mend"] is not None for entry in report["findings"]) > 0
    for entry in report["findings"]:
        assert entry["found"] in text
        assert (entry["mend"] or "") in text
        assert entry["mend"] is None or len(entry["mend"]) > 10
    assert found["Python"]["found"].startswith(sys.version.split()[0])
    assert found["torch"]["found"] == metadata.version("torch")


def test_the_current_folder_is_examined_if_it_is_a_clone(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> set[str]:
        report = json.loads(CliRunner().invoke(group, ["doctor", "--json"]).stdout)
        return {entry["name"] for entry in report["findings"]} & {"clone", "torch2"}

    monkeypatch.chdir(clone)
    assert found() == {"clone", "torch2"}
    monkeypatch.chdir(tmp_path)  # which holds the clone
    assert found() == set()
    (tmp_path / "script.py").touch()
    shutil.rmtree(clone)
    assert found() == set()


def test_a_folder_that_does_not_exist_is_refused_in_a_sentence() -> None:
    result = CliRunner().invoke(group, ["doctor", "no-such-clone"])
    assert result.exit_code == 1
    assert "no-such-clone does not exist" in str(result.exception)


class TestClone:
    def test_torch2_is_asked_for_until_it_is_applied(self, clone: Path) -> None:
        fix = by_name(examine_clone(clone))["torch2"].fix
        assert fix is not None
        assert f"ffl-patch apply torch2 {clone}" in fix
        plan_apply(all_recipes()["stylegan2-ada"], clone, all_recipes()["torch2"]).write()
        findings = by_name(examine_clone(clone))
        assert findings["torch2"].found.startswith("applied, ")
        assert findings["stylegan2-ada"].found.startswith("applied, ")
        assert findings["torch2"].fix is findings["stylegan2-ada"].fix is None

    def test_torch2_is_not_asked_for_on_an_older_torch(
        self, clone: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(metadata, "version", lambda name: "1.13.1")
        assert by_name(examine_clone(clone))["torch2"].fix is None

    def test_a_tested_revision_with_a_file_of_another_has_not_drifted(
        self, clone: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recipe = all_recipes()["stylegan2-ada"]
        blobs = [(file.path, blob_id((clone / file.path).read_bytes())) for file in recipe.files]
        versions = tuple(Version(f"{number}234567", (blob,)) for number, blob in enumerate(blobs))
        monkeypatch.setattr(patches.stylegan2_ada, "RECIPE", replace(recipe, versions=versions))
        found = by_name(examine_clone(clone))["stylegan2-ada"].found
        assert found == f"not applied, on {recipe.upstream} 0234567 and 1234567"
        with (clone / "train.py").open("a", encoding="utf-8") as file:
            file.write("mine = 1\n")
        found = by_name(examine_clone(clone))["stylegan2-ada"].found
        assert found == "not applied, on files that differ from the upstream's"

    def test_half_a_patch_is_told(self, clone: Path) -> None:
        plan_apply(all_recipes()["torch2"], clone).write()
        misc = clone / "torch_utils/misc.py"
        misc.write_text(misc.read_text().replace("from ffl_plugin.integrations.torch2 import torch\n", ""))
        finding = by_name(examine_clone(clone))["torch2"]
        assert finding.found.startswith("partly applied")
        assert finding.fix is not None and "ffl-patch revert torch2" in finding.fix

    def test_a_folder_of_no_family(self, tmp_path: Path) -> None:
        (finding,) = examine_clone(tmp_path)
        assert finding.fix is not None and "ffl-patch list" in finding.fix


class TestMachine:
    def test_a_torch_before_2_comes_with_its_command(self) -> None:
        assert "torch 2.0 and newer" in (machine._torch("1.13.1+cu117").fix or "")
        assert machine._torch("2.0.0").fix is None

    @pytest.mark.parametrize(
        "capability, kernels, expected",
        [
            ((8, 6), ["sm_80", "sm_90"], True),
            ((9, 0), ["sm_80", "sm_86"], False),
            ((12, 0), ["sm_90", "compute_90"], True),
            ((7, 0), ["sm_75", "compute_80"], False),
            ((10, 0), ["sm_100"], True),
            ((9, 0), ["sm_90a"], True),
            ((8, 0), [], False),
        ],
    )
    def test_kernels_run_on_a_gpu(
        self, capability: tuple[int, int], kernels: list[str], expected: bool
    ) -> None:
        assert machine.runs_on(capability, kernels) is expected

    def test_a_driver_without_a_torch_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine.shutil, "which", lambda name: f"/bin/{name}")
        fix = machine._no_gpu(built_for=None).fix
        assert fix is not None and "install a torch with CUDA" in fix

    def test_hidden_gpus_are_told_from_an_old_driver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine.shutil, "which", lambda name: f"/bin/{name}")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert machine._no_gpu(built_for="12.4").fix == "Unset CUDA_VISIBLE_DEVICES."
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
        fix = machine._no_gpu(built_for="12.4").fix
        assert fix is not None and "driver" in fix and "CUDA 12.4" in fix

    @pytest.mark.parametrize(("version", "builds"), [("12.1", True), ("11.8", False), (None, False)])
    def test_torch_builds_with_the_nvcc_of_its_major_version(
        self, version: str | None, builds: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(machine, "_version", lambda program, pattern: version)
        assert (machine._nvcc("12.4").fix is None) is builds
        assert machine._nvcc(None).fix is None  # without a GPU nothing is built

    def test_tools_are_only_asked_for_where_they_build_something(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(machine.shutil, "which", lambda name: None)
        for needed in (False, True):
            for finding in (machine._ninja(needed=needed), machine._compiler(needed=needed)):
                assert (finding.fix is not None) is needed

    @pytest.mark.parametrize(
        ("system", "compiler", "asked"), [("posix", "c++", "g++"), ("nt", "cl", "Visual Studio")]
    )
    def test_the_compiler_is_that_of_the_system(
        self, system: str, compiler: str, asked: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(machine, "os", SimpleNamespace(name=system, environ={}))
        monkeypatch.setattr(machine, "_version", lambda program: "1.2")
        monkeypatch.setattr(machine.shutil, "which", lambda name: name if name == compiler else None)
        assert machine._compiler(needed=True).found == f"1.2 ({compiler})"
        monkeypatch.setattr(machine.shutil, "which", lambda name: None)
        assert asked in (machine._compiler(needed=True).fix or "")


class TestLoops:
    @pytest.fixture(autouse=True)
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.delenv("FFL_NATIVE", raising=False)
        monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
        return tmp_path / "cache"

    def test_not_built_yet_and_nothing_is_left_behind(self, cache: Path) -> None:
        finding = examine_loops(needed=True)
        assert finding.found.startswith("not compiled yet") and finding.fix is None
        assert not cache.exists()

    def test_built(self, cache: Path) -> None:
        native.loops.cache_clear()
        assert native.loops() is not None
        native.loops.cache_clear()
        assert examine_loops(needed=True) == Finding("C loops", str(native.library_path()))

    def test_a_kept_library_that_does_not_load_will_be_built_anew(self, cache: Path) -> None:
        cache.mkdir()
        native.library_path().write_bytes(b"")
        assert examine_loops(needed=True).found.startswith("not compiled yet")

    def test_a_compiler_that_makes_no_library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        compiler = tmp_path / "compiler"
        compiler.write_text('#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done; echo text > "$2"\n')
        compiler.chmod(0o755)
        monkeypatch.setenv("CC", shlex.quote(str(compiler)))
        assert "native.so does not load" in examine_loops(needed=True).found

    @pytest.mark.parametrize("needed", [True, False], ids=["on a CPU", "on a GPU"])
    def test_a_compiler_that_fails_is_a_problem_on_a_cpu(
        self, needed: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CC", "false")
        finding = examine_loops(needed=needed)
        assert finding.found == "unavailable: false failed: no error output"
        assert (finding.fix is not None and "Install gcc" in finding.fix) is needed

    def test_switched_off_is_no_problem(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FFL_NATIVE", "0")
        assert examine_loops(needed=True) == Finding("C loops", "unavailable: FFL_NATIVE=0 switches them off")

    def test_a_cache_that_cannot_be_written(self, cache: Path) -> None:
        cache.write_text("a file where the folder should be")
        finding = examine_loops(needed=True)
        assert finding.found == f"unavailable: cannot write {cache}"
        assert finding.fix is not None and "FFL_CACHE" in finding.fix


class TestLibraries:
    def test_a_torchvision_that_does_not_import_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metadata, "version", lambda name: "0.0")
        monkeypatch.setattr(libraries.sys, "executable", shutil.which("false") or sys.executable)
        finding = libraries._torchvision()
        assert "does not import" in finding.found
        assert finding.fix is not None

    def test_weights_that_are_not_the_released_ones(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FFL_INCEPTION", str(tmp_path / "weights.pth"))
        missing = libraries._inception()
        assert "does not exist" in missing.found and missing.fix is not None
        (tmp_path / "weights.pth").write_bytes(b"truncated")
        assert "not the released file" in libraries._inception().found

    def test_a_missing_library_comes_with_its_command(self) -> None:
        finding = libraries._installed("no-such-library", "pip install no-such-library")
        assert finding == Finding(
            "no-such-library", "not installed", "Install it: pip install no-such-library"
        )
