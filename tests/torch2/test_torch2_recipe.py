"""Applied beside the loss or alone, reverted alone, in any order; and what it makes of a clone's training."""

from __future__ import annotations

import ast
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from ffl_plugin.cli import group
from ffl_plugin.cli._targets import companion_named, the_applied_recipes
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply, plan_revert, plan_upgrade, status
from ffl_plugin.patching.detect import detect

FIXTURES = Path(__file__).parents[1] / "fixtures"
FFL, TORCH2 = all_recipes()["stylegan2-ada"], all_recipes()["torch2"]
COMPANIONS = [name for name, recipe in all_recipes().items() if recipe.companion_of]
LIKE_STYLEGAN3 = ["torch2-eg3d", "torch2-projected-gan", "torch2-r3gan", "torch2-stylegan3"]
WITH_FILMS = [name for name in LIKE_STYLEGAN3 if name != "torch2-r3gan"]  # R3GAN makes none


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / "torch2", tmp_path / "clone"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.py")}


def ffl_patch(*arguments: object) -> str:
    result = CliRunner().invoke(group, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


class TestBesideTheLoss:
    def test_with_applies_both_at_once(self, clone: Path) -> None:
        report = json.loads(ffl_patch("apply", "stylegan2-ada", clone, "--with", "torch2", "--json"))
        assert report["outcome"] == "applied"
        assert report["with"] == ["torch2"]
        assert len(report["files"]) == len(set(report["files"])) == 15
        assert status(FFL, clone).state == status(TORCH2, clone).state == "applied"

    def test_with_is_the_same_as_one_after_the_other(self, clone: Path) -> None:
        before = contents(clone)
        plan_apply(FFL, clone, TORCH2).write()
        together = contents(clone)
        plan_revert(TORCH2, clone).write()
        plan_revert(FFL, clone).write()
        assert contents(clone) == before
        plan_apply(FFL, clone).write()
        plan_apply(TORCH2, clone).write()
        assert contents(clone) == together

    @pytest.mark.parametrize("first, second", [(FFL, TORCH2), (TORCH2, FFL)])
    def test_each_comes_out_alone_in_any_order(self, clone: Path, first: object, second: object) -> None:
        before = contents(clone)
        plan_apply(second, clone).write()  # type: ignore[arg-type]
        with_second = contents(clone)
        plan_apply(first, clone).write()  # type: ignore[arg-type]
        assert plan_apply(second, clone).changes == ()  # type: ignore[arg-type]
        plan_revert(first, clone).write()  # type: ignore[arg-type]
        assert contents(clone) == with_second
        plan_revert(second, clone).write()  # type: ignore[arg-type]
        assert contents(clone) == before

    def test_nothing_is_written_when_one_of_them_does_not_fit(self, clone: Path) -> None:
        loop = clone / "training/training_loop.py"
        loop.write_text(loop.read_text().replace("conv2d_gradfix.enabled = True", "pass"))
        before = contents(clone)
        with pytest.raises(PatchError, match=r"training_loop\.py.*conv2d_gradfix"):
            plan_apply(FFL, clone, TORCH2)
        assert contents(clone) == before


class TestByName:
    def test_every_family_that_needs_it_has_its_own(self, tmp_path: Path) -> None:
        for name, recipe in all_recipes().items():
            if recipe.companion_of is not None:
                assert name in ("torch2", f"torch2-{recipe.companion_of}")

    def test_a_companion_of_another_target_is_refused(self, clone: Path) -> None:
        result = CliRunner().invoke(group, ["apply", "pix2pix", str(clone), "--with", "torch2"])
        assert result.exit_code == 2
        assert "pix2pix has no companion recipe 'torch2'" in result.stderr
        assert "omit --with" in result.stderr

    def test_a_misspelt_one_is_refused_with_the_right_one(self, clone: Path) -> None:
        result = CliRunner().invoke(group, ["apply", "stylegan2-ada", str(clone), "--with", "torch"])
        assert result.exit_code == 2
        assert "available: torch2" in result.stderr

    def test_it_goes_with_every_stylegan_family(self) -> None:
        families = [
            name for name, recipe in all_recipes().items() if recipe.files[-1].path == "training/loss.py"
        ]
        assert families == ["eg3d", "projected-gan", "stylegan2-ada", "stylegan3"]
        for name in families:
            assert companion_named("torch2", all_recipes()[name]).companion_of == name

    @pytest.mark.parametrize("name", COMPANIONS)
    def test_the_one_that_is_applied_is_known(self, name: str, tmp_path: Path) -> None:
        clone = Path(shutil.copytree(FIXTURES / name, tmp_path / "clone"))
        plan_apply(all_recipes()[name], clone).write()
        assert [recipe.name for recipe in the_applied_recipes(None, clone)] == [name]

    def test_it_is_no_family(self, clone: Path) -> None:
        assert [fit.recipe.name for fit in detect(all_recipes().values(), clone)] == ["stylegan2-ada"]


def test_networks_and_augmentation_stay_out_of_it() -> None:
    # Their source goes into every snapshot, which then could only be read with ffl-plugin at hand.
    for recipe in all_recipes().values():
        paths = {Path(file.path).name for file in recipe.files}
        assert not paths & {"networks.py", "augment.py", "networks_stylegan2.py", "networks_stylegan3.py"}


class TestTraining:
    def test_it_stops_at_once_without_the_patch(self, clone: Path, dataset: Path, tmp_path: Path) -> None:
        result = self.train(clone, dataset, tmp_path)
        assert result.returncode != 0
        assert "Error" in result.stderr

    def test_the_loop_runs_to_its_end_with_it(self, clone: Path, dataset: Path, tmp_path: Path) -> None:
        plan_apply(FFL, clone, TORCH2).write()
        result = self.train(clone, dataset, tmp_path, "--ffl-weight=100", "--metrics=fid,pr,ppl")
        assert result.returncode == 0, result.stderr
        assert "an unknown torch" not in result.stderr
        (run,) = sorted((tmp_path / "runs").iterdir())
        assert run.name == "00000-images-ffl100"
        stats = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
        assert len(stats) == 4
        for line in stats:
            assert all(np.isfinite(value["mean"]) for value in line.values()), line
            assert line["Timing/Gmain"]["mean"] > 0
            assert line["Resources/gpu_gb"]["mean"] == 0
        assert stats[-1]["Loss/G/ffl"]["mean"] < stats[0]["Loss/G/ffl"]["mean"]
        for metric in ("fid", "pr", "ppl"):
            assert np.isfinite(json.loads((run / f"metric-{metric}.jsonl").read_text())["results"])

        snapshot = run / "network-snapshot.pkl"
        again = self.train(clone, dataset, tmp_path, f"--resume={snapshot}", "--steps=5")
        assert again.returncode == 0, again.stderr
        options = json.loads((tmp_path / "runs/00001-images/training_options.json").read_text())
        assert options["G_kwargs"]["num_fp16_res"] == 0  # Full precision on a CPU, and the record says so.

    @pytest.fixture
    def dataset(self, tmp_path: Path) -> Path:
        rows = np.linspace(0, 255, 8)
        pictures = np.stack([np.roll(np.tile(rows, (3, 8, 1)), shift, axis=2) for shift in range(16)])
        np.save(tmp_path / "pictures.npy", pictures.astype(np.uint8))
        return tmp_path / "pictures.npy"

    def train(
        self, clone: Path, dataset: Path, folder: Path, *options: str
    ) -> subprocess.CompletedProcess[str]:
        (folder / "runs").mkdir(exist_ok=True)
        command = [
            sys.executable,
            "train.py",
            f"--outdir={folder / 'runs'}",
            f"--data={dataset}",
            "--steps=20",
        ]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [*command, *options], cwd=clone, env=environment, capture_output=True, text=True
        )


def test_a_failed_build_is_not_tried_again(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def attempts_after_two_calls() -> int:
        space: dict[str, object] = {"__name__": "upfirdn2d"}
        exec((clone / "torch_utils/ops/upfirdn2d.py").read_text(), space)
        with pytest.warns(UserWarning, match="cannot be built"):
            assert space["_init"]() is False  # type: ignore[operator]
            assert space["_init"]() is False  # type: ignore[operator]
        return space["attempts"]  # type: ignore[return-value]

    assert attempts_after_two_calls() == 2
    plan_apply(TORCH2, clone).write()
    assert attempts_after_two_calls() == 1


@pytest.mark.parametrize("name", LIKE_STYLEGAN3)
def test_the_optimizers_of_stylegan3_are_made(name: str, tmp_path: Path) -> None:
    clone = Path(shutil.copytree(FIXTURES / name, tmp_path / "clone"))
    plan_apply(all_recipes()[name], clone).write()
    code = "import train; i, phases = train.main('.'); print(i, list(phases[0].opt.defaults['betas']))"
    output = python(clone, "-c", code).stdout
    assert output.split(maxsplit=1)[1].strip() == "[0.0, 0.99]"


def test_projected_gan_asks_which_events_were_recorded(tmp_path: Path) -> None:
    clone = Path(shutil.copytree(FIXTURES / "torch2-projected-gan", tmp_path / "clone"))
    plan_apply(all_recipes()["torch2-projected-gan"], clone).write()
    code = "import train; _, (G, D) = train.main('.'); print(G.value > 0, D.value)"
    assert python(clone, "-c", code).stdout.strip() == "True 0"


class TestFilms:
    """The script that writes a film, with imageio-ffmpeg and without."""

    @pytest.fixture
    def scripts(self, tmp_path: Path) -> Path:
        """A snapshot, and an imageio that writes films only beside an imageio-ffmpeg, which is not there."""
        imageio = tmp_path / "modules" / "imageio" / "__init__.py"
        imageio.parent.mkdir(parents=True)
        imageio.write_text(
            "class get_writer:\n"
            "    def __init__(self, uri, mode=None, fps=None, codec=None):\n"
            "        self.uri = uri\n"
            "    def append_data(self, image):\n"
            "        import importlib.util\n"
            "        if importlib.util.find_spec('imageio_ffmpeg') is None:\n"
            "            raise TypeError(\"TiffWriter.write() got an unexpected keyword argument 'fps'\")\n"
            "    def close(self):\n"
            "        open(self.uri, 'w').close()\n"
        )
        (tmp_path / "out").mkdir()
        with (tmp_path / "G.pkl").open("wb") as file:
            pickle.dump({"G_ema": torch.zeros(1)}, file)
        return tmp_path

    @pytest.mark.parametrize("name", WITH_FILMS)
    def test_a_script_with_nothing_else_to_save_stops_before_the_first_frame(
        self, name: str, scripts: Path
    ) -> None:
        result = self.run(name, scripts, "gen_interp_video", f"{scripts}/out/film.mp4")
        assert result.returncode == 1
        assert result.stderr.endswith("videos cannot be written: pip install imageio-ffmpeg.\n")
        assert "generating" not in result.stdout and not list((scripts / "out").iterdir())

    def test_the_projector_warns_first_and_saves_the_rest(self, scripts: Path) -> None:
        result = self.run("torch2", scripts, "run_projection", f"{scripts}/out")
        assert result.returncode == 0, result.stderr
        assert "imageio-ffmpeg is not installed" in result.stderr
        assert [path.name for path in (scripts / "out").iterdir()] == ["projected_w.npy"]

    @pytest.mark.parametrize(
        ("name", "function"), [("torch2", "run_projection"), ("torch2-eg3d", "gen_interp_video")]
    )
    def test_with_imageio_ffmpeg_nothing_is_different(self, name: str, function: str, scripts: Path) -> None:
        (scripts / "modules" / "imageio_ffmpeg.py").touch()
        target = scripts / "out" / ("film.mp4" if function == "gen_interp_video" else "")
        result = self.run(name, scripts, function, str(target))
        assert (result.returncode, result.stderr) == (0, "")
        assert list((scripts / "out").glob("*.mp4"))

    def run(self, name: str, scripts: Path, function: str, target: str) -> subprocess.CompletedProcess[str]:
        clone = Path(shutil.copytree(FIXTURES / name, scripts / "clone"))
        plan_apply(all_recipes()[name], clone).write()
        (script,) = [file.path for file in all_recipes()[name].files if file.defines == (function,)]
        hide = "import importlib.util as u; f = u.find_spec; u.find_spec = lambda name, *a: None if name == "
        hide += (
            f"'imageio_ffmpeg' and not {(scripts / 'modules/imageio_ffmpeg.py').exists()} else f(name, *a); "
        )
        code = (
            f"{hide}from {script[:-3]} import {function}; {function}({str(scripts / 'G.pkl')!r}, {target!r})"
        )
        return python(clone, "-c", code, PYTHONPATH=str(scripts / "modules"))


def python(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    everything = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment}
    return subprocess.run(
        [sys.executable, *arguments], cwd=clone, env=everything, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", COMPANIONS)
def test_a_clone_patched_by_the_first_revision_is_upgraded(name: str, tmp_path: Path) -> None:
    recipe = all_recipes()[name]
    clone = Path(shutil.copytree(FIXTURES / name, tmp_path / "clone"))
    plan_apply(recipe, clone).write()
    now = contents(clone)
    plan_revert(recipe, clone).write()
    for first in recipe.revisions[1:]:
        plan_apply(first, clone).write()
        assert status(recipe, clone).recipe.revision == 1
        plan_upgrade(recipe, clone).write()
        assert contents(clone) == now


def test_every_patched_file_still_parses_on_old_pythons(clone: Path) -> None:
    plan_apply(FFL, clone, TORCH2).write()
    for file in TORCH2.files:
        ast.parse((clone / file.path).read_text(), feature_version=(3, 9))
