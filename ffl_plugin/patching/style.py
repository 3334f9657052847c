"""The habits of a file, so that what is inserted looks as if its author had written it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Optional

from ffl_plugin.patching.source import Source

_FOUR_SPACES = "    "


def indentation_unit(source: Source, function: ast.AST) -> str:
    """Return what one level of indentation adds inside a function: spaces or a tab."""
    body: list[ast.stmt] = function.body  # type: ignore[attr-defined]
    outer = source.line(function.lineno).indentation  # type: ignore[attr-defined]
    inner = source.line(body[0].lineno).indentation
    return inner[len(outer) :] if inner.startswith(outer) and len(inner) > len(outer) else _FOUR_SPACES


def preferred_quote(source: Source) -> str:
    """Return the quote most of the file's short strings use, the single one if undecided."""
    counts = {"'": 0, '"': 0}
    for token in source.tokens:
        text = token.string.lstrip("rRbBuUfF")
        if token.type == tokenize.STRING and text[:3] not in ("'''", '"""'):
            counts[text[0]] += 1
    return '"' if counts['"'] > counts["'"] else "'"


def comment_gap(source: Source) -> str:
    """Return the white space most of the file's comments have between the code and the ``#``."""
    gaps = [
        len(match.group(1))
        for token in source.tokens
        if token.type == tokenize.COMMENT and (match := re.search(r"\S(\s+)$", token.line[: token.start[1]]))
    ]
    return " " if gaps.count(1) > len(gaps) / 2 else "  "


def with_quotes(code: str, quote: str) -> str:
    """Return code of ours, written with single quotes, with the file's quotes."""
    lines = code.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(code).readline))):
        body = token.string[1:-1]
        if token.type == tokenize.STRING and token.string[0] == "'" and not set(body) & {"\\", quote}:
            row, start, end = token.start[0] - 1, token.start[1], token.end[1]
            lines[row] = f"{lines[row][:start]}{quote}{body}{quote}{lines[row][end:]}"
    return "".join(lines)


def with_unit(code: str, unit: str) -> str:
    """Return code of ours, indented by four spaces, with the file's unit of indentation."""

    def reindent(line: str) -> str:
        body = line.lstrip(" ")
        return unit * ((len(line) - len(body)) // len(_FOUR_SPACES)) + body

    return "".join(map(reindent, code.splitlines(keepends=True)))


def aligned(name: str, value: str, column: int) -> str:
    """Return ``name = value`` with the ``=`` at a column (0-based, from the name's first character)."""
    return f"{name.ljust(column - 1)} = {value}"


def assignment_shape(source: Source, node: ast.stmt) -> Optional[tuple[int, int, int]]:
    """Return line, width of the target and column of ``=`` (from the target's start) of an assignment.

    None for any other statement, and for one with several targets or lines.
    """
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or node.lineno != node.end_lineno:
        return None
    start, end = source.start_of(node), source.end_of(node.targets[0])
    equals = next(
        token for token in source.tokens_between(end, source.start_of(node.value)) if token.string == "="
    )
    return node.lineno, end[1] - start[1], equals.start[1] - start[1]
