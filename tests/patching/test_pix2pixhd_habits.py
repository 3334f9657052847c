"""What forks of pix2pixHD do beside its training script."""

from __future__ import annotations

import pytest
from clones import MakeClone

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply

RECIPE = all_recipes()["pix2pixhd"]
OTHER = "train_on_windows.py"


@pytest.mark.parametrize("indent", ["", "    "], ids=["a script", "in a function"])
def test_another_script_that_trains_with_the_options_is_named(make_clone: MakeClone, indent: str) -> None:
    clone = make_clone(RECIPE.name)
    lines = (clone / "train.py").read_text(encoding="utf-8").splitlines(keepends=True)
    head, body = lines[:8], lines[8:]
    start = ["def train():\n"] if indent else []
    (clone / OTHER).write_text("".join([*head, *start, *(indent + line for line in body)]), encoding="utf-8")
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
