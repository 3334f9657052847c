"""The data classes of a recipe: what to insert, and where in the syntax tree.

A function is a qualified name (``StyleGAN2Loss.accumulate_gradients``) or alternatives in order, separated by
``" | "``; the empty name is the module itself. A pattern is Python source in which ``...`` matches anything
(`ffl_plugin.patching.pattern`). Code is written with four spaces and single quotes; the engine adapts
indentation, quotes and alignment to the file.
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
    """The only statement that a pattern matches, among those that always run (``with`` blocks included).

    If an ``if`` contains one match in each of its branches, the ``if`` itself, so that what follows always
    runs.

    Args:
        patterns: alternatives in order; the first with any match must match exactly once.
        branch: search only the branch of the function that contains this pattern. Loops are entered: it is
            the innermost loop with all matches, or the outermost branch of an ``if`` in it.
    """

    patterns: tuple[str, ...]
    branch: Optional[str] = None


@dataclass(frozen=True)
class Last:
    """The last statement that is or contains a match of any pattern.

    An ``if`` or a loop counts as one statement, so that what follows always runs.

    Args:
        patterns: matches of any of them count.
        branch: as in `Only`.
        unless: patterns whose matches do not count.
        above: search only above this statement of the same branch.
    """

    patterns: tuple[str, ...]
    branch: Optional[str] = None
    unless: tuple[str, ...] = ()
    above: Optional[Only] = None


Anchor = Union[Only, Last]


@dataclass(frozen=True)
class Import:
    """A top-level import, inserted after the existing imports.

    Args:
        code: its source.
        rebinds: the names are already bound above and are rebound by this import, so the file's own uses
            of them are not traces of the patch.
    """

    code: str
    rebinds: bool = False


@dataclass(frozen=True)
class Param:
    """A parameter with a default, last in a signature (before ``**kwargs``).

    Args:
        function: qualified name.
        code: ``"name=default"``.
        comment: a trailing comment, added if the other parameters have one.
    """

    function: str
    code: str
    comment: Optional[str] = None


@dataclass(frozen=True)
class Decorator:
    """A decorator, inserted below the one that any of the patterns matches."""

    function: str
    code: str
    after: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement, simple or compound, on its own lines.

    Args:
        function: qualified name; ``""`` for the module's top level, including
            ``if __name__ == "__main__":``.
        code: its source.
        after: the statement it follows, or
        before: the statement it precedes.
        comment: a trailing comment on the same line.
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
    """A file of the upstream and its edits.

    Args:
        path: its path in the upstream, with forward slashes.
        defines: qualified names; they identify it if its path differs.
        edits: in file order.
        checks: called with the unpatched file and its clone before anything is inserted; each raises
            `PatchError` if the patch would do harm.
        optional: if a clone lacks it, the patch omits it.
        remarks: called like checks; each returns a sentence, without a full stop, for a user whose code
            changes the effect of the patch, or None.
    """

    path: str
    defines: tuple[str, ...]
    edits: tuple[Edit, ...]
    checks: tuple[Check, ...] = ()
    optional: bool = False
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Version:
    """A commit the recipe was tested on, and the git blob ids of its edited files.

    Args:
        commit: its short id.
        blobs: path and id of each file.
        fork: ``owner/name`` of the repository; None for the recipe's upstream.
    """

    commit: str
    blobs: tuple[tuple[str, str], ...]
    fork: Optional[str] = None

    def __str__(self) -> str:
        """The commit, after the name of a fork: ``"owner/name a506df5"``."""
        return f"{self.fork} {self.commit}" if self.fork else self.commit


@dataclass(frozen=True)
class Other:
    """A known fork that the recipe does not support, and the difference.

    Args:
        defines: the qualified names that identify it.
        because: what it is, as the start of a sentence.
    """

    defines: tuple[str, ...]
    because: str


@dataclass(frozen=True)
class Recipe:
    """The patch for one family of repositories.

    Args:
        name: the target's name on the command line.
        upstream: ``owner/name`` of the family's original repository.
        summary: one line for ``ffl-patch list``.
        train: a training command, shown after the recipe is applied.
        files: the files to edit.
        versions: tested upstream commits, newest first.
        others: known forks that are refused with an explanation.
        checks: called for every file, before the file's own checks.
        companion_of: for a companion recipe, the target it accompanies, with ``--with`` or alone; else None.
        earlier: the files of earlier revisions of the recipe, newest first, to recognise in patched clones.
        adapt: called with the recipe and a clone; returns the recipe with the clone's names for a class or
            variable; raises `PatchError` if there is none.
    """

    name: str
    upstream: str
    summary: str
    train: str
    files: tuple[File, ...]
    versions: tuple[Version, ...] = ()
    others: tuple[Other, ...] = ()
    checks: tuple[Check, ...] = ()
    companion_of: Optional[str] = None
    earlier: tuple[tuple[File, ...], ...] = ()
    adapt: Optional[Callable[[Recipe, Clone], Recipe]] = None

    def adapted(self, clone: Clone) -> Recipe:
        """Return the recipe with the clone's names."""
        return self if self.adapt is None else self.adapt(self, clone)

    @property
    def revision(self) -> int:
        """The revision of this recipe, counted from 1."""
        return len(self.earlier) + 1

    @property
    def revisions(self) -> tuple[Recipe, ...]:
        """This recipe and its earlier revisions, newest first."""
        past = [
            replace(self, files=files, earlier=self.earlier[n:]) for n, files in enumerate(self.earlier, 1)
        ]
        return (self, *past)

    @property
    def tested(self) -> str:
        """The tested commits: ``"owner/name d72cc7d and f7e4867"``."""
        return self.with_repository(self.versions)

    def with_repository(self, versions: Sequence[Version]) -> str:
        """Return tested versions for a sentence, after the name of the upstream unless all are of forks."""
        own = [str(version) for version in versions if version.fork is None]
        text = english([*own, *(str(version) for version in versions if version.fork is not None)])
        return f"{self.upstream} {text}" if own else text


def alternatives(name: str) -> list[str]:
    """Return the alternatives of a qualified name, separated by ``" | "``."""
    return name.split(" | ")


def describe_names(names: Sequence[str]) -> str:
    """Join qualified names for a sentence: ``"A.__init__ or A.initialize, and main"``."""
    parts = [" or ".join(alternatives(name)) for name in names]
    return (
        f"{', '.join(parts[:-1])}, and {parts[-1]}"
        if parts[1:] and " or " in "".join(parts)
        else english(parts)
    )
