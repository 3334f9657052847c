"""The parameters of a function as they stand in the text."""

from __future__ import annotations

import ast
import tokenize
from typing import NamedTuple, Optional

from ffl_plugin.patching.scope import Function
from ffl_plugin.patching.source import Source

Place = tuple[int, int]  # line (1-based) and column in characters


class Item(NamedTuple):
    """One parameter, from its first character (stars included) to its last, and the comma behind it."""

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
        """Whether every parameter starts a line of its own."""
        lines = [item.start[0] for item in self.items]
        return len(lines) > 0 and lines[0] > self.open[0] and len(set(lines)) == len(lines)

    @property
    def stacked(self) -> bool:
        """Whether every parameter has a line of its own, the first one next to the parenthesis."""
        lines = [item.start[0] for item in self.items]
        return len(lines) > 1 and lines[0] == self.open[0] and len(set(lines)) == len(lines)


def read_signature(source: Source, function: Function) -> Signature:
    """Read the parameters of a function from its tokens (``/`` and a bare ``*`` count as items too)."""
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


def parameters(function: Function) -> list[tuple[ast.arg, Optional[ast.expr]]]:
    """Return the parameters of a function, except ``*`` and ``**`` ones, each with its default."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    none: list[Optional[ast.expr]] = [None] * (len(positional) - len(arguments.defaults))
    return [
        *zip(positional, [*none, *arguments.defaults]),
        *zip(arguments.kwonlyargs, arguments.kw_defaults),
    ]


def _name(tokens: list[tokenize.TokenInfo]) -> str:
    stars = tokens[0].string if tokens[0].string in ("*", "**") else ""
    if stars and len(tokens) > 1:
        return stars + tokens[1].string
    return tokens[0].string
