"""Promise 1: whatever fails, and wherever, the clone is wholly old or wholly new, or the next run makes it so."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from clones import MakeClone, contents
from faults import Faults, Killed, restore, wholly, without_leftovers
from test_revisions import second_revision

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import (
    PatchError,
    Plan,
    Recipe,
    disk,
    plan_apply,
    plan_revert,
    plan_upgrade,
    status,
    transaction,
)

RECIPE = all_recipes()["stylegan2-ada"]


ACTIONS = ("apply", "revert", "upgrade")


def plan_for(action: str, clone: Path) -> Plan:
    if action == "apply":
        return plan_apply(RECIPE, clone)
    plan_apply(RECIPE, clone).write()
    return plan_revert(RECIPE, clone) if action == "revert" else plan_upgrade(second_revision(), clone)


@pytest.mark.parametrize("for_ever", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_full_disk_at_every_step(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch, action: str, for_ever: bool, tmp_path: Path
) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_for(action, clone)
    old = contents(clone)
    faults = Faults(monkeypatch)
    steps = _count(plan, clone, old, faults)
    outcomes = set()
    for step in range(steps):
        faults.set(step, for_ever=for_ever)
        said = ""
        try:
            plan.write()
        except PatchError as error:
            said = str(error)
            assert "the disk failed" in said or "cannot write" in said
        faults.set(-1)
        outcome = wholly(contents(clone), old, plan)
        outcomes.add(outcome)
        note = transaction.recover(clone)
        after = wholly(contents(clone), old, plan)
        if "it recovers first" in said:  # Nothing could be put back either: the next run says what it is.
            assert after == ("new" if "had written everything" in str(note) else "old"), (step, note)
        else:
            assert outcome == after == ("old" if said else "new"), (step, said, note)
        assert without_leftovers(contents(clone)) == contents(clone), (step, "leftovers")
        restore(clone, old)
    assert {"old", "new"} <= outcomes
    assert for_ever or "mixed" not in outcomes


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_every_step(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch, action: str, after: bool
) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_for(action, clone)
    old = contents(clone)
    faults = Faults(monkeypatch)
    steps = _count(plan, clone, old, faults)
    mixed = 0
    for step in range(steps):
        faults.set(step, killed=True, after=after)
        with pytest.raises(Killed):
            plan.write()
        faults.set(-1)
        left = contents(clone)
        if wholly(left, old, plan) == "mixed":
            mixed += 1
            assert "1 of 2 files written" in str(transaction.interrupted(clone))
            assert contents(clone) == left
        if disk.has_journal(clone):
            assert transaction.recover(clone)
        else:
            assert without_leftovers(left) == left, (step, "leftovers that no journal knows of")
        assert wholly(contents(clone), old, plan) in ("old", "new"), step
        assert without_leftovers(contents(clone)) == contents(clone), (step, "leftovers")
        assert transaction.interrupted(clone) is None
        restore(clone, old)
    assert mixed > 0


def plan_again(action: str, clone: Path) -> Plan:
    if action == "apply":
        return plan_apply(RECIPE, clone)
    return plan_revert(RECIPE, clone) if action == "revert" else plan_upgrade(second_revision(), clone)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_killed_run_is_planned_on_as_if_it_had_not_been(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_for(action, clone)
    old = contents(clone)
    faults = Faults(monkeypatch)
    _count(plan, clone, old, faults)
    steps = faults.done.copy()
    mixed = 0
    for step in sorted({*map(steps.index, steps), *dict(map(reversed, enumerate(steps))).values()}):
        faults.set(step, killed=True, after=True)
        with pytest.raises(Killed):
            plan.write()
        faults.set(-1)
        left = contents(clone)
        mixed += wholly(left, old, plan) == "mixed"
        known = disk.has_journal(clone)
        found = status(RECIPE, clone)
        again = plan_again(action, clone)
        for notes in (found.notes, again.notes):
            assert [note for note in notes if "was interrupted" in note] == [*notes[:known]], steps[step]
        assert [change.new for change in again.changes] in ([], [change.new for change in plan.changes])
        assert contents(clone) == left  # Nothing was written but by the run that died.
        again.write()
        assert wholly(contents(clone), old, plan) == "new"
        assert without_leftovers(contents(clone)) == contents(clone), steps[step]
        assert plan_again(action, clone).notes == ()
        restore(clone, old)
    assert mixed


def test_a_plan_from_before_a_killed_run_is_written_after_it(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = make_clone("stylegan2-ada")
    plan, before = plan_apply(RECIPE, clone), contents(clone)
    faults = Faults(monkeypatch)
    faults.set(_index_of_second_replace(plan, clone, before, faults), killed=True)
    with pytest.raises(Killed):
        plan.write()
    faults.set(-1)
    plan.write()
    assert wholly(contents(clone), before, plan) == "new"
    assert without_leftovers(contents(clone)) == contents(clone)


def test_nothing_is_planned_on_a_file_that_was_edited_after_a_killed_run(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    _die_between_two_renames(clone)
    (clone / "train.py").write_text("# begun again\n", encoding="utf-8")
    left = contents(clone)
    for action in (plan_apply, plan_revert, status):
        with pytest.raises(PatchError, match=r"train.py: has changed since .* restore it, or delete") as told:
            action(RECIPE, clone)
        assert told.value.file == "train.py"
    assert contents(clone) == left
    (clone / disk.JOURNAL).unlink()
    assert status(RECIPE, clone).state == "absent"


def _count(plan: Plan, clone: Path, old: dict[str, bytes], faults: Faults) -> int:
    faults.set(-1)
    plan.write()
    steps = len(faults.done)
    assert wholly(contents(clone), old, plan) == "new"
    restore(clone, old)
    assert steps > 12
    return steps


def _die_between_two_renames(clone: Path, action: str = "apply") -> None:
    """A real process that really dies."""
    script = (
        f"import os, sys\nfrom pathlib import Path\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from ffl_plugin.patching import disk\nfrom test_transaction import plan_for\n"
        "plan = plan_for(sys.argv[2], Path(sys.argv[1]))\n"
        "def replace(*arguments, step=disk.replace):\n    step(*arguments)\n    os._exit(9)\n"
        "disk.replace = replace\nplan.write()\n"
    )
    assert subprocess.run([sys.executable, "-c", script, clone, action]).returncode == 9


def ffl_patch(*arguments: object) -> subprocess.CompletedProcess[str]:
    script = "from ffl_plugin.cli import main; main()"
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_next_command_says_and_mends_what_a_dead_process_left(make_clone: MakeClone, action: str) -> None:
    clone = make_clone("stylegan2-ada")
    pristine = contents(clone)
    patched = {**pristine, **{change.name: change.new for change in plan_apply(RECIPE, clone).changes}}
    _die_between_two_renames(clone, action)
    left = contents(clone)
    assert without_leftovers(left) not in (pristine, patched)
    for reading in (["status", clone], ["apply", "stylegan2-ada", clone, "--dry-run"], ["diff", clone]):
        assert "interrupted, with 1 of 2 files written" in ffl_patch(*reading).stderr, reading
    assert contents(clone) == left
    done = ffl_patch("apply", "stylegan2-ada", clone)
    assert done.returncode == 0 and "apply and revert restore the old ones first" in done.stderr
    assert contents(clone) == patched
    assert ffl_patch("revert", clone).returncode == 0
    assert contents(clone) == pristine


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), Killed()], ids=["full", "killed"]
)
@pytest.mark.parametrize("action", ACTIONS)
def test_half_a_file_is_never_a_file_of_the_clone(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch, action: str, error: BaseException
) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_for(action, clone)
    old = contents(clone)

    def half(path: Path, data: bytes, like: Path) -> None:
        path.write_bytes(data[: len(data) // 2])
        raise error

    monkeypatch.setattr(disk, "write_new", half)
    with pytest.raises((PatchError, Killed)):
        plan.write()
    monkeypatch.undo()
    transaction.recover(clone)
    assert contents(clone) == old


def test_a_read_only_file_in_the_middle_stops_all(recipe: Recipe, clone: Path) -> None:
    middle = recipe.files[len(recipe.files) // 2].path
    for plan in (plan_apply, plan_revert):
        before = contents(clone)
        (clone / middle).chmod(0o444)
        with pytest.raises(PatchError, match=f"{middle}: is read-only; make it writable first"):
            plan(recipe, clone)
        assert contents(clone) == before
        (clone / middle).chmod(0o644)
        plan(recipe, clone).write()


def test_what_the_user_has_written_since_is_not_overwritten(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    _die_between_two_renames(clone)
    train = clone / "train.py"
    train.write_text("# begun again\n", encoding="utf-8")
    left = contents(clone)
    with pytest.raises(
        PatchError, match=r"train.py: has changed since .* its text from before that run is in"
    ):
        transaction.recover(clone)
    assert contents(clone) == left
    assert (clone / ".train.py.ffl-old").exists()


def test_two_runs_do_not_interleave(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_apply(RECIPE, clone)
    before = contents(clone)
    with disk.locked_journal(clone):
        done = ffl_patch("apply", "stylegan2-ada", clone)
        assert done.returncode == 1
        assert "another ffl-patch is running" in done.stderr and "Traceback" not in done.stderr
        with pytest.raises(PatchError, match="another ffl-patch is running"):
            plan.write()
    assert contents(clone) == before
    plan.write()


@pytest.mark.skipif(os.name != "posix", reason="Windows deletes no open file")
@pytest.mark.parametrize("anew", [False, True], ids=["deleted", "deleted and created by a third run"])
def test_a_journal_that_another_run_deleted_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anew: bool
) -> None:
    """The other run ends between this one's opening of the journal and its lock."""
    lock, journal = disk.try_lock, tmp_path / disk.JOURNAL

    def lock_late(descriptor: int) -> bool:
        journal.unlink()
        if anew:
            journal.touch()
        return lock(descriptor)

    monkeypatch.setattr(disk, "try_lock", lock_late)
    with pytest.raises(PatchError, match="another ffl-patch is running"), disk.locked_journal(tmp_path):
        pass
    assert journal.exists() is anew


def test_many_runs_at_once_end_in_one_patch(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    before = contents(clone)
    script = "from ffl_plugin.cli import main; main()"
    command = [sys.executable, "-c", script, "apply", "pix2pix", str(clone)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    for run in runs:
        _, errors = run.communicate()
        assert run.returncode in (0, 1) and b"Traceback" not in errors
        assert run.returncode == 0 or b"Error: " in errors
    assert 0 in {run.returncode for run in runs}
    plan_revert(all_recipes()["pix2pix"], clone).write()
    assert contents(clone) == before


def test_a_file_that_changes_between_plan_and_write_is_left_alone(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_apply(RECIPE, clone)
    (clone / "training" / "loss.py").write_text("# mine\n", encoding="utf-8")
    before = contents(clone)
    with pytest.raises(PatchError, match="has changed while ffl-patch was reading it"):
        plan.write()
    assert contents(clone) == before


def test_a_keyboard_interrupt_is_rolled_back(make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_apply(RECIPE, clone)
    before = contents(clone)
    faults = Faults(monkeypatch)
    faults.error = KeyboardInterrupt
    faults.set(_index_of_second_replace(plan, clone, before, faults))
    with pytest.raises(KeyboardInterrupt):
        plan.write()
    faults.set(-1)
    assert contents(clone) == before


def _index_of_second_replace(plan: Plan, clone: Path, old: dict[str, bytes], faults: Faults) -> int:
    _count(plan, clone, old, faults)
    return [number for number, name in enumerate(faults.done) if name == "replace"][1]


def test_a_rename_that_is_always_refused_is_rolled_back_by_copying(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_apply(RECIPE, clone)
    before = contents(clone)
    real, calls = disk.replace, []

    def replace(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) > 1:
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, target)

    monkeypatch.setattr(disk, "replace", replace)
    with pytest.raises(PatchError, match=r"the disk failed .* no file was changed"):
        plan.write()
    assert contents(clone) == before


def test_a_file_system_without_links(make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    clone = make_clone("stylegan2-ada")
    before = contents(clone)
    monkeypatch.setattr(os, "link", link)
    plan_apply(RECIPE, clone).write()
    plan_revert(RECIPE, clone).write()
    assert contents(clone) == before


def test_symlinked_clones_and_files_are_followed_and_kept(make_clone: MakeClone, tmp_path: Path) -> None:
    clone = make_clone("stylegan2-ada")
    (clone / "training" / "loss.py").rename(clone / "shared_loss.py")
    (clone / "training" / "loss.py").symlink_to(Path("..") / "shared_loss.py")
    link = tmp_path / "ein Link – mit Leerzeichen"
    link.symlink_to(clone, target_is_directory=True)
    before = contents(clone)
    plan_apply(RECIPE, link).write()
    assert (clone / "training" / "loss.py").is_symlink() and link.is_symlink()
    assert b"loss_Gffl" in (clone / "shared_loss.py").read_bytes()
    plan_revert(RECIPE, link).write()
    assert (clone / "training" / "loss.py").is_symlink()
    assert contents(clone) == before


def test_a_journal_that_cannot_be_read_is_reported(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    (clone / disk.JOURNAL).write_text("not ours\n", encoding="utf-8")
    with pytest.raises(PatchError, match=r"\.ffl-patch\.journal cannot be read"):
        transaction.recover(clone)


def test_a_transaction_given_up_after_its_end_is_undone_also_by_the_next_run(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = make_clone("stylegan2-ada")
    plan = plan_apply(RECIPE, clone)
    before = contents(clone)
    done, replace, renamed = disk.Journal.done, disk.replace, []

    def done_and_failed(log: disk.Journal) -> None:
        done(log)
        raise OSError(errno.EIO, "Input/output error")

    def killed_in_the_roll_back(source: Path, target: Path) -> None:
        replace(source, target)
        renamed.append(target)
        if len(renamed) == 3:
            raise Killed

    monkeypatch.setattr(disk.Journal, "done", done_and_failed)
    monkeypatch.setattr(disk, "replace", killed_in_the_roll_back)
    with pytest.raises(Killed):
        plan.write()
    monkeypatch.undo()
    assert wholly(contents(clone), before, plan) == "mixed"
    assert transaction.recover(clone)
    assert contents(clone) == before
