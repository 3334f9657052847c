"""What a recipe is made of: frozen data that says what to insert where, by meaning.

A function is a qualified name (``StyleGAN2Loss.accumulate_gradients``) or alternatives in order, separated by
``" | "``; the empty name is the module itself. A pattern is Python source in which
``...`` matches anything (`ffl_plugin.patching.pattern`). Code is written with four spaces and single quotes;
the engine gives it the indentation, quotes and alignment of the place it goes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Callable, Optional, Union

from ffl_plugin.patching.errors import english

if TYPE_CHECKING:
    from ffl_plugin.patching.clone import Clone
    from ffl_plugin.patching.source import Source


@dataclass(frozen=True)
class Only:
    """The one statement that a pattern matches, among those that always run (``with`` blocks included).

    Where an ``if`` has one in each of its branches, it is the ``if``, so that what follows runs either way.

    Args:
        patterns: alternatives in order; the first that matches anything has to match exactly once.
        branch: look only in the branch of the function in which this pattern occurs. Loops are entered: it
            is the innermost loop with all that match, or the outermost branch of an ``if`` in there.
    """

    patterns: tuple[str, ...]
    branch: Optional[str] = None


@dataclass(frozen=True)
class Last:
    """The last statement that is, or contains, a match of any of the patterns.

    An ``if`` or a loop counts as one statement, so that what follows it runs whichever way it went.

    Args:
        patterns: all of them count.
        branch: as in `Only`.
        unless: patterns of matches that do not count.
        above: look only above this statement of the same branch.
    """

    patterns: tuple[str, ...]
    branch: Optional[str] = None
    unless: tuple[str, ...] = ()
    above: Optional[Only] = None


Anchor = Union[Only, Last]


@dataclass(frozen=True)
class Import:
    """A top-level import, after the imports that are there.

    Args:
        code: its source.
        rebinds: the names are bound above it already and mean something of ours from here on, so that the
            file's own uses of them are no trace of the patch.
    """

    code: str
    rebinds: bool = False


@dataclass(frozen=True)
class Param:
    """A parameter with a default, last in a signature (before ``**kwargs``).

    Args:
        function: qualified name.
        code: ``"name=default"``.
        comment: what stands behind it, where the other parameters are documented that way.
    """

    function: str
    code: str
    comment: Optional[str] = None


@dataclass(frozen=True)
class Decorator:
    """A decorator, on the line after the one that any of the patterns matches."""

    function: str
    code: str
    after: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement, simple or compound, on lines of its own.

    Args:
        function: qualified name; ``""`` for the module's own code, which is also what stands below
            ``if __name__ == "__main__":``.
        code: its source.
        after: the statement it follows, or
        before: the statement it precedes.
        comment: what stands behind it on the same line.
    """

    function: str
    code: str
    after: Optional[Anchor] = None
    before: Optional[Anchor] = None
    comment: Optional[str] = None


Edit = Union[Import, Param, Decorator, Statement]


Check = Callable[["Source", "Clone"], None]
Remark = Callable[["Source", "Clone"], Optional[str]]


@dataclass(frozen=True)
class File:
    """A file of the upstream and what goes into it.

    Args:
        path: where the upstream has it, with forward slashes.
        holds: qualified names it defines; by them it is found where the path has changed.
        edits: in the order of the file.
        checks: called with the unpatched file and its clone before anything is inserted; each raises
            `PatchError` where the patch would do harm.
        optional: a clone may lack it, and is patched without it then.
        remarks: called as checks are; each returns a sentence, without a full stop, for a user whose code
            changes what the patch does, or None.
    """

    path: str
    holds: tuple[str, ...]
    edits: tuple[Edit, ...]
    checks: tuple[Check, ...] = ()
    optional: bool = False
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Version:
    """An upstream commit the recipe was tested on, and the git blob ids of the files it edits."""

    commit: str
    blobs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Other:
    """A relative that the recipe does not fit, and what is different about it.

    Args:
        holds: the qualified names by which it is known.
        because: what it is, as the beginning of a sentence.
    """

    holds: tuple[str, ...]
    because: str


@dataclass(frozen=True)
class Recipe:
    """How one family of repositories is patched.

    Args:
        name: the target's name on the command line.
        upstream: ``owner/name`` of the repository the family comes from.
        summary: one line for ``ffl-patch list``.
        train: a command that trains with the loss, for the user who has just applied it.
        files: the files to edit.
        versions: what it was tested on, newest first.
        others: relatives to be told apart in words.
        checks: called for every file, before the file's own.
        supplements: the target beside which this is applied, with ``--with``, or alone; None for a target.
        earlier: the files as the editions before this one had them, newest first, for clones patched then.
        adapt: called with the recipe and a clone; returns the recipe for it, where a class or variable may
            have another name; raises `PatchError` where there is none.
    """

    name: str
    upstream: str
    summary: str
    train: str
    files: tuple[File, ...]
    versions: tuple[Version, ...] = ()
    others: tuple[Other, ...] = ()
    checks: tuple[Check, ...] = ()
    supplements: Optional[str] = None
    earlier: tuple[tuple[File, ...], ...] = ()
    adapt: Optional[Callable[[Recipe, Clone], Recipe]] = None

    def adapted(self, clone: Clone) -> Recipe:
        """Return the recipe with the names of a clone."""
        return self if self.adapt is None else self.adapt(self, clone)

    @property
    def edition(self) -> int:
        """The number of this edition, counted from 1."""
        return len(self.earlier) + 1

    @property
    def editions(self) -> tuple[Recipe, ...]:
        """This edition and those before it, newest first."""
        past = [
            replace(self, files=files, earlier=self.earlier[n:]) for n, files in enumerate(self.earlier, 1)
        ]
        return (self, *past)

    @property
    def tested(self) -> str:
        """The tested versions in words: ``"owner/name d72cc7d and f7e4867"``."""
        commits = [version.commit for version in self.versions]
        return f"{self.upstream} {english(commits)}"


def alternatives(name: str) -> list[str]:
    """Return the qualified names that a recipe allows, which it separates by ``" | "``."""
    return name.split(" | ")


def in_words(names: Sequence[str]) -> str:
    """Return qualified names as part of a sentence: ``"A.__init__ or A.initialize, and main"``."""
    words = [" or ".join(alternatives(name)) for name in names]
    return (
        f"{', '.join(words[:-1])}, and {words[-1]}"
        if words[1:] and " or " in "".join(words)
        else english(words)
    )
