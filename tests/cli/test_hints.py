"""The commands that messages propose work where they are pasted."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from ffl_plugin.cli import group
from ffl_plugin.patches import all_recipes
from ffl_plugin.patches._training import own_command

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of StyleGAN2-ADA in a folder whose name needs quotes; commands run in the folder above."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(FIXTURES / "torch2", "my clone"))


def ffl_patch(*arguments: object) -> str:
    result = CliRunner().invoke(group, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def training_line(output: str) -> str:
    (line,) = re.findall(r"^Train with +(.+)$", output, re.MULTILINE)
    return str(line)


def paste(output: str) -> list[str]:
    """Run the commands of ffl-patch that an output proposes, as a shell would; return what each says."""
    lines = re.findall(r"(?:^|  )ffl-patch (.+)$", output, re.MULTILINE)
    assert lines
    return [ffl_patch(*shlex.split(line)) for line in lines]


def copy(target: str, place: str) -> Path:
    return Path(shutil.copytree(FIXTURES / target, place))


def test_what_apply_proposes_works_where_it_is_pasted(clone: Path) -> None:
    before = {path: path.read_bytes() for path in clone.rglob("*.py")}
    said = paste(ffl_patch("apply", "stylegan2-ada", clone, "--with", "torch2"))
    assert len(said) == 2
    assert said[0].startswith("--- a/")
    assert said[1].startswith("stylegan2-ada and torch2 reverted")
    assert {path: path.read_bytes() for path in clone.rglob("*.py")} == before


def test_in_the_clone_itself_no_folder_is_named(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    output = ffl_patch("apply", "stylegan2-ada")
    assert training_line(output).startswith("python train.py ")
    assert output.endswith("ffl-patch diff stylegan2-ada\nUndo it with  ffl-patch revert stylegan2-ada\n")


def test_training_begins_in_the_clone(clone: Path) -> None:
    (clone / "train.py").write_text(
        (clone / "train.py").read_text() + "\nOPTIONS = ['--outdir', '--data']\nprint('here', OPTIONS)\n"
    )
    line = training_line(ffl_patch("apply", "stylegan2-ada", clone))
    assert line == "cd 'my clone' && python train.py --outdir=runs --data=images.zip --ffl-weight=1"
    result = subprocess.run(
        ["sh", "-c", line.partition(" --")[0].replace("python", "cat")], capture_output=True
    )
    assert b"print('here'" in result.stdout


def test_the_script_that_was_patched(clone: Path) -> None:
    (clone / "train.py").rename(clone / "train_3d.py")
    assert "python train_3d.py" in training_line(ffl_patch("apply", "stylegan2-ada", clone))


@pytest.mark.parametrize("given", ["outer", "outer/inner"])
def test_a_nested_clone(given: str, clone: Path) -> None:
    shutil.move(clone, "outer/inner")
    line = training_line(ffl_patch("apply", "stylegan2-ada", given))
    assert line.startswith("cd outer/inner && python train.py ")


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        (["train.py", "train_3d.py"], "cd p2p && python train.py ... --ffl-weight 1"),
        (["run_train.py"], "cd p2p && python run_train.py ... --ffl-weight 1"),
        (["train_a.py", "train_b.py"], "your own script, and --ffl-weight 1"),
        (["constrain.py"], "your own script, and --ffl-weight 1"),
        ([], "your own script, and --ffl-weight 1"),
    ],
    ids=str,
)
def test_a_launcher_that_is_not_patched(scripts: list[str], expected: str, clone: Path) -> None:
    root = copy("pix2pix", "p2p")
    for script in scripts:
        (root / script).write_text("parser.add_argument('--name')\n")
    assert training_line(ffl_patch("apply", "pix2pix", root)) == expected


def test_a_launcher_beside_a_nested_clone_that_is_not_patched(clone: Path) -> None:
    root = copy("pix2pix", "work/p2p")
    (root / "run_train.py").write_text("parser.add_argument('--name')\n")
    expected = "cd work/p2p && python run_train.py ... --ffl-weight 1"
    assert training_line(ffl_patch("apply", "pix2pix", "work")) == expected


def test_options_that_the_clone_has_are_given(clone: Path) -> None:
    root = copy("pix2pix", "p2p")
    (root / "train.py").write_text("options = ['--dataroot', '--name', '--model']\n")
    line = training_line(ffl_patch("apply", "pix2pix", root))
    options = "--dataroot datasets/facades --name facades_ffl --model pix2pix --ffl-weight 1"
    assert line == f"cd p2p && python train.py {options}"


@pytest.mark.parametrize(
    ("choices", "options"), [("'fastgan'", "--outdir=runs --cfg=fastgan"), ("'xl'", "...")], ids=str
)
def test_a_configuration_that_a_relative_lacks_is_not_proposed(
    choices: str, options: str, clone: Path
) -> None:
    root = copy("projected-gan", "xl")
    (root / "options.py").write_text(
        f"options = ['--outdir', '--cfg', '--data', '--gpus', '--batch']\nchoices = [{choices}]\n"
    )
    line = training_line(ffl_patch("apply", "projected-gan", root))
    assert line.startswith(f"cd xl && python train.py {options} ")


def test_a_family_whose_options_are_in_yaml_is_told_so(clone: Path) -> None:
    line = training_line(ffl_patch("apply", "autoencoder", copy("autoencoder", "vq")))
    assert line == "your own script, and ffl_options: {weight: 1} below lossconfig.params"


def test_a_companion_alone_has_no_flag(clone: Path) -> None:
    for target in ("torch2-stylegan2-rosinality", "torch2-pix2pixhd"):
        recipe = all_recipes()[target]
        assert own_command(recipe) == "your own script"


def test_status_and_refusals_name_the_clone(clone: Path) -> None:
    assert "ffl-patch apply stylegan2-ada 'my clone'" in ffl_patch("status", clone)
    ffl_patch("apply", "stylegan2-ada", clone)
    loss = clone / "training/loss.py"
    loss.write_text(
        loss.read_text().replace("from ffl_plugin.integrations import stylegan2_ada as ffl\n", "")
    )
    result = CliRunner().invoke(group, ["apply", "stylegan2-ada", str(clone)])
    assert "run `ffl-patch revert stylegan2-ada 'my clone'`" in str(result.exception)
    result = CliRunner().invoke(group, ["upgrade", "torch2", str(clone)])
    assert "run `ffl-patch apply torch2 'my clone'`" in str(result.exception)


def test_a_family_that_trains_with_another_script_is_told_so(tmp_path: Path) -> None:
    line = training_line(ffl_patch("apply", "stargan-v2", copy("stargan-v2", str(tmp_path / "clone"))))
    assert line == f"cd {tmp_path}/clone && python main.py ... --ffl-weight 1"


def test_a_family_that_trains_with_a_shell_script_is_told_so(clone: Path) -> None:
    root = copy("llamagen", "tokens")
    assert training_line(ffl_patch("apply", "llamagen", root)) == "your own script, and --ffl-weight 1"
    ffl_patch("revert", "llamagen", root)
    (root / "train_tokens.py").write_text("parser.add_argument('--data-path')\n")
    line = training_line(ffl_patch("apply", "llamagen", root))
    assert line == "cd tokens && python train_tokens.py ... --ffl-weight 1"
    ffl_patch("revert", "llamagen", root)
    script = root / "scripts/tokenizer/train_vq.sh"
    script.parent.mkdir(parents=True)
    script.write_text('torchrun tokenizer/tokenizer_image/vq_train.py "$@"\n')
    line = training_line(ffl_patch("apply", "llamagen", root))
    assert line == "cd tokens && bash scripts/tokenizer/train_vq.sh ... --ffl-weight 1"


def test_a_shell_script_of_a_nested_clone(clone: Path) -> None:
    script = copy("llamagen", "outer/tokens") / "scripts/tokenizer/train_vq.sh"
    script.parent.mkdir(parents=True)
    script.write_text('torchrun tokenizer/tokenizer_image/vq_train.py "$@"\n')
    line = training_line(ffl_patch("apply", "llamagen", "outer"))
    assert line == "cd outer/tokens && bash scripts/tokenizer/train_vq.sh ... --ffl-weight 1"
