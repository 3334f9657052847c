"""The engine is a room of its own: it knows Python only, is read in few modules, and parses nothing twice."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from clones import MakeClone
from test_patching_cli import run

import ffl_plugin
from ffl_plugin import patching
from ffl_plugin.patching.clone import Clone

PACKAGE = Path(str(ffl_plugin.__file__)).parent
ENGINE = Path(str(patching.__file__)).parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
# The class of all refusals, and the lock: the engine needs nothing else of the package.
BASE = ("errors", "files")


def imports_of(name: str) -> set[str]:
    """The modules that a module of the engine imports, of the package and of others."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ENGINE / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [each for each in names if (ENGINE / f"{each.rpartition('.')[2]}.py").exists()]
            found |= set(modules) if node.module == patching.__name__ else {str(node.module)}
    return found


def test_the_engine_imports_the_standard_library_and_itself() -> None:
    allowed = {f"ffl_plugin.{name}" for name in BASE}
    for path in ENGINE.glob("*.py"):
        for name in imports_of(path.stem) - allowed:
            ours = name.startswith(f"{patching.__name__}.")
            assert ours or name.partition(".")[0] in sys.stdlib_module_names, (path.name, name)


def test_to_follow_apply_one_reads_15_modules() -> None:
    read, unread = {"__init__"}, {"apply"}
    while unread:
        name = unread.pop()
        read.add(name)
        ours = {each.rpartition(".")[2] for each in imports_of(name) if each.startswith(patching.__name__)}
        unread |= ours - read
    assert len(read) <= 15, sorted(read)


def test_the_engine_knows_nothing_of_what_is_trained() -> None:
    known = re.compile(
        r"\b(loss\w*|backward|gan|generator|discriminator|conv\w*|focal|frequency|torch)\b", re.I
    )
    for path in ENGINE.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):  # code and messages; an example in a docstring may be of anything
            if ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None:
                del node.body[0]  # type: ignore[attr-defined]
        assert not known.search(ast.unparse(tree)), (path.name, known.search(ast.unparse(tree)))


def test_a_stranger_can_use_the_engine_alone(tmp_path: Path) -> None:
    package = tmp_path / "site" / "ffl_plugin"
    shutil.copytree(ENGINE, package / "patching")
    for name in BASE:
        shutil.copy(PACKAGE / f"{name}.py", package)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "clone").mkdir()
    script = tmp_path / "clone" / "serve.py"
    script.write_text("def serve(port):\n    print(port)\n", encoding="utf-8")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path / "site")!r})
from pathlib import Path
from ffl_plugin.patching import Clone, PatchError, Recipe, plan_apply, plan_revert, status
from ffl_plugin.patching.recipe import File, Import, Only, Statement, Version

def no_debugger(source, clone):
    if "breakpoint" in source.text:
        raise PatchError("stops in a debugger", file=source.name)

edits = (Import("import timing"), Statement("serve", "timing.start(port)", before=Only(("print(port)",))))
file = File("serve.py", ("serve",), edits, checks=(no_debugger,))
recipe = Recipe("timed", "someone/server", "", "", (file,), versions=(Version("0123abc", ()),))
root = Path({str(tmp_path / "clone")!r})
plan_apply(recipe, root).write()
assert status(recipe, root).state == "applied"
print((root / "serve.py").read_text())
plan_revert(recipe, root).write()
(root / "serve.py").write_text((root / "serve.py").read_text() + "    breakpoint()\\n")
try:
    plan_apply(recipe, root)
except PatchError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    patched = "import timing\ndef serve(port):\n    timing.start(port)\n    print(port)\n"
    told = "serve.py: stops in a debugger; compare it with someone/server 0123abc"
    assert done.stdout.startswith(f"{patched}\n{told}")


@pytest.mark.parametrize("command", ["apply stylegan2-ada", "apply auto", "status", "diff", "revert"])
def test_each_file_is_parsed_once_a_command(
    make_clone: MakeClone,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    clone = make_clone("torch2")
    if not command.startswith("apply"):
        run(capfd, "apply", "stylegan2-ada", clone, "--with", "torch2")
    files = [path.read_text(encoding="utf-8") for path in clone.rglob("*.py")]
    parsed: Counter[str] = Counter()
    parse = ast.parse

    def counting(text: str, *arguments: Any, **options: Any) -> ast.AST:
        parsed[text] += 1
        return parse(text, *arguments, **options)

    monkeypatch.setattr(ast, "parse", counting)
    assert run(capfd, *command.split(), clone)[0] == 0
    assert set(parsed) & set(files)
    assert [text for text, times in parsed.items() if times > 1 and len(text) > 200] == []


def test_only_files_with_the_definitions_are_parsed(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = make_clone("pix2pix")
    mentioned = "# Pix2PixModel.__init__ calls backward_G\nPix2PixModel(options).backward_G()\n"
    (clone / "mentions.py").write_text(mentioned, encoding="utf-8")
    spaced = "class  Pix2PixModel :\n    def\\\n  __init__(self): pass\n    def\tbackward_G(self): pass\n"
    (clone / "defines.py").write_text(spaced, encoding="utf-8")
    parsed: list[str] = []
    parse = ast.parse

    def recording(text: str) -> ast.Module:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(ast, "parse", recording)
    found = Clone(clone).defining(("Pix2PixModel.__init__", "Pix2PixModel.backward_G"))
    assert found == ["defines.py", "models/pix2pix_model.py"]
    assert mentioned not in parsed
