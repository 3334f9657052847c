"""What forks of pix2pixHD do beside its training script."""

from __future__ import annotations

import pytest
from clones import MakeClone

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply, plan_revert, status

RECIPE = all_recipes()["pix2pixhd"]
OTHER = "train_on_windows.py"


def in_a_function(script: str) -> str:
    """A script whose code after the imports is in a function."""
    lines = script.splitlines(keepends=True)
    return "".join([*lines[:8], "def train():\n", *(f"    {line}" for line in lines[8:]), "\n\ntrain()\n"])


def test_a_script_that_trains_in_a_function_is_patched_there(make_clone: MakeClone) -> None:
    clone = make_clone(RECIPE.name)
    script = clone / "train.py"
    old = in_a_function(script.read_text(encoding="utf-8"))
    script.write_text(old, encoding="utf-8")
    plan_apply(RECIPE, clone).write()
    (line,) = [line for line in script.read_text(encoding="utf-8").splitlines() if "with_term" in line]
    (above,) = [line for line in old.splitlines() if "loss_G =" in line]
    assert line.index("loss_G") == above.index("loss_G")
    assert status(RECIPE, clone).state == "applied"
    plan_revert(RECIPE, clone).write()
    assert script.read_text(encoding="utf-8") == old


def test_two_scripts_that_train_in_functions_of_their_own_are_refused(make_clone: MakeClone) -> None:
    clone = make_clone(RECIPE.name)
    script = clone / "train.py"
    old = in_a_function(script.read_text(encoding="utf-8"))
    script.write_text(old, encoding="utf-8")
    (clone / "older").mkdir()
    (clone / "older/train.py").write_text(old.replace("train()", "main()"), encoding="utf-8")
    with pytest.raises(PatchError, match="does not use loss_G"):
        plan_apply(RECIPE, clone)


@pytest.mark.parametrize("function", [False, True], ids=["a script", "in a function"])
def test_another_script_that_trains_with_the_options_is_named(make_clone: MakeClone, function: bool) -> None:
    clone = make_clone(RECIPE.name)
    script = (clone / "train.py").read_text(encoding="utf-8")
    (clone / OTHER).write_text(in_a_function(script) if function else script, encoding="utf-8")
    plan = plan_apply(RECIPE, clone)
    assert OTHER not in [change.name for change in plan.changes]
    assert [note for note in plan.notes if note.startswith(f"{OTHER}:") and "without the term" in note], (
        plan.notes
    )


def test_a_script_that_only_reads_the_options_is_not(make_clone: MakeClone) -> None:
    clone = make_clone(RECIPE.name)
    text = "from options.train_options import TrainOptions\nopt = TrainOptions().parse()\nprint(opt)\n"
    (clone / "show.py").write_text(text, encoding="utf-8")
    assert not plan_apply(RECIPE, clone).notes
