"""What a recipe is made of: frozen data that says what to insert where, by meaning.

A function is a qualified name (``StyleGAN2Loss.accumulate_gradients``) or alternatives in order, separated by
``" | "``. A pattern is Python source in which
``...`` matches anything (`ffl_plugin.patching.pattern`). Code is written with four spaces and single quotes;
the engine gives it the indentation, quotes and alignment of the place it goes to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Union

from ffl_plugin.patching.errors import english


@dataclass(frozen=True)
class Only:
    """The one statement that a pattern matches, among those that always run (``with`` blocks included).

    Where an ``if`` has one in each of its branches, it is the ``if``, so that what follows runs either way.

    Args:
        patterns: alternatives in order; the first that matches anything has to match exactly once.
        branch: look only in the top-level branch of the function in which this pattern occurs.
    """

    patterns: tuple[str, ...]
    branch: Optional[str] = None


@dataclass(frozen=True)
class Last:
    """The last statement that is, or contains, a match of any of the patterns.

    An ``if`` or a loop counts as one statement, so that what follows it runs whichever way it went.

    Args:
        patterns: all of them count.
        branch: look only in the top-level branch of the function in which this pattern occurs.
        unless: patterns of matches that do not count.
    """

    patterns: tuple[str, ...]
    branch: Optional[str] = None
    unless: tuple[str, ...] = ()


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
        function: qualified name.
        code: its source.
        after: the statement it follows, or
        before: the statement it precedes.
        comment: what stands behind it on the same line.
        feeds: the variable, attribute or element of a dict that carries its effect, which therefore must be
            read later.
        follows: patterns that may occur only above it, because they would undo its effect.
    """

    function: str
    code: str
    after: Optional[Anchor] = None
    before: Optional[Anchor] = None
    comment: Optional[str] = None
    feeds: Optional[str] = None
    follows: tuple[str, ...] = ()


Edit = Union[Import, Param, Decorator, Statement]


@dataclass(frozen=True)
class Requires:
    """Refuse unless one of the patterns occurs in a function or class.

    Args:
        scope: qualified name, or ``""`` for the whole file.
        patterns: alternatives.
        because: the sentence for the user when none occurs: what this code lacks, and what would go wrong.
        given: a pattern without which nothing is required.
    """

    scope: str
    patterns: tuple[str, ...]
    because: str
    given: Optional[str] = None


@dataclass(frozen=True)
class Forbids:
    """Refuse if one of the patterns occurs in a function or class.

    Args:
        scope: qualified name, or ``""`` for the whole file.
        patterns: any of them.
        because: the sentence for the user when one occurs.
        outside: a method in the scope in which they may occur, and in the methods that it alone uses.
        above: the statement of the function below which they may occur.
        unless: patterns of what may occur all the same.
    """

    scope: str
    patterns: tuple[str, ...]
    because: str
    outside: Optional[str] = None
    above: Optional[Anchor] = None
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unchanged:
    """Refuse if a variable is bound again between two statements of a function.

    Args:
        function: qualified name.
        name: the variable.
        since: the statement that binds it.
        until: patterns of its first use in the same branch; without one of them nothing is checked.
    """

    function: str
    name: str
    since: Anchor
    until: tuple[str, ...]


@dataclass(frozen=True)
class Trains:
    """Refuse unless every loss class that the file names as a string is the one that is patched.

    Launchers name classes by dotted strings. One that is not ``module.name`` of the patched file would train
    another loss, which lacks the option or fails on it.

    Args:
        file: the recipe's path of the file that defines the class.
        name: the class.
        pattern: regular expression of the strings that name a loss class.
    """

    file: str
    name: str
    pattern: str = r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*\.\w*Loss\w*"


@dataclass(frozen=True)
class Callers:
    """Refuse unless every function of the clone that makes a call has one of the patterns in it as well.

    Args:
        call: the pattern of the call.
        patterns: alternatives.
        because: the sentence for the user when a caller has none.
    """

    call: str
    patterns: tuple[str, ...]
    because: str


@dataclass(frozen=True)
class TwoDimensional:
    """Refuse a file whose networks make volumes: the modules it names convolve in three dimensions only."""


Guard = Union[Requires, Forbids, Unchanged, Trains, Callers, TwoDimensional]


@dataclass(frozen=True)
class File:
    """A file of the upstream and what goes into it.

    Args:
        path: where the upstream has it, with forward slashes.
        holds: qualified names it defines; by them it is found where the path has changed.
        edits: in the order of the file.
        guards: what must hold before anything is inserted.
        optional: a clone may lack it, and is patched without it then.
    """

    path: str
    holds: tuple[str, ...]
    edits: tuple[Edit, ...]
    guards: tuple[Guard, ...] = ()
    optional: bool = False


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
        supplements: the target beside which this is applied, with ``--with``, or alone; None for a target.
        earlier: the files as the editions before this one had them, newest first, for clones patched then.
    """

    name: str
    upstream: str
    summary: str
    train: str
    files: tuple[File, ...]
    versions: tuple[Version, ...] = ()
    others: tuple[Other, ...] = ()
    supplements: Optional[str] = None
    earlier: tuple[tuple[File, ...], ...] = ()

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
