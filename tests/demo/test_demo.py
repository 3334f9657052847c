"""The demo from patch to report, with few and small images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from ffl_plugin.cli.demo import command
from ffl_plugin.demo import repositories
from ffl_plugin.demo.main_job import run
from ffl_plugin.demo.parallel import Script, run_together
from ffl_plugin.demo.runs import Scale, Trainings
from ffl_plugin.errors import FFLError
from ffl_plugin.report import Comparison

TINY = Scale(size=64, train=8, test=2, epochs=2)
# The trainings, their comparison, the files written, what was said, and the epochs reported.
Demo = tuple[Trainings, Comparison, Sequence[Path], list[str], list[tuple[int, int]]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One demo, shared by the tests that look at what it left."""
    trainings = Trainings(tmp_path_factory.mktemp("demo") / "out", TINY, seed=1, weight=1000.0)
    said, epochs = [], []
    comparison, written = run(trainings, echo=said.append, on_epoch=lambda *at: epochs.append(at))
    return trainings, comparison, written, said, epochs


def test_the_recipe_of_the_real_upstream_patched_the_repository(demo: Demo) -> None:
    source = (demo[0].repository / "models" / "pix2pix_model.py").read_text()
    assert "self.loss_G = ffl.add_term(self, self.loss_G, self.fake_B, self.real_B)" in source


def test_only_the_second_training_had_ffl(demo: Demo) -> None:
    checkpoints = demo[0].out / "checkpoints"
    assert "G_FFL: " in (checkpoints / "with" / "loss_log.txt").read_text()
    assert "G_FFL" not in (checkpoints / "without" / "loss_log.txt").read_text()
    assert not (checkpoints / "without" / "ffl_opt.jsonl").exists()


def test_ffl_changed_what_was_trained(demo: Demo) -> None:
    weights = [
        torch.load(demo[0].out / "checkpoints" / which / "latest_net_G.pth") for which in ("without", "with")
    ]
    assert weights[0].keys() == weights[1].keys()
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_every_epoch_of_both_was_reported(demo: Demo) -> None:
    assert demo[4] == [(done, 4) for done in (1, 2, 3, 4)]


def test_the_comparison_has_the_pairs_of_both(demo: Demo) -> None:
    trainings, comparison, written, said, _ = demo
    assert comparison.paired
    assert {"psnr", "ssim", "lfd"} <= {row.metric for row in comparison.rows}
    assert (trainings.out / "report" / "report.html") in written
    assert any("--ffl-weight 1000" in sentence for sentence in said)


def test_the_same_seed_trains_the_same_weights(demo: Demo, tmp_path: Path) -> None:
    trainings = demo[0]
    again = Trainings(tmp_path, TINY, seed=1, weight=1000.0)
    for name in ("repository", "data"):
        (tmp_path / name).symlink_to(trainings.out / name)
    again.train(lambda done, of: None)
    for which in ("without", "with"):
        first, second = (
            torch.load(each.out / "checkpoints" / which / "latest_net_G.pth") for each in (trainings, again)
        )
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    result = CliRunner().invoke(command, ["--out", str(tmp_path)])
    assert isinstance(result.exception, FFLError) and "ffl-patch demo did not write" in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_of_an_earlier_demo_is_written_again(tmp_path: Path) -> None:
    repositories.make_folder(tmp_path / "out", {"seed": 1})
    (tmp_path / "out" / "old").write_text("")
    repositories.FOLDER.check(tmp_path / "out")
    repositories.make_folder(tmp_path / "out", {"seed": 2})
    assert [path.name for path in (tmp_path / "out").iterdir()] == [repositories.FOLDER.record]
    assert json.loads((tmp_path / "out" / repositories.FOLDER.record).read_text()) == {"seed": 2}


def test_what_is_no_clone_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    result = CliRunner().invoke(command, ["--repo", str(tmp_path / "clone"), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, FFLError) and "has no train.py" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_copy_of_a_clone_has_its_code_and_not_itself(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    for name in ("train.py", "data/loader.py", "util/results/a.py", "datasets/big.zip", ".git/config"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(name)
    out = clone / "ffl-demo"
    out.mkdir()
    repositories.copy_repository(clone, out / "repository")
    copied = [path for path in sorted((out / "repository").rglob("*")) if path.is_file()]
    assert [str(path.relative_to(out / "repository")) for path in copied] == [
        "data/loader.py", "train.py", "util/results/a.py"
    ]  # fmt: skip


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf"])
def test_a_weight_without_meaning_is_a_usage_error(weight: str) -> None:
    result = CliRunner().invoke(command, [f"--ffl-weight={weight}"])
    assert result.exit_code == 2 and "a finite number above 0" in result.output


@pytest.mark.parametrize("flag", ["--epochs=1", "--seed=-1"])
def test_flags_out_of_range_are_usage_errors(flag: str) -> None:
    assert CliRunner().invoke(command, [flag]).exit_code == 2


def test_a_script_that_fails_is_told_by_its_last_line_and_stops_the_other(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_library\n")
    (tmp_path / "slow.py").write_text("import time\nprint('begun')\ntime.sleep(600)\n")
    scripts = [
        Script(f"running {name}", [f"{name}.py"], tmp_path / f"{name}.log") for name in ("slow", "broken")
    ]
    with pytest.raises(FFLError, match=r"running broken failed \(ModuleNotFoundError.*broken.log"):
        run_together(scripts, tmp_path, 0, lambda script, line: None)
