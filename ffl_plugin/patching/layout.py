"""The text around a node: whole lines before and after it, and a function's parameters."""

from __future__ import annotations

import ast
import tokenize
from typing import NamedTuple, Optional

from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.source import Function, Line, Source

Place = tuple[int, int]  # line (1-based) and column in characters


class Item(NamedTuple):
    """One parameter, including stars, and the comma after it."""

    name: str
    start: Place
    end: Place
    comma: Optional[Place]


class Signature(NamedTuple):
    """The text between the parentheses of a ``def``."""

    open: Place  # of the character after "("
    close: Place  # of ")"
    items: list[Item]

    @property
    def one_per_line(self) -> bool:
        """Whether every parameter starts its own line."""
        lines = [item.start[0] for item in self.items]
        return len(lines) > 0 and lines[0] > self.open[0] and len(set(lines)) == len(lines)

    @property
    def stacked(self) -> bool:
        """Whether every parameter has its own line, the first beside the parenthesis."""
        lines = [item.start[0] for item in self.items]
        return len(lines) > 1 and lines[0] == self.open[0] and len(set(lines)) == len(lines)


class Insertion(NamedTuple):
    """Bytes to insert at an offset of the old file."""

    offset: int
    text: bytes


def line_after(source: Source, anchor: ast.AST, code: str) -> Insertion:
    """Insert code after a node, with a blank line if one follows the node's block.

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
    """Insert code before a node and the comment lines directly above it.

    A blank line is added if one precedes the commented paragraph.

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
        if number <= 3 and not indentation:  # keep a shebang or encoding cookie first
            break
        number -= 1
    insertion = before_line(source, number, _indented(code, indentation))
    return Insertion(
        insertion.offset, insertion.text + _blank_line(source, number - 1 if number < first else 0)
    )


def after_line(source: Source, number: int, text: str) -> Insertion:
    """Insert lines after a line, even if the file ends there without a newline."""
    newline = source.newline_at(number)
    if source.line(number).end:
        return Insertion(source.after_line(number), source.encode(f"{text}\n".replace("\n", newline)))
    return Insertion(len(source.data), source.encode(f"\n{text}".replace("\n", newline)))


def at_the_end(source: Source, text: str) -> Insertion:
    """Append lines to a file, which may be empty."""
    if source.lines:
        return after_line(source, len(source.lines), text)
    return Insertion(len(source.data), source.encode(f"{text}\n"))


def before_line(source: Source, number: int, text: str) -> Insertion:
    """Insert lines before a line."""
    return Insertion(
        source.line(number).offset, source.encode(f"{text}\n".replace("\n", source.newline_at(number)))
    )


def read_signature(source: Source, function: Function) -> Signature:
    """Read the parameters of a function from its tokens (``/`` and a bare ``*`` count as items)."""
    first_body_line = function.body[0].lineno
    start = (function.lineno, source.column(function.lineno, function.col_offset))
    tokens = source.tokens_between(start, (first_body_line + 1, 0))
    opening = next(index for index, token in enumerate(tokens) if token.string == "(")
    depth = 0
    current: list[tokenize.TokenInfo] = []
    items: list[Item] = []
    for token in tokens[opening:]:
        if token.type == tokenize.OP and token.string in "([{":
            depth += 1
            if depth == 1:
                continue
        if token.type == tokenize.OP and token.string in ")]}":
            depth -= 1
        if depth == 0 or (depth == 1 and token.string == ","):
            if current:
                comma = token.start if token.string == "," else None
                items.append(Item(_name(current), current[0].start, current[-1].end, comma))
            current = []
            if depth == 0:
                return Signature(tokens[opening].end, token.start, items)
        elif token.type not in (tokenize.NL, tokenize.COMMENT):
            current.append(token)
    raise AssertionError("a parsed function has a closing parenthesis")


def after_comma(comma: Place) -> Place:
    """Return the position after a comma."""
    return comma[0], comma[1] + 1


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
        next_step="move it to its own line",
    )


def _is_deeper_comment(line: Line, indentation: str) -> bool:
    return line.text.lstrip().startswith("#") and len(line.indentation) > len(indentation)


def _blank_line(source: Source, number: int) -> bytes:
    """Return a copy of a line if blank: whichever of the two is removed later, the same bytes remain."""
    if not 0 < number <= len(source.lines):
        return b""
    line = source.line(number)
    return source.encode(line.text + line.end) if line.blank and line.end else b""


def _indented(code: str, indentation: str) -> str:
    return "\n".join(indentation + line for line in code.splitlines())


def _name(tokens: list[tokenize.TokenInfo]) -> str:
    stars = tokens[0].string if tokens[0].string in ("*", "**") else ""
    if stars and len(tokens) > 1:
        return stars + tokens[1].string
    return tokens[0].string
