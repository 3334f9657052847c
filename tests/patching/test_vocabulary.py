"""What the words of a recipe find: code at module level, statements in loops, the last above another."""

from __future__ import annotations

from pathlib import Path

import pytest
from pieces import put

from ffl_plugin.patching import PatchError, Recipe, plan_apply, plan_revert, status
from ffl_plugin.patching.recipe import Anchor, File, Import, Last, Only, Statement, Version
from ffl_plugin.patching.rewrite import add_edits, remove_edits
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.trace import parse_edit

SCRIPT = """\
import torch

options = parse()
if options.resume:
    start = load()

for epoch in range(9):
    warm = epoch < 1
    for data in loader:
        fake = netG(data)
        loss = netD(fake)
        if warm:
            loss = loss * 2
        loss.backward()
        if epoch % 2:
            loss_ema = ema(fake)
            loss_ema.backward()
    save(epoch)
"""

MAIN = """\
def main():
    pass


if __name__ == "__main__":
    parser = Parser()
    parser.add("x")
    args = parser.parse()
    while True:
        main(args)
"""

STEPS = """\
def train(loader):
    for real in loader:
        fake, _ = generator(noise)
        d_loss = judge(fake)
        d_loss.backward()
        fake, _ = generator(noise)
        if args.augment:
            fake, _ = augment(fake)
        g_loss = judge(fake)
        g_loss.backward()
        if args.regularize:
            fake, path = generator(noise)
            path_loss = lengths(path)
            path_loss.backward()
"""

LOSS = "loss = ..."
LAST_FAKE = ("fake, ... = generator(...)",)

PLACES: dict[str, tuple[str, str, Anchor, str]] = {
    "a module's own code": (SCRIPT, "", Only(("options = ...",)), "options = parse()\n+\nif options"),
    "an if of a module": (
        SCRIPT,
        "",
        Only(("if options.resume: ...",)),
        "    start = load()\n\n+\n\nfor epoch",
    ),
    "the outer loop as one statement": (SCRIPT, "", Last((LOSS,)), "    save(epoch)\n+\n"),
    "the outer loop's own code": (
        SCRIPT,
        "",
        Only(("warm = ...",), branch="warm = ..."),
        "    warm = epoch < 1\n    +\n    for data",
    ),
    "the inner loop": (
        SCRIPT,
        "",
        Only(("loss.backward()",), branch=LOSS),
        "        loss.backward()\n        +\n        if epoch",
    ),
    "the last in the inner loop, in an if": (
        SCRIPT,
        "",
        Last((LOSS,), branch=LOSS),
        "            loss = loss * 2\n        +\n        loss.backward()",
    ),
    "an if of the inner loop": (
        SCRIPT,
        "",
        Only(("loss_ema = ...",), branch="loss_ema = ..."),
        "            loss_ema = ema(fake)\n            +\n            loss_ema.backward()",
    ),
    "below if main": (MAIN, "", Only(("args = ...",)), "    args = parser.parse()\n    +\n    while"),
    "the last below if main": (MAIN, "", Last(("parser.add(...)",)), '    parser.add("x")\n    +\n    args'),
    "a loop below if main": (
        MAIN,
        "",
        Only(("main(...)",), branch="main(...)"),
        "        main(args)\n        +\n",
    ),
    "the last above the only": (
        STEPS,
        "train",
        Last(LAST_FAKE, branch="g_loss = ...", above=Only(("g_loss = ...",))),
        "        fake, _ = generator(noise)\n        +\n        if args.augment",
    ),
    "the last above an earlier one": (
        STEPS,
        "train",
        Last(LAST_FAKE, branch="g_loss = ...", above=Only(("d_loss.backward()",))),
        "        fake, _ = generator(noise)\n        +\n        d_loss = judge",
    ),
    "an if above counts as one": (
        STEPS,
        "train",
        Last(("fake, ... = ...",), branch="g_loss = ...", above=Only(("g_loss = ...",))),
        "            fake, _ = augment(fake)\n        +\n        g_loss",
    ),
}


@pytest.mark.parametrize(("text", "function", "anchor", "around"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("unit", ["    ", "\t", "  "], ids=["spaces", "tabs", "two spaces"])
def test_a_statement_goes_to_its_place(
    text: str, function: str, anchor: Anchor, around: str, unit: str
) -> None:
    source = Source(text.replace("    ", unit).encode(), "train.py")
    edits = (Statement(function, "mine.call()", after=anchor),)
    new = add_edits(source, edits)
    assert around.replace("+", "mine.call()").replace("    ", unit) in new.decode()
    assert remove_edits(Source(new, "train.py"), edits) == source.data


def test_a_block_takes_the_indentation_of_the_module() -> None:
    edits = (Statement("", "if mine:\n    mine()", before=Only(("options = ...",))),)
    tabs = SCRIPT.replace("    ", "\t").encode()
    assert b"import torch\n\nif mine:\n\tmine()\noptions" in add_edits(Source(tabs, "train.py"), edits)


REFUSED: dict[str, tuple[str, str, Anchor, str]] = {
    "a statement in a loop, without a branch": (
        SCRIPT,
        "",
        Only(("loss.backward()",)),
        r"train.py:14: `loss.backward\(\)` in .* runs in one branch only",
    ),
    "two in the loop": (
        SCRIPT,
        "",
        Only((LOSS,), branch=LOSS),
        r"`loss = ...`.* found 2 \(lines 11 and 13\)",
    ),
    "a branch in two places": (
        SCRIPT + "loss = 0\n",
        "",
        Only(("loss.backward()",), branch=LOSS),
        r"branch with `loss = ...`.* found 2 \(lines 11 and 19\)",
    ),
    "an empty module": ("# nothing\n", "", Only((LOSS,)), "there is no statement"),
    "nothing of the kind": (MAIN, "", Only((LOSS,)), "there is no `loss = ...`"),
    "above what is not there": (
        STEPS,
        "train",
        Last(LAST_FAKE, branch="g_loss = ...", above=Only(("e_loss = ...",))),
        r"train.py:3: there is no `e_loss = ...` in train",
    ),
    "above the first": (
        STEPS,
        "train",
        Last(("g_loss = ...",), branch="g_loss = ...", above=Only(("d_loss = ...",))),
        r"train.py:3: there is no `g_loss = ...` in train above line 4",
    ),
    "above one of two": (
        put(STEPS, "g_loss = judge(fake)", "g_loss = 0\ng_loss = judge(fake)"),
        "train",
        Last(LAST_FAKE, branch="g_loss = ...", above=Only(("g_loss = ...",))),
        r"`g_loss = ...`.* found 2 \(lines 9 and 10\)",
    ),
    "behind an endless loop's break": (
        "while True:\n    break\n    loss = 1\n",
        "",
        Only((LOSS,), branch=LOSS),
        "train.py:3: `loss = 1` .* because of line 2",
    ),
}


@pytest.mark.parametrize(("text", "function", "anchor", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(text: str, function: str, anchor: Anchor, message: str) -> None:
    with pytest.raises(PatchError, match=message):
        add_edits(Source(text.encode(), "train.py"), (Statement(function, "mine.call()", after=anchor),))


def test_what_parses_but_would_not_compile_is_refused() -> None:
    edits = (Statement("main", "mine.call(a=1, a=2)", after=Only(("pass",))),)
    with pytest.raises(PatchError, match=r"train.py: .* would not compile \(keyword argument repeated"):
        add_edits(Source(MAIN.encode(), "train.py"), edits)


def test_a_file_that_did_not_compile_before_is_patched() -> None:
    broken = f"{MAIN}    main(x=1, x=1)\n"
    assert b"mine.call()" in add_edits(
        Source(broken.encode(), "train.py"), (Statement("main", "mine.call()", after=Only(("pass",))),)
    )


BASE = """\
class Base:
    def __init__(self):
        self.parser = Parser()
"""
OPTIONS = """\
{}

class Options({}):
    def initialize(self):
        self.parser.add('x')
"""

INHERITED = {
    "a relative import": ("from .base import Base", "Base", {"options/base.py": BASE}),
    "an absolute import": ("from options.base import Base", "Base", {"options/base.py": BASE}),
    "a module": ("from options import base", "base.Base", {"options/base.py": BASE}),
    "a module with its path": ("import options.base", "options.base.Base", {"options/base.py": BASE}),
    "an alias": ("from . import base as b", "b.Base", {"options/base.py": BASE}),
    "another name": ("from .base import Base as Above", "Above", {"options/base.py": BASE}),
    "a star": ("from .base import *", "Base", {"options/base.py": BASE}),
    "a folder above": ("from ..base import Base", "Base", {"base.py": BASE}),
    "a package that imports it again": (
        "from shared import Base",
        "Base",
        {"shared/__init__.py": "from .base import Base\n", "shared/base.py": BASE},
    ),
    "two classes up": (
        "from .middle import Middle",
        "Middle",
        {
            "options/middle.py": "from .base import Base\n\n\nclass Middle(Base):\n    pass\n",
            "options/base.py": BASE,
        },
    ),
    "the second of two": (
        "import abc\nfrom .base import Base",
        "abc.ABC, Base",
        {"options/base.py": BASE},
    ),
    "the same file": (BASE, "Base", {}),
}

NOT_INHERITED = {
    "another package's class": ("from argparse import Namespace", "Namespace", {}),
    "a class that binds something else": (
        "from .base import Base",
        "Base",
        {"options/base.py": BASE.replace("self.parser", "self.reader")},
    ),
    "another class of that file": (
        "from .base import Other",
        "Other",
        {"options/base.py": BASE + "\n\nclass Other:\n    pass\n"},
    ),
    "files that import each other": (
        "from .base import *",
        "Base",
        {"options/base.py": "from .options import *\n"},
    ),
}


def recipe() -> Recipe:
    statement = Statement(
        "Options.initialize", "mine.add(self.parser)", after=Only(("self.parser.add(...)",))
    )
    file = File("options/options.py", ("Options.initialize",), (Import("import mine"), statement))
    return Recipe("small", "someone/small", "", "", (file,), versions=(Version("0123abc", ()),))


def written(clone: Path, imported: str, bases: str, files: dict[str, str]) -> None:
    for name, text in {"options/options.py": OPTIONS.format(imported, bases), **files}.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("imported", "bases", "files"), INHERITED.values(), ids=INHERITED)
def test_an_inherited_attribute_is_bound(
    tmp_path: Path, imported: str, bases: str, files: dict[str, str]
) -> None:
    written(tmp_path, imported, bases, files)
    plan_apply(recipe(), tmp_path).write()
    assert status(recipe(), tmp_path).state == "applied"
    plan_revert(recipe(), tmp_path).write()
    text = (tmp_path / "options" / "options.py").read_text(encoding="utf-8")
    assert text == OPTIONS.format(imported, bases)


@pytest.mark.parametrize(("imported", "bases", "files"), NOT_INHERITED.values(), ids=NOT_INHERITED)
def test_what_no_class_binds_is_refused(
    tmp_path: Path, imported: str, bases: str, files: dict[str, str]
) -> None:
    written(tmp_path, imported, bases, files)
    with pytest.raises(PatchError, match=r"options.py:\d+: Options does not bind self.parser, which the"):
        plan_apply(recipe(), tmp_path)


def test_a_base_class_in_a_file_that_cannot_be_parsed_is_refused_there(tmp_path: Path) -> None:
    """Such as with the marks of a merge that were committed; the class itself may well bind the attribute."""
    broken = f"{BASE}<<<<<<< HEAD\n=======\n>>>>>>> theirs\n"
    written(tmp_path, "from .base import Base", "Base", {"options/base.py": broken})
    with pytest.raises(PatchError, match="has a merge conflict") as refused:
        plan_apply(recipe(), tmp_path)
    assert (refused.value.file, refused.value.line) == ("options/base.py", len(broken.splitlines()) - 2)


def test_an_edit_of_two_statements_is_named() -> None:
    with pytest.raises(ValueError, match=r"one statement, .* has 2"):
        parse_edit(Statement("f", "a = 1\nb = 2"))
