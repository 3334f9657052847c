"""Promise 6: undo after the user's own edits takes out the patch and nothing else, or names the piece."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from clones import MakeClone, contents
from habits import GMAIN_BACKWARD, LOSS, TRAIN, Edit, both, replaced

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply, plan_revert, status

RECIPE = all_recipes()["stylegan2-ada"]


def every_line(file: str, change: Callable[[bytes], bytes]) -> Edit:
    return lambda clone: (clone / file).write_bytes(change((clone / file).read_bytes()))


def ruff(*arguments: str) -> Edit:
    """Run a formatter over both files."""

    def edit(clone: Path) -> None:
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--quiet", "--line-length", "88"]
        subprocess.run([*command, clone / TRAIN, clone / LOSS], check=True)

    return edit


def class_moved(old: str, new: str, *, with_import: bool) -> Edit:
    """Move the loss to a file of its own, and import it from there."""

    def edit(clone: Path) -> None:
        text = (clone / old).read_text(encoding="utf-8")
        start = text.index("class StyleGAN2Loss")
        (clone / new).write_text(text, encoding="utf-8")
        ours = f"{RECIPE.files[0].edits[0].code}\n" if with_import else ""
        left = f"{text[:start].replace(ours, '', 1)}from training.stylegan_loss import StyleGAN2Loss\n"
        (clone / old).write_text(left, encoding="utf-8")

    return edit


def moved(old: str, new: str) -> Edit:
    def edit(clone: Path) -> None:
        (clone / new).parent.mkdir(exist_ok=True)
        (clone / old).rename(clone / new)

    return edit


def copied(old: str, new: str) -> Edit:
    return lambda clone: (clone / new).write_bytes((clone / old).read_bytes())


CRLF = both(*(every_line(file, lambda data: data.replace(b"\n", b"\r\n")) for file in (TRAIN, LOSS)))
TABS = both(
    *(
        every_line(file, lambda data: re.sub(rb"(?m)^(?: {4})+", lambda m: b"\t" * (len(m[0]) // 4), data))
        for file in (TRAIN, LOSS)
    )
)
BLANKS_AT_LINE_ENDS = both(
    *(every_line(file, lambda data: data.replace(b"\n", b"   \n")) for file in (TRAIN, LOSS))
)

# The same edit is made on the clone that never was patched: what comes back has to be exactly that.
TAKEN_OUT = {
    "nothing changed": both(),
    "lines added around ours": both(
        replaced(LOSS, "scores = ", "mine = 1\nscores = "),
        replaced(LOSS, GMAIN_BACKWARD, f"print(loss_Gmain)\n{GMAIN_BACKWARD}"),
        replaced(TRAIN, "if batch is not None:", "desc += '-mine'\nif batch is not None:"),
    ),
    "lines removed around ours": replaced(LOSS, "        self.pl_weight = pl_weight\n", ""),
    "Windows line ends": CRLF,
    "Windows line ends in one file": every_line(TRAIN, lambda data: data.replace(b"\n", b"\r\n")),
    "tabs": TABS,
    "blanks at line ends": BLANKS_AT_LINE_ENDS,
    "a byte order mark added": every_line(LOSS, lambda data: b"\xef\xbb\xbf" + data),
    "no final newline": every_line(TRAIN, lambda data: data.rstrip(b"\n")),
    "another parameter behind ours": replaced(LOSS, "):\n    super()", ", mine=1):\n    super()"),
    "another parameter before ours": replaced(LOSS, "pl_weight=2", "mine=1, pl_weight=2"),
    "another decorator": replaced(TRAIN, "def main(", "@click.option('--mine')\ndef main("),
    "a function renamed": every_line(
        LOSS, lambda data: data.replace(b"def accumulate_gradients(", b"def accumulate(")
    ),
    "a class renamed": replaced(LOSS, "class StyleGAN2Loss", "class BetterLoss"),
    "a file moved": moved(LOSS, "losses/stylegan.py"),
    "a function moved into a class": replaced(TRAIN, "def main(", "def main(self, "),
    "the last statement in its block removed": replaced(
        LOSS, "                training_stats.report('Loss/G/loss', loss_Gmain)\n", ""
    ),
    "the loss moved to a file of its own": class_moved(LOSS, "training/stylegan_loss.py", with_import=True),
    "black-like formatting": ruff("format"),
    "imports sorted": ruff("check", "--select", "I", "--fix"),
    "imports sorted and black-like formatting": both(ruff("check", "--select", "I", "--fix"), ruff("format")),
}
REFORMATTED = {name for name in TAKEN_OUT if "black" in name or "sorted" in name}


@pytest.mark.parametrize("name", TAKEN_OUT)
def test_taken_out(make_clone: MakeClone, tmp_path: Path, name: str) -> None:
    edit = TAKEN_OUT[name]
    clone = make_clone("stylegan2-ada")
    edit(clone)
    expected = contents(clone)
    clone.rename(tmp_path / "expected")

    clone = make_clone("stylegan2-ada")
    plan_apply(RECIPE, clone).write()
    edit(clone)
    assert status(RECIPE, clone).state == "applied"
    plan = plan_revert(RECIPE, clone)
    assert plan.notes == ()
    plan.write()

    if name in REFORMATTED:  # It may have broken or moved lines for ours: the same tree, then.
        for file in (TRAIN, LOSS):
            assert ast.dump(ast.parse(contents(clone)[file])) == ast.dump(ast.parse(expected[file]))
    else:
        assert contents(clone) == expected
    assert status(RECIPE, clone).state == "absent"


TAKEN_OUT_WITH_A_NOTE: dict[str, tuple[Edit, str]] = {
    "a comment inside ours": (
        replaced(
            LOSS,
            "loss_Gmain = loss_Gmain + loss_Gffl",
            "# mine\nloss_Gmain = loss_Gmain + loss_Gffl",
        ),
        "training/loss.py: a comment is removed with the patch's lines (line ",
    ),
    "a comment behind ours": (
        replaced(TRAIN, "ffl_options, UserError)", "ffl_options, UserError)  # mine"),
        "train.py: a comment is removed with the patch's lines (line ",
    ),
    "a piece deleted by hand": (
        replaced(TRAIN, "@ffl.options\n", ""),
        "train.py: `@ffl.options` was already gone",
    ),
    "the import deleted by hand": (
        replaced(TRAIN, "from ffl_plugin.integrations import stylegan2_ada as ffl\n", ""),
        "train.py: `from ffl_plugin.integrations import stylegan2_ada as ffl` was already gone",
    ),
    "a copy of the patched file": (
        copied(LOSS, "training/loss_backup.py"),
        "training/loss_backup.py contains a copy of the patch",
    ),
    "one file taken from upstream again": (
        lambda clone: (clone / TRAIN).write_bytes(b"print('mine')\n"),
        "train.py no longer contains the patch",
    ),
    "one file deleted": (
        lambda clone: (clone / TRAIN).unlink(),
        "train.py no longer contains the patch",
    ),
}


@pytest.mark.parametrize(("edit", "note"), TAKEN_OUT_WITH_A_NOTE.values(), ids=TAKEN_OUT_WITH_A_NOTE)
def test_taken_out_with_a_note(make_clone: MakeClone, edit: Edit, note: str) -> None:
    clone = make_clone("stylegan2-ada")
    before = contents(clone)
    plan_apply(RECIPE, clone).write()
    edit(clone)
    plan = plan_revert(RECIPE, clone)
    assert any(note in text for text in plan.notes), plan.notes
    plan.write()
    assert contents(clone)[LOSS] == before[LOSS]
    assert status(RECIPE, clone).state == ("applied" if "backup" in note else "absent") or "backup" in note


REFUSED = {
    "the loss moved to a file of its own, our import left behind": (
        class_moved(LOSS, "training/stylegan_loss.py", with_import=False),
        r"training/stylegan_loss.py:\d+: contains `ffl_options=None`.* training/loss.py",
    ),
    "an else added to ours": (
        replaced(
            LOSS,
            "loss_Gmain = loss_Gmain + loss_Gffl",
            """
                loss_Gmain = loss_Gmain + loss_Gffl
            else:
                pass
            """,
        ),
        r"training/loss.py:\d+: `if loss_Gffl is not None:` uses loss_Gffl",
    ),
    "another name imported with ours": (
        replaced(LOSS, "stylegan2_ada as ffl", "stylegan2_ada as ffl, spade"),
        r"training/loss.py:\d+: .* uses ffl",
    ),
    "our option passed on by hand": (
        replaced(TRAIN, "setup_training_loop_kwargs(**", "setup_training_loop_kwargs(ffl_options=None, **"),
        r"train.py:\d+: .* uses ffl_options",
    ),
    "our statement edited": (
        replaced(LOSS, "loss_Gmain = loss_Gmain + loss_Gffl", "loss_Gmain = loss_Gmain + 2 * loss_Gffl"),
        r"training/loss.py:\d+: `if loss_Gffl is not None:` uses loss_Gffl",
    ),
    "our flag's default edited": (
        replaced(LOSS, "ffl_options=None", "ffl_options={}"),
        r"training/loss.py:\d+: .* uses ffl_options",
    ),
    "our parameter annotated": (
        replaced(LOSS, "ffl_options=None", "ffl_options: dict = None"),
        r"training/loss.py:\d+: .* uses ffl_options",
    ),
    "our import renamed": (
        replaced(LOSS, "stylegan2_ada as ffl", "stylegan2_ada as focal"),
        r"training/loss.py:\d+: ",
    ),
    "our name used by the user's own code": (
        replaced(LOSS, GMAIN_BACKWARD, f"print(loss_Gffl)\n{GMAIN_BACKWARD}"),
        r"training/loss.py:\d+: `print\(loss_Gffl\)` uses loss_Gffl",
    ),
    "our module used by the user's own code": (
        replaced(TRAIN, "return desc, args", "print(ffl.options)\nreturn desc, args"),
        r"train.py:\d+: `print\(ffl.options\)` uses ffl",
    ),
    "our statement on a line with another": (
        replaced(
            LOSS,
            "self.ffl = ffl.GeneratorTerm(ffl_options)",
            "self.ffl = ffl.GeneratorTerm(ffl_options); x = 1",
        ),
        r"training/loss.py:\d+: .* shares its line with other code",
    ),
    "our statement alone in a branch of the user's": (
        replaced(
            LOSS,
            "self.ffl = ffl.GeneratorTerm(ffl_options)",
            """
            if D is not None:
                self.ffl = ffl.GeneratorTerm(ffl_options)
            """,
        ),
        r"training/loss.py:\d+: .* without the patch's lines",
    ),
    "our statement twice": (
        replaced(
            LOSS,
            "        self.ffl = ffl.GeneratorTerm(ffl_options)\n",
            "        self.ffl = ffl.GeneratorTerm(ffl_options)\n" * 2,
        ),
        r"training/loss.py: contains `self.ffl = ffl.GeneratorTerm.*` more than once \(lines 22 and 23\)",
    ),
    "a file that cannot be parsed any more": (
        replaced(LOSS, "import torch\n", "import torch\n=======\n"),
        "training/loss.py:4: cannot be parsed",
    ),
    "a read-only file": (lambda clone: (clone / LOSS).chmod(0o444), "training/loss.py: is read-only"),
}


@pytest.mark.parametrize(("edit", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make_clone: MakeClone, edit: Edit, message: str) -> None:
    clone = make_clone("stylegan2-ada")
    plan_apply(RECIPE, clone).write()
    edit(clone)
    before = contents(clone)
    with pytest.raises(PatchError, match=message):
        plan_revert(RECIPE, clone)
    assert contents(clone) == before


def test_two_families_in_one_clone_come_out_one_by_one(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    cycle = make_clone("cyclegan") / "models" / "cycle_gan_model.py"
    (clone / "models" / "cycle_gan_model.py").write_bytes(cycle.read_bytes())
    before = contents(clone)
    pix2pix, cyclegan = all_recipes()["pix2pix"], all_recipes()["cyclegan"]
    plan_apply(pix2pix, clone).write()
    only_pix2pix = contents(clone)
    plan_apply(cyclegan, clone).write()
    assert [status(recipe, clone).state for recipe in (pix2pix, cyclegan)] == ["applied", "applied"]
    plan_revert(cyclegan, clone).write()
    assert contents(clone) == only_pix2pix
    plan_revert(pix2pix, clone).write()
    assert contents(clone) == before


def test_the_copy_in_another_folder_is_not_confused_with_the_clone(
    make_clone: MakeClone, tmp_path: Path
) -> None:
    first, second = make_clone("stylegan2-ada"), tmp_path / "stylegan2-ada" / "old"
    text = contents(first)
    for name, data in text.items():
        path = second / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    plan_apply(RECIPE, second).write()
    patched = contents(second)
    plan_apply(RECIPE, first).write()
    plan = plan_revert(RECIPE, first)
    assert [change.name for change in plan.changes] == [TRAIN, LOSS]
    plan.write()
    assert contents(second) == patched
