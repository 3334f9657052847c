"""The nine promises of the patch engine, each kept by every recipe on the look-alike of its upstream.

What needs more than a look-alike of each has a file of its own: faults of the disk `test_transaction.py`, undo
after edits `test_undo.py`, refusals `test_refusals.py` and `test_habits_refused.py`, real upstreams `tests/upstream`.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
import torch
from clones import FIXTURES, MakeClone, contents
from faults import Faults, restore, wholly
from forms import FORMS, with_tabs
from test_patching_cli import run
from training_steps import train_a_step

from ffl_plugin.integrations._monitor import GradientNorms, Observer
from ffl_plugin.integrations._share import Calibration
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, Recipe, plan_apply, plan_revert, rewrite, status
from ffl_plugin.patching.layout import Insertion
from ffl_plugin.patching.locate import find_decorator, find_statement
from ffl_plugin.patching.recipe import Decorator, Edit, File, Import, Only, Statement, Version
from ffl_plugin.patching.report import blob_id
from ffl_plugin.patching.rewrite import Span, add_edits, delete, remove_edits, spans_of
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.trace import Found, equal_except, trace

# 1. All or nothing over all files; modes and symlinks are kept.


@pytest.mark.parametrize("action", ["apply", "revert"])
def test_promise_1_all_or_nothing(
    recipe: Recipe, clone: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    plan = plan_apply(recipe, clone)
    if action == "revert":
        plan.write()
        plan = plan_revert(recipe, clone)
    old = contents(clone)
    faults = Faults(monkeypatch)
    faults.set(-1)
    plan.write()
    steps = faults.done.copy()
    restore(clone, old)
    last_of_each = {name: number for number, name in enumerate(steps)}
    first_of_each = {name: steps.index(name) for name in last_of_each}
    for step in sorted({*last_of_each.values(), *first_of_each.values()}):
        faults.set(step)
        refused = False
        try:
            plan.write()
        except PatchError:
            refused = True
        faults.set(-1)
        assert wholly(contents(clone), old, plan) == ("old" if refused else "new"), steps[step]
        restore(clone, old)


def test_promise_1_modes_and_symlinks_are_kept(recipe: Recipe, clone: Path) -> None:
    paths = [clone / file.path for file in recipe.files]
    for path in paths:
        path.chmod(0o755)
    moved = paths[0].rename(clone / "elsewhere.txt")
    paths[0].symlink_to(moved)
    for plan in (plan_apply, plan_revert):
        plan(recipe, clone).write()
        assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o755] * len(paths)
        assert paths[0].is_symlink() and paths[0].resolve() == moved


# 2. Exactly one match, or a refusal that says where, what and the next step.


def test_promise_2_exactly_one_match_or_a_refusal(recipe: Recipe, clone: Path) -> None:
    before = contents(clone)
    tried = 0
    for file in recipe.files:
        for edit in file.edits:
            for change in (_without_anchor, _with_anchor_twice):
                data = change(before[file.path], file, edit)
                if data is None:
                    continue
                tried += 1
                (clone / file.path).write_bytes(data)
                with pytest.raises(PatchError) as refusal:
                    plan_apply(recipe, clone)
                assert refusal.value.file == file.path
                assert f"compare it with {recipe.tested}, which the {recipe.name} recipe" in str(
                    refusal.value
                )
                if change is _with_anchor_twice:
                    assert re.search(r"lines \d+ and \d+", refusal.value.problem), refusal.value.problem
                (clone / file.path).write_bytes(before[file.path])
    assert tried >= 2 or recipe.companion_of


def _anchor(data: bytes, file: File, edit: Edit) -> tuple[int, int] | None:
    """First and last line of the one statement or decorator that an edit is put beside."""
    source = Source(data, file.path)
    if isinstance(edit, Decorator):
        decorator = find_decorator(source, edit.function, edit.after)
        return decorator.lineno, decorator.end_lineno or 0
    anchor = (edit.after or edit.before) if isinstance(edit, Statement) else None
    if not isinstance(edit, Statement) or not isinstance(anchor, Only):
        return None
    statement = find_statement(source, edit.function, anchor)
    return statement.lineno, statement.end_lineno or 0


def _without_anchor(data: bytes, file: File, edit: Edit) -> bytes | None:
    lines = _anchor(data, file, edit)
    if lines is None:
        return None
    text = data.splitlines(keepends=True)
    first = text[lines[0] - 1]
    left = b"" if first.lstrip().startswith(b"@") else re.match(rb"\s*", first)[0] + b"pass\n"  # type: ignore[index]
    return b"".join([*text[: lines[0] - 1], left, *text[lines[1] :]])


def _with_anchor_twice(data: bytes, file: File, edit: Edit) -> bytes | None:
    lines = _anchor(data, file, edit)
    if lines is None:
        return None
    text = data.splitlines(keepends=True)
    return b"".join([*text[: lines[1]], *text[lines[0] - 1 : lines[1]], *text[lines[1] :]])


# 3. Proof after each apply.


def test_promise_3_the_result_is_proved(recipe: Recipe, clone: Path) -> None:
    for file, change in zip(recipe.files, plan_apply(recipe, clone).changes):
        source = Source(change.new, file.path)
        found = trace(source, file.edits)
        assert found.applied  # each edit is there, once
        assert delete(change.new, spans_of(source, found.nodes)) == change.old
        assert equal_except(source.tree, ast.parse(change.old), found.nodes)
        lines = iter(
            re.sub(rb"(, )?ffl_options=None(, )?", lambda m: (m[1] and m[2]) or b"", change.new).splitlines()
        )
        assert [
            line for line in change.old.splitlines() if line not in lines
        ] == []  # nothing but lines added


@pytest.mark.parametrize("defect", ["a line too many", "an edit too few", "an edit twice"])
def test_promise_3_what_cannot_be_proved_is_not_written(
    recipe: Recipe, clone: Path, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    real = rewrite.insertions_for

    def defective(source: Source, edit: Edit) -> list[Insertion]:
        if not isinstance(edit, Import):
            return real(source, edit)
        extra = Insertion(len(source.data), b"\nmine = 1\n")
        return {
            "a line too many": [*real(source, edit), extra],
            "an edit too few": [],
            "an edit twice": real(source, edit) * 2,
        }[defect]

    monkeypatch.setattr(rewrite, "insertions_for", defective)
    before = contents(clone)
    with pytest.raises(PatchError, match="a bug in ffl-patch"):
        plan_apply(recipe, clone)
    assert contents(clone) == before


def test_promise_3_a_revert_that_would_take_more_is_not_written(
    recipe: Recipe, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clone / recipe.files[0].path
    path.write_bytes(path.read_bytes() + b"mine = 1\n")
    plan_apply(recipe, clone).write()
    before = contents(clone)

    def too_much(source: Source, found: Sequence[Found]) -> list[Span]:
        more = [Span(len(source.data) - len(b"mine = 1\n"), len(source.data))]
        return [*spans_of(source, found), *(more if source.data.endswith(b"mine = 1\n") else [])]

    monkeypatch.setattr(rewrite, "spans_of", too_much)
    with pytest.raises(PatchError, match=r"change other code: .* bug in ffl-patch"):
        plan_revert(recipe, clone)
    assert contents(clone) == before


OLD = "def f(a, *, b=1):\n    return -0.0, 'x', a\n\n\nf(2, b=3)\n"


@pytest.mark.parametrize(
    "change",
    [("a, *", "a, /, *"), ("b=1", "b=2"), ("b=1", "b=True"), ("'x'", "b'x'"), ("0.0", "0"), (", a", ""),
     ("f(2", "g(2"), ("\nf(2, b=3)\n", "\n"), ("f(2, b=3)\n", "f(2, b=3)\nf(2, b=3)\n"), ("def", "async def")],
    ids=str,
)  # fmt: skip
def test_promise_3_any_other_difference_is_seen(change: tuple[str, str]) -> None:
    old = ast.parse(OLD)
    assert equal_except(old, ast.parse(OLD), []) and change[0] in OLD
    assert not equal_except(old, ast.parse(OLD.replace(*change)), [])
    call = Found(Import("import mine"), old.body[1])
    assert equal_except(old, ast.parse(OLD.replace("\nf(2, b=3)\n", "\n")), [call])
    assert not equal_except(old, ast.parse(OLD), [call])


# 4. Bytes kept.


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_promise_4_bytes_are_kept(recipe: Recipe, form: Callable[[bytes], bytes]) -> None:
    for file in recipe.files:
        old = form((FIXTURES / recipe.name / file.path).read_bytes())
        ast.parse(old)
        new = add_edits(Source(old, file.path), file.edits)
        ast.parse(new)
        known = set(old.splitlines(keepends=True))
        added = [line for line in new.splitlines(keepends=True) if line not in known]
        assert added
        assert _line_ends(b"".join(added)) <= _line_ends(old)
        assert old.startswith(b"\xef\xbb\xbf") == new.startswith(b"\xef\xbb\xbf")
        assert old.endswith((b"\n", b"\r")) == new.endswith((b"\n", b"\r"))
        if form is with_tabs:
            assert not any(line.startswith(b" ") for line in added)
        assert remove_edits(Source(new, file.path), file.edits) == old


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"# a comment", b"#!/usr/bin/env python\r\n# coding: utf-8\r\n", b"\xef\xbb\xbf", b"\n \n"],
)
def test_promise_4_bytes_are_kept_of_a_file_without_statements(data: bytes) -> None:
    edits = (Import("from ffl_plugin.integrations import torch2 as ffl"),)
    new = add_edits(Source(data, "dnnlib/__init__.py"), edits)
    assert [type(node) for node in ast.parse(new).body] == [ast.ImportFrom]
    assert remove_edits(Source(new, "dnnlib/__init__.py"), edits) == data


def _line_ends(data: bytes) -> set[bytes]:
    return set(re.findall(rb"\r\n|\r|\n", data))


# 5. Apply twice is apply once; partly applied, or an FFL of the user's own: refused.


def test_promise_5_apply_twice_is_apply_once(recipe: Recipe, clone: Path) -> None:
    plan_apply(recipe, clone).write()
    once = contents(clone)
    again = plan_apply(recipe, clone)
    assert again.changes == ()
    again.write()
    assert contents(clone) == once


def test_promise_5_partly_applied_is_refused_and_the_rest_can_be_reverted(
    recipe: Recipe, clone: Path
) -> None:
    if sum(len(file.edits) for file in recipe.files) == 1:
        pytest.skip("its only edit is there or not")
    recipe = replace(recipe, earlier=())  # without one of its pieces it may be an earlier revision
    before = contents(clone)
    pieces = [(file.path, edit) for file in recipe.files for edit in file.edits]
    for name, edit in pieces[:: 1 + len(pieces) // 10]:
        plan_apply(recipe, clone).write()
        path = clone / name
        source = Source(path.read_bytes(), name)
        path.write_bytes(delete(source.data, spans_of(source, trace(source, (edit,)).nodes)))
        broken = contents(clone)
        assert status(recipe, clone).state == "partly applied"
        with pytest.raises(PatchError, match=f"partly applied: {len(pieces) - 1} of {len(pieces)} edits"):
            plan_apply(recipe, clone)
        assert contents(clone) == broken
        plan = plan_revert(recipe, clone)
        assert [note for note in plan.notes if "already gone" in note or "no longer contains" in note]
        plan.write()
        assert contents(clone) == before


def test_promise_5_an_ffl_of_the_users_own_is_refused(recipe: Recipe, clone: Path) -> None:
    if recipe.companion_of:
        pytest.skip("a companion adds no loss, and goes beside one")
    for file in recipe.files:
        path = clone / file.path
        text = path.read_bytes()
        path.write_bytes(text + b"\nfrom focal_frequency_loss import FocalFrequencyLoss\n")
        with pytest.raises(PatchError, match=f"{file.path}:.* already has a focal frequency loss of its own"):
            plan_apply(recipe, clone)
        path.write_bytes(text)


# 6. Undo is semantic.

EDITS: dict[str, Callable[[bytes], bytes]] = {
    **{name: FORMS[name] for name in ("with_bom", "with_crlf", "with_tabs", "without_final_newline")},
    "lines around": lambda data: re.sub(rb"(?m)^( *)(def|class) ", rb"\1# mine\n\1\2 ", data) + b"mine = 1\n",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_promise_6_undo_after_the_users_edits(
    recipe: Recipe, clone: Path, edit: Callable[[bytes], bytes]
) -> None:
    expected = {name: edit(data) for name, data in contents(clone).items()}
    plan_apply(recipe, clone).write()
    for file in recipe.files:
        path = clone / file.path
        path.write_bytes(edit(path.read_bytes()))
    assert status(recipe, clone).state == "applied"
    plan_revert(recipe, clone).write()
    for file in recipe.files:
        assert (clone / file.path).read_bytes() == expected[file.path]
    assert status(recipe, clone).state == "absent"


def test_promise_6_undo_refuses_naming_the_piece_that_was_edited(recipe: Recipe, clone: Path) -> None:
    plan_apply(recipe, clone).write()
    path = clone / recipe.files[0].path
    path.write_bytes(
        path.read_bytes()
        .replace(b" as ffl\n", b" as mine\n")
        .replace(b"import torch2\n", b"import torch2 as t\n")
    )
    edited = contents(clone)
    if path.read_bytes() == plan_apply(recipe, _fresh(recipe, clone)).changes[0].new:
        pytest.skip("no alias to rename in its first file")
    with pytest.raises(PatchError) as refusal:
        plan_revert(recipe, clone)
    assert refusal.value.file == recipe.files[0].path and refusal.value.line
    assert contents(clone) == edited


def _fresh(recipe: Recipe, clone: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / recipe.name, clone.parent / "fresh", dirs_exist_ok=True))


# 7. Dry run, diff, status, JSON.


def test_promise_7_a_dry_run_writes_nothing_and_its_diff_is_the_patch(
    recipe: Recipe, clone: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = contents(clone)
    diff = plan_apply(recipe, clone).diff()
    assert run(capfd, "apply", recipe.name, clone, "--dry-run")[0] == 0
    assert contents(clone) == before
    subprocess.run(["git", "apply", "-"], input=diff, cwd=clone, check=True)
    assert status(recipe, clone).state == "applied"


def test_promise_7_status_knows_the_version_and_every_edit(recipe: Recipe, clone: Path) -> None:
    known = tuple((file.path, blob_id((clone / file.path).read_bytes())) for file in recipe.files)
    version = Version("1234567", known)
    recipe = replace(recipe, versions=(version,))
    assert {(file.version, edit.state) for file in status(recipe, clone).files for edit in file.edits} == {
        (version, "absent")
    }
    plan_apply(recipe, clone).write()
    found = status(recipe, clone)
    assert {(file.version, edit.state) for file in found.files for edit in file.edits} == {
        (version, "applied")
    }
    assert all(edit.line for file in found.files for edit in file.edits)
    path = clone / recipe.files[0].path
    path.write_bytes(path.read_bytes() + b"mine = 1\n")
    versions = {file.path: file.version for file in status(recipe, clone).files}
    assert versions.pop(recipe.files[0].path) is None  # drifted
    assert set(versions.values()) <= {version}


def test_promise_7_status_knows_the_version_beneath_a_companion(make_clone: MakeClone) -> None:
    clone, recipes = make_clone("torch2"), all_recipes()
    ada, torch2 = recipes["stylegan2-ada"], recipes["torch2"]
    known = tuple((file.path, blob_id((clone / file.path).read_bytes())) for file in ada.files)
    version = Version("1234567", known)
    ada = replace(ada, versions=(version,))
    plan_apply(ada, clone).write()
    plan_apply(torch2, clone).write()  # edits train.py too
    versions = {file.path: file.version for file in status(ada, clone, [ada, torch2]).files}
    assert versions == dict.fromkeys(versions, version)
    assert {file.version for file in status(ada, clone).files} == {version, None}


def test_promise_7_json_is_alone_on_standard_output(
    recipe: Recipe, clone: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = [file.path for file in recipe.files]
    for command, outcome in (("apply", "applied"), ("apply", "already applied"), ("revert", "reverted")):
        code, out, err = run(capfd, command, recipe.name, clone, "--json")
        report: dict[str, Any] = json.loads(out)
        assert (code, err, report["outcome"]) == (0, "", outcome)
        assert report["files"] == ([] if outcome == "already applied" else files)


# 8. Exit codes.


def test_promise_8_exit_codes(
    recipe: Recipe, clone: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = recipe.name
    (clone.parent / "empty").mkdir()
    monkeypatch.chdir(clone.parent / "empty")
    for arguments, code in (
        (["status", name, clone, "--check"], 3),  # not applied
        (["revert", name, clone], 0),  # already so
        (["apply", name, clone], 0),
        (["apply", name, clone], 0),  # already so
        (["status", name, clone, "--check"], 0),
        (["apply", name, clone / "nowhere"], 1),  # refused
        (["apply", name], 1),  # the current folder is no clone of the family
        (["apply", name, clone, "--no-such-flag"], 2),  # usage
        (["apply", f"{name}9", clone], 2),
        (["revert", name, clone], 0),
    ):
        assert run(capfd, *arguments)[0] == code, arguments


# 9. Weight 0, or no flag: training is bitwise what it was.


@contextlib.contextmanager
def measured_steps() -> Iterator[list[GradientNorms]]:
    """Collect what the calibration of a share measures."""
    measured: list[GradientNorms] = []
    measure = Calibration.measure

    def measure_and_collect(*arguments: Any) -> Observer:
        observe = measure(*arguments)

        def both(norms: GradientNorms) -> None:
            observe(norms)
            measured.append(norms)

        return both

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Calibration, "measure", measure_and_collect)
        yield measured


def test_promise_9_weight_0_is_bitwise_what_it_was(
    recipe: Recipe, clone: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if recipe.companion_of:
        pytest.skip("a companion has no weight")
    upstream = train_a_step(clone, [])
    plan_apply(recipe, clone).write()
    for flags in ([], ["--ffl-weight=0"], ["--ffl-weight=0", "--ffl-alpha=2"]):
        step = train_a_step(clone, flags)
        assert all(map(torch.equal, step.gradients, upstream.gradients))
        assert step.shown == upstream.shown
    with measured_steps() as measured:
        step = train_a_step(clone, ["--ffl-share=0.1"])  # the first of a calibration
    assert all(map(torch.equal, step.gradients, upstream.gradients))
    assert measured and all(norms.rest >= 0 and norms.factor > 0 for norms in measured)
    once, thrice = train_a_step(clone, ["--ffl-weight=10"]), train_a_step(clone, ["--ffl-weight=30"])
    assert len(once.shown) > len(upstream.shown)
    for plain, single, triple in zip(upstream.gradients, once.gradients, thrice.gradients):
        difference = single - plain
        torch.testing.assert_close(
            triple - plain, 3 * difference, rtol=1e-3, atol=1e-4 * float(difference.norm())
        )
        assert difference.norm() > 0
