"""Revert without a name: everything of ours goes, in one transaction, and every byte is what it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from clones import FIXTURES, MakeClone, contents
from faults import Faults
from test_patching_cli import run

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, Recipe, plan_apply, plan_revert, status

RECIPES = all_recipes()
COMPANIONS = [recipe for recipe in RECIPES.values() if recipe.companion_of]


@pytest.mark.parametrize("order", ["--with", "the companion last", "the companion first"])
@pytest.mark.parametrize("companion", COMPANIONS, ids=lambda recipe: recipe.name)
def test_what_apply_prints_as_undo_is_true(
    make_clone: MakeClone,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    companion: Recipe,
    order: str,
) -> None:
    clone, target, name = make_clone(companion.name), str(companion.companion_of), companion.name
    if name != "torch2":  # Its look-alike has the loss; those of the others have only what they edit.
        shutil.copytree(FIXTURES / target, clone, dirs_exist_ok=True)
    if name == "torch2-pix2pixhd":
        with (clone / "train.py").open("a", encoding="utf-8") as train:
            train.write(
                "\n\ndef lcm(a, b):\n    import fractions\n\n    return a * b // fractions.gcd(a, b)\n"
            )
    before = contents(clone)
    monkeypatch.chdir(clone)
    commands = {
        "--with": [("apply", target, "--with", name)],
        "the companion last": [("apply", target), ("apply", name)],
        "the companion first": [("apply", name), ("apply", target)],
    }
    for command in commands[order]:
        code, out, err = run(capfd, *command)
        assert (code, err) == (0, "") and "\nUndo it with  ffl-patch revert" in out
    patched = contents(clone)
    code, diff, _ = run(capfd, "diff")
    changed = {name for name in before if before[name] != patched[name]}
    assert code == 0 and {line[6:] for line in diff.splitlines() if line.startswith("+++ ")} == changed
    assert "would be reverted" in run(capfd, "revert", "--dry-run")[1]
    assert contents(clone) == patched
    code, out, err = run(capfd, "revert")
    assert (code, err) == (0, "") and out.startswith(f"{target} and {name} reverted: ")
    assert contents(clone) == before
    assert run(capfd, "revert")[1].startswith("No ffl-plugin patch is applied")


def test_a_clone_with_two_losses_needs_no_name(
    make_clone: MakeClone, capfd: pytest.CaptureFixture[str]
) -> None:
    """As in latent-diffusion, neither loss is at the recipe's own path."""
    clone = make_clone("autoencoder")
    losses = (clone / "taming" / "modules" / "losses").rename(clone / "losses")
    loss = (losses / "vqperceptual.py").read_text(encoding="utf-8")
    loss = loss.replace("VQLPIPSWithDiscriminator", "LPIPSWithDiscriminator")
    (losses / "contperceptual.py").write_text(loss, encoding="utf-8")
    before = contents(clone)
    assert run(capfd, "apply", "auto", clone)[0] == 0
    patched = contents(clone)
    changed = {name for name in before if before[name] != patched[name]}
    assert len(changed) == 2
    code, out, err = run(capfd, "status", clone, "--check")
    assert (code, err) == (0, "") and all(name in out for name in changed)
    code, diff, _ = run(capfd, "diff", clone)
    assert code == 0 and {line[6:] for line in diff.splitlines() if line.startswith("+++ ")} == changed
    assert run(capfd, "revert", clone)[0] == 0
    assert contents(clone) == before


def test_json_names_all_that_went(make_clone: MakeClone, capfd: pytest.CaptureFixture[str]) -> None:
    clone = make_clone("torch2")
    run(capfd, "apply", "stylegan2-ada", clone, "--with", "torch2")
    report = json.loads(run(capfd, "revert", clone, "--json")[1])
    assert (report["target"], report["with"], report["outcome"]) == ("stylegan2-ada", ["torch2"], "reverted")
    assert len(report["files"]) == len(set(report["files"])) > 2
    report = json.loads(run(capfd, "revert", clone, "--json")[1])
    assert (report["target"], report["with"], report["outcome"]) == (None, [], "not applied")


def test_two_families_go_together(make_clone: MakeClone, capfd: pytest.CaptureFixture[str]) -> None:
    clone = make_clone("pix2pix")
    shutil.copy(make_clone("cyclegan") / "models" / "cycle_gan_model.py", clone / "models")
    before = contents(clone)
    for name in ("pix2pix", "cyclegan"):
        plan_apply(RECIPES[name], clone).write()
    assert run(capfd, "revert", clone)[0] == 0
    assert contents(clone) == before


def both_applied(make_clone: MakeClone) -> Path:
    clone = make_clone("torch2")
    plan_apply(RECIPES["stylegan2-ada"], clone, RECIPES["torch2"]).write()
    return clone


def test_one_piece_that_was_edited_keeps_all(
    make_clone: MakeClone, capfd: pytest.CaptureFixture[str]
) -> None:
    clone = both_applied(make_clone)
    misc = clone / "torch_utils" / "misc.py"
    misc.write_bytes(misc.read_bytes().replace(b"torch2 import torch\n", b"torch2 import torch, numpy\n"))
    edited = contents(clone)
    code, out, err = run(capfd, "revert", clone)
    assert (code, out) == (1, "") and err.startswith("Error: torch_utils/misc.py:")
    assert contents(clone) == edited


def test_a_name_takes_out_that_one_alone(make_clone: MakeClone, capfd: pytest.CaptureFixture[str]) -> None:
    clone = both_applied(make_clone)
    assert run(capfd, "revert", "stylegan2-ada", clone)[0] == 0
    states = [status(RECIPES[name], clone).state for name in ("stylegan2-ada", "torch2")]
    assert states == ["absent", "applied"]


def test_all_or_nothing_over_the_files_of_both(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = both_applied(make_clone)
    patched = contents(clone)
    plan = plan_revert(RECIPES["stylegan2-ada"], clone, RECIPES["torch2"])
    faults = Faults(monkeypatch)
    plan.write()
    replaced = [number for number, name in enumerate(faults.done) if name == "replace"]
    for name, data in patched.items():
        (clone / name).write_bytes(data)
    faults.set(replaced[-1])
    with pytest.raises(PatchError, match="no file was changed"):
        plan.write()
    assert contents(clone) == patched
