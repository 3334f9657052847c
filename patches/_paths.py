"""Follows a loss along every path of a function, to check that each backpropagates it.

An ``if`` splits a path in two, unless an equal test was decided before; a loop runs once; an exception
handler starts where its ``try`` does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Optional

from ffl_plugin.patches._flow import dotted_name, is_backward, mentions, place, stored
from ffl_plugin.patching.locate import path_to
from ffl_plugin.patching.source import DEFINITIONS, LEAVES_BLOCK, WITH, Scope, blocks_of

_DISPLAY = frozenset({"print", "float", "str", "repr", "format", "len", "isinstance", "round", "getattr"})
Outcome = tuple[list["Path"], list["Path"], list["Path"]]  # continuing, leaving a loop, ended


@dataclass(frozen=True)
class Path:
    """One path through a function, as far as it has been followed.

    Args:
        carriers: dotted names that contain the loss.
        used: whether the loss was backpropagated, passed on or returned.
        other: the first call that backpropagated something else.
        decided: the tests of earlier branches, with their outcomes.
    """

    carriers: frozenset[str]
    used: bool = False
    other: Optional[ast.Call] = None
    decided: frozenset[tuple[str, bool]] = frozenset()


@dataclass(frozen=True)
class Uses:
    """Uses of a loss after a statement.

    Args:
        anywhere: whether some path uses it.
        without: the first call on a path that backpropagates something else and never uses the loss, or
            None.
    """

    anywhere: bool
    without: Optional[ast.Call]


def follow(function: Scope, anchor: ast.stmt, carrier: str, *, whole: bool = False) -> Uses:
    """Follow a loss from a statement to the ends of its function.

    Args:
        function: the function.
        anchor: the statement after which ``carrier`` contains the loss.
        carrier: a dotted name.
        whole: the carrier is a container; reading one element of it does not read the loss.
    """
    nested = path_to(function.body, anchor)
    decided = frozenset(
        (ast.unparse(outer.test), inner in outer.body)
        for (_, outer), (_, inner) in zip(nested, nested[1:])
        if isinstance(outer, ast.If)
    )
    enclosing = [outer for _, outer in nested[:-1] if not isinstance(outer, WITH)]
    phase = enclosing[0] if enclosing else None
    lines = None if phase is None else (phase.lineno, phase.end_lineno or phase.lineno)
    walk = _Walk(carrier, whole, lines)
    paths, ended = [Path(frozenset({carrier}), decided=decided)], []
    for block, statement in reversed(nested):
        index = next(place for place, other in enumerate(block) if other is statement)
        for rest in (block[index + 1 :], *_always_after(statement, anchor)):
            paths, left, done = walk.block(rest, paths)
            paths += left  # a `break` or `continue` of a loop around the anchor
            ended += done
    every = [*paths, *ended]
    without = [path.other for path in every if path.other is not None and not path.used]
    return Uses(any(path.used for path in every), min(without, key=place, default=None))


@dataclass(frozen=True)
class _Walk:
    """Advances paths through statements. Blocks return the paths that continue, leave a loop, and end.

    Args:
        carrier: where the loss was stored first; always remembered.
        whole: as in `follow`.
        lines: the first and last line where another backpropagation counts; None for everywhere.
    """

    carrier: str
    whole: bool
    lines: Optional[tuple[int, int]]

    def block(self, block: Sequence[ast.stmt], paths: list[Path]) -> Outcome:
        left: list[Path] = []
        ended: list[Path] = []
        for statement in block:
            if isinstance(statement, LEAVES_BLOCK):
                paths = self._simple(statement, paths)
                into = ended if isinstance(statement, (ast.Return, ast.Raise)) else left
                into += paths
                return [], left, ended
            paths, more_left, more_ended = self._statement(statement, _distinct(paths))
            left += more_left
            ended += more_ended
        return _distinct(paths), _distinct(left), _distinct(ended)

    def _statement(self, statement: ast.stmt, paths: list[Path]) -> Outcome:
        if isinstance(statement, ast.If):
            return self._branches(statement, [self._reads(statement.test, path) for path in paths])
        if isinstance(statement, (ast.For, ast.AsyncFor)):
            paths = [self._binds(statement, statement.iter, statement.target, path) for path in paths]
            return self._loop(statement, paths)
        if isinstance(statement, ast.While):
            return self._loop(statement, [self._reads(statement.test, path) for path in paths])
        if isinstance(statement, WITH):
            for item in statement.items:
                bound = item.optional_vars
                paths = [
                    self._reads(item.context_expr, path)
                    if bound is None
                    else self._binds(item, item.context_expr, bound, path)
                    for path in paths
                ]
            return self.block(statement.body, paths)
        if blocks_of(statement) and not isinstance(statement, DEFINITIONS):
            return self._alternatives(statement, paths)
        return self._simple(statement, paths), [], []

    def _branches(self, statement: ast.If, paths: list[Path]) -> Outcome:
        test = ast.unparse(statement.test)
        constant = statement.test.value if isinstance(statement.test, ast.Constant) else None
        results = []
        for truth, block in ((True, statement.body), (False, statement.orelse)):
            if constant is not None and bool(constant) != truth:
                continue
            taken = [
                replace(path, decided=path.decided | {(test, truth)})
                for path in paths
                if (test, not truth) not in path.decided
            ]
            results.append(self.block(block, taken))
        return _merged(results)

    def _loop(self, statement: ast.For | ast.AsyncFor | ast.While, paths: list[Path]) -> Outcome:
        paths, left, ended = self.block(statement.body, paths)
        paths, more_left, more_ended = self.block(statement.orelse, [*paths, *left])
        return paths, more_left, [*ended, *more_ended]

    def _alternatives(self, statement: ast.stmt, paths: list[Path]) -> Outcome:
        """``try`` and ``match``: every handler and case starts where the statement does."""
        before = paths
        results = [self.block(getattr(statement, "body", []), paths)]
        going, left, ended = results[0]
        results = [self.block(getattr(statement, "orelse", []), going), ([], left, ended)]
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            results.append(self.block(part.body, before))
        going, left, ended = _merged(results)
        going, more_left, more_ended = self.block(getattr(statement, "finalbody", []), going)
        return going, [*left, *more_left], [*ended, *more_ended]

    def _simple(self, statement: ast.stmt, paths: list[Path]) -> list[Path]:
        choice = next((node for node in ast.walk(statement) if isinstance(node, ast.IfExp)), None)
        if choice is not None:  # `total = a if test else b` has two paths, as an `if` statement has
            written = (_Choose(choice, part).visit(deepcopy(statement)) for part in ("body", "orelse"))
            return _distinct(path for each in written for path in self._simple(each, paths))
        return [self._runs(statement, path) for path in paths]

    def _runs(self, statement: ast.stmt, path: Path) -> Path:
        if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and statement.value is not None:
            return self._binds(statement, statement.value, statement, path)
        path = self._reads(statement, path)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            receiver = dotted_name(getattr(statement.value.func, "value", None))  # losses.append(loss)
            if receiver is not None and mentions(statement, path.carriers, whole=self.whole):
                path = replace(path, carriers=path.carriers | {receiver})
        return path

    def _binds(self, statement: ast.AST, value: ast.expr, targets: ast.AST, path: Path) -> Path:
        path = self._reads(value, path)
        names = {name for name, _ in stored(targets)}
        if mentions(value, path.carriers, whole=self.whole):
            return replace(path, carriers=path.carriers | names)
        if isinstance(statement, ast.Assign):
            replaced = {dotted_name(target) for target in statement.targets} - {self.carrier}
            return replace(path, carriers=path.carriers - replaced)
        return path

    def _reads(self, node: ast.AST, path: Path) -> Path:
        if isinstance(node, ast.Return) and mentions(node, path.carriers, whole=self.whole):
            return replace(path, used=True)
        for call in (inner for inner in ast.walk(node) if isinstance(inner, ast.Call)):
            with_loss = is_backward(call) and mentions(call, path.carriers, whole=self.whole)
            if with_loss or self._passes_on(call, path.carriers):
                path = replace(path, used=True)
            elif is_backward(call) and path.other is None and self._counts(call):
                path = replace(path, other=call)
        return path

    def _counts(self, call: ast.Call) -> bool:
        return self.lines is None or self.lines[0] <= call.lineno <= self.lines[1]

    def _passes_on(self, call: ast.Call, carriers: frozenset[str]) -> bool:
        """Whether the loss is passed to a method of the object, or to a function not for display."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if not any(mentions(argument, carriers, whole=self.whole) for argument in given):
            return False
        name = dotted_name(call.func)
        return name is not None and (name.startswith("self.") or "." not in name) and name not in _DISPLAY


class _Choose(ast.NodeTransformer):
    """Replaces a conditional expression by one of its parts."""

    def __init__(self, choice: ast.IfExp, part: str) -> None:
        self._place = place(choice), ast.unparse(choice)
        self._part = part

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        if (place(node), ast.unparse(node)) == self._place:
            chosen: ast.AST = getattr(node, self._part)
            return chosen
        return self.generic_visit(node)


def _always_after(statement: ast.stmt, anchor: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a compound statement that run after the one with the anchor."""
    if isinstance(statement, ast.Try):
        if path_to(statement.body, anchor):
            yield statement.orelse
        yield statement.finalbody


def _merged(results: Iterable[Outcome]) -> Outcome:
    going, left, ended = (_distinct(path for paths in column for path in paths) for column in zip(*results))
    return going, left, ended


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """Remove duplicate paths; if there are many, keep only those that differ in what was used."""
    distinct = list(dict.fromkeys(paths))
    if len(distinct) > 64:
        distinct = list({(path.used, path.other, path.carriers): path for path in distinct}.values())
    return distinct
