"""The list of repositories: who, at which commit, for which target, and what a reader of its code expects."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

EXPECTATIONS = ("applies", "refused")


@dataclass(frozen=True)
class Entry:
    """One repository and one target.

    Args:
        repository: ``owner/name`` on GitHub.
        commit: the commit that was looked at, 40 hexadecimal digits.
        target: what ``ffl-patch apply`` is given.
        expect: ``applies`` or ``refused``, from reading the code, not from running the tool.
        because: what in the code makes it so.
        says: words that a true refusal has in it.
        folder: the part of the clone that is patched; empty for the whole clone.
        step: how the training step is set up where the usual stand-ins do not fit; see the workers.
    """

    repository: str
    commit: str
    target: str
    expect: str
    because: str
    says: str = ""
    folder: str = ""
    step: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells an entry from all others."""
        return self.repository, self.folder, self.target

    @property
    def clone_name(self) -> str:
        """The clone's folder below the folder of clones."""
        return self.repository.replace("/", "+")

    @property
    def where(self) -> str:
        """The repository, with the folder inside it where there is one."""
        return f"{self.repository} ({self.folder}/)" if self.folder else self.repository


def read_entries(path: Path) -> list[Entry]:
    """Read the list; `ValueError` names the entry that is not one."""
    entries = []
    for number, values in enumerate(json.loads(path.read_text(encoding="utf-8"))["entries"], start=1):
        entry = Entry(**values)
        if entry.expect not in EXPECTATIONS:
            raise ValueError(
                f"entry {number} of {path.name}: expect is {entry.expect!r}, not one of {EXPECTATIONS}"
            )
        if len(entry.commit) != 40:
            raise ValueError(f"entry {number} of {path.name}: {entry.commit!r} is no full commit id")
        entries.append(entry)
    keys = [entry.key for entry in entries]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise ValueError(f"{path.name} has {sorted(twice)[0]} twice")
    return entries


def missing(entry: Entry, clones: Path) -> Optional[str]:
    """How to get what is missing of a clone, in one sentence; None when it is there, at the right commit."""
    clone = clones / entry.clone_name
    if not (clone / ".git").exists():
        return (
            f"not there: in the folder of clones, "
            f"`git clone https://github.com/{entry.repository} {clone.name}` "
            f"and then `git -C {clone.name} checkout {entry.commit}`"
        )
    found = git(clone, "rev-parse", "HEAD")
    if found != entry.commit:
        return f"at {found[:7]}, not {entry.commit[:7]}: `git -C {clone.name} checkout {entry.commit}`"
    changed = git(clone, "diff", "--name-only", "--diff-filter=MT", "HEAD", "--", "*.py")
    if changed:
        return f"edited ({changed.splitlines()[0]}): `git -C {clone.name} checkout -- .`"
    return None


def git(clone: Path, *arguments: str) -> str:
    """The output of a git command in a clone, without the last newline; empty where git fails."""
    done = subprocess.run(["git", "-C", str(clone), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()
