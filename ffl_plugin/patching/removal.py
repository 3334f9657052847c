"""From the nodes of a recipe in a file to the bytes that go with them."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Sequence

from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import Param
from ffl_plugin.patching.signature import Place, read_signature
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.splice import Span
from ffl_plugin.patching.trace import Found


def spans_of(source: Source, found: Sequence[Found]) -> list[Span]:
    """Return the byte ranges to delete, so that nothing but the given nodes disappears.

    Raises:
        PatchError: a node shares its line with the user's code.
    """
    return [span for item in found for span in _spans(source, item)]


def comments_in(source: Source, found: Sequence[Found]) -> list[int]:
    """Return the lines of comments that go with the given nodes and are not the patch's own."""
    lines = []
    for item in found:
        start, end = source.start_of(item.node), (source.end_of(item.node)[0] + 1, 0)
        own = getattr(item.edit, "comment", None)
        for token in source.tokens_between(start, end):
            if token.type == tokenize.COMMENT and token.string.strip("# \t") != own:
                lines.append(token.start[0])
    return lines


def _spans(source: Source, item: Found) -> list[Span]:
    if isinstance(item.edit, Param):
        return _parameter(source, item)
    return [_lines(source, item.node, blank_line_too=isinstance(item.node, ast.stmt))]


def _lines(source: Source, node: ast.AST, *, blank_line_too: bool) -> Span:
    first, start = source.start_of(node)
    last, end = source.end_of(node)
    before, after = source.line(first).text[:start].strip(), source.line(last).text[end:].strip()
    if before not in ("", "@") or not (after in ("", ";") or after.startswith("#")):
        raise PatchError(
            f"`{source.first_line_of(node)}` is ours, but shares its line with other code",
            file=source.name,
            line=first,
            next_step="give it a line of its own, or delete it by hand",
        )
    if blank_line_too and _is_blank(source, first - 1) and _is_blank(source, last + 1):
        first -= 1  # One of the two came with ours, to keep it apart, as a copy of the other.
    return _whole_lines(source, first, last)


def _parameter(source: Source, item: Found) -> list[Span]:
    """A parameter goes with one comma: the one behind it, or the one before it where none follows."""
    if item.owner is None:
        raise ValueError("a parameter belongs to a function")
    items = read_signature(source, item.owner).items
    index = next(n for n, parameter in enumerate(items) if parameter.start == source.start_of(item.node))
    ours = items[index]
    end = ours.end if ours.comma is None else _after(ours.comma)
    comma = items[index - 1].comma if index else None
    before, after = (
        source.line(ours.start[0]).text[: ours.start[1]].strip(),
        source.line(end[0]).text[end[1] :].strip(),
    )
    if not before and (not after or after.startswith("#")):
        line = _whole_lines(source, ours.start[0], end[0])
        return [line] if ours.comma or comma is None else [_range(source, comma, _after(comma)), line]
    if index + 1 < len(items) and (comma is None or comma[0] != ours.start[0]):
        following = items[index + 1].start
        return [_range(source, ours.start, following if following[0] == end[0] else end)]
    if comma is None:
        return [_range(source, ours.start, end)]
    gap = _range(source, _after(comma), ours.start)
    if source.data[gap.start : gap.end].strip():  # A comment on the line before stays.
        comma_too = [] if ours.comma else [_range(source, comma, _after(comma))]
        return [*comma_too, _range(source, ours.start, end)]
    return [_range(source, _after(comma) if ours.comma else comma, end)]


def _range(source: Source, start: Place, end: Place) -> Span:
    return Span(source.offset(*start), source.offset(*end))


def _whole_lines(source: Source, first: int, last: int) -> Span:
    start, end = source.line(first).offset, source.after_line(last)
    if not source.line(last).end and first > 1:  # The file ended without a line end, and shall again.
        above = source.line(first - 1)
        start = above.offset + len(source.encode(above.text))
    return Span(start, end)


def _is_blank(source: Source, number: int) -> bool:
    return 0 < number <= len(source.lines) and source.line(number).blank


def _after(comma: Place) -> Place:
    return comma[0], comma[1] + 1
