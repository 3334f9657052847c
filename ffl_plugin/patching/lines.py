"""Whole lines before or after a node, with its indentation and its line end."""

from __future__ import annotations

import ast

from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.source import Line, Source
from ffl_plugin.patching.splice import Insertion


def line_after(source: Source, anchor: ast.AST, code: str) -> Insertion:
    """Insert code after a node; a blank line comes between where one follows the node's block.

    Raises:
        PatchError: the node shares its first or last line with other code.
    """
    indentation = _own_line(source, anchor).indentation
    number, column = source.end_of(anchor)
    rest = source.line(number).text[column:].strip()
    if rest not in ("", ";") and not rest.startswith("#"):
        raise _shared_line(source, anchor, number)
    while number < len(source.lines) and _is_deeper_comment(source.line(number + 1), indentation):
        number += 1
    insertion = after_line(source, number, _indented(code, indentation))
    is_block = isinstance(anchor, ast.stmt) and hasattr(anchor, "body")
    return Insertion(insertion.offset, _blank_line(source, number + 1 if is_block else 0) + insertion.text)


def line_before(source: Source, anchor: ast.AST, code: str) -> Insertion:
    """Insert code before a node and the comment lines right above it, which belong to it.

    A blank line comes between where one sets the commented paragraph apart.

    Raises:
        PatchError: other code precedes the node on its line.
    """
    indentation = _own_line(source, anchor).indentation
    first, _ = source.start_of(anchor)
    number = first
    while number > 1:
        above = source.line(number - 1)
        if not above.text.lstrip().startswith("#") or above.indentation != indentation:
            break
        if number <= 3 and not indentation:  # A shebang or an encoding cookie stays first.
            break
        number -= 1
    insertion = before_line(source, number, _indented(code, indentation))
    return Insertion(
        insertion.offset, insertion.text + _blank_line(source, number - 1 if number < first else 0)
    )


def after_line(source: Source, number: int, text: str) -> Insertion:
    """Insert lines after a line, also where the file ends there without a line end."""
    newline = source.newline_at(number)
    if source.line(number).end:
        return Insertion(source.after_line(number), source.encode(f"{text}\n".replace("\n", newline)))
    return Insertion(len(source.data), source.encode(f"\n{text}".replace("\n", newline)))


def at_the_end(source: Source, text: str) -> Insertion:
    """Insert lines below all there are, also where there are none."""
    if source.lines:
        return after_line(source, len(source.lines), text)
    return Insertion(len(source.data), source.encode(f"{text}\n"))


def before_line(source: Source, number: int, text: str) -> Insertion:
    """Insert lines before a line."""
    return Insertion(
        source.line(number).offset, source.encode(f"{text}\n".replace("\n", source.newline_at(number)))
    )


def _own_line(source: Source, node: ast.AST) -> Line:
    number, column = source.start_of(node)
    line = source.line(number)
    if line.text[:column].strip() not in ("", "@"):
        raise _shared_line(source, node, number)
    return line


def _shared_line(source: Source, node: ast.AST, number: int) -> PatchError:
    return PatchError(
        f"`{source.first_line_of(node)}` shares its line with other code",
        file=source.name,
        line=number,
        next_step="give it a line of its own",
    )


def _is_deeper_comment(line: Line, indentation: str) -> bool:
    return line.text.lstrip().startswith("#") and len(line.indentation) > len(indentation)


def _blank_line(source: Source, number: int) -> bytes:
    """A copy of a line if it is blank, so that whichever of the two goes later, the same bytes stay."""
    if not 0 < number <= len(source.lines):
        return b""
    line = source.line(number)
    return source.encode(line.text + line.end) if line.blank and line.end else b""


def _indented(code: str, indentation: str) -> str:
    return "\n".join(indentation + line for line in code.splitlines())
