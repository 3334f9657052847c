"""Functions by qualified name, and the statements of a function that run whichever way its branches go."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Optional, Union

from ffl_plugin.patching.errors import PatchError, english, lines_text
from ffl_plugin.patching.source import Source

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LEAVES_BLOCK = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Yield every function and class with its qualified name, also those in ``if``, ``try`` and ``with``."""

    def visit(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.stmt]]:
        for statement in body:
            if isinstance(statement, DEFINITIONS):
                name = f"{prefix}{statement.name}"
                yield name, statement
                yield from visit(statement.body, f"{name}.")
            else:
                for block in blocks_of(statement):
                    yield from visit(block, prefix)

    yield from visit(tree.body, "")


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


def find_definition(source: Source, name: str) -> ast.stmt:
    """Return the one function or class of a qualified name, or of its first alternative that is there.

    Raises:
        PatchError: there is none, or more than one.
    """
    defined = list(definitions(source.tree))
    for alternative in alternatives(name):
        found = [node for qualified, node in defined if qualified == alternative]
        if len(found) > 1:
            lines = lines_text([node.lineno for node in found])
            raise PatchError(f"defines {alternative} {len(found)} times ({lines})", file=source.name)
        if found:
            return found[0]
    raise PatchError(f"has no {name.replace(' | ', ' or ')}", file=source.name)


def find_function(source: Source, name: str) -> Function:
    """Return the one function of that qualified name.

    Raises:
        PatchError: there is none, or more than one, or it is a class.
    """
    found = find_definition(source, name)
    if not isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise PatchError(f"has a class {name} instead of a function", file=source.name, line=found.lineno)
    return found


def owner_of(source: Source, function: Function) -> Optional[ast.ClassDef]:
    """Return the class whose method a function is."""
    for _, node in definitions(source.tree):
        if isinstance(node, ast.ClassDef) and path_to(node.body, function):
            return node
    return None


def blocks_of(statement: ast.stmt) -> list[list[ast.stmt]]:
    """Return the statement lists directly below a statement: bodies, ``else``, handlers, cases."""
    blocks = []
    for field in ("body", "orelse", "finalbody"):
        block = getattr(statement, field, None)
        if isinstance(block, list) and block:
            blocks.append(block)
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        blocks.append(part.body)
    return blocks


def straight_line(block: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a block, and in place of each ``with`` and ``if True`` those inside it."""
    for statement in block:
        if isinstance(statement, (ast.With, ast.AsyncWith)) or (
            isinstance(statement, ast.If) and not statement.orelse and _is_true(statement.test)
        ):
            yield from straight_line(statement.body)
        else:
            yield statement


def _is_true(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


def path_to(block: Sequence[ast.stmt], target: ast.stmt) -> list[tuple[Sequence[ast.stmt], ast.stmt]]:
    """Return the nested (block, statement) pairs from a block down to a statement, empty if elsewhere."""
    for statement in block:
        if statement is target:
            return [(block, statement)]
        for inner in blocks_of(statement):
            if below := path_to(inner, target):
                return [(block, statement), *below]
    return []


def require_reachable(source: Source, function: Function, target: ast.stmt) -> None:
    """Refuse a statement that never runs.

    Raises:
        PatchError: it stands behind a ``return`` and the like, or in a branch whose test is constantly false.
    """
    for block, statement in path_to(function.body, target):
        for earlier in block:
            if earlier is statement:
                break
            if isinstance(earlier, _LEAVES_BLOCK):
                raise PatchError(
                    f"`{source.first_line_of(target)}` never runs, because of line {earlier.lineno}",
                    file=source.name,
                    line=target.lineno,
                )
        if isinstance(statement, (ast.If, ast.While)) and isinstance(statement.test, ast.Constant):
            in_body = any(target is node for part in statement.body for node in ast.walk(part))
            if bool(statement.test.value) != in_body and statement is not target:
                raise PatchError(
                    f"`{source.first_line_of(target)}` never runs, because of line {statement.lineno}",
                    file=source.name,
                    line=target.lineno,
                )
