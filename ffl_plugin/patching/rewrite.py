"""One file, in memory: put a recipe's edits in, take them out, and prove both before anything is written."""

from __future__ import annotations

import ast
import builtins
import tokenize
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ffl_plugin.patching.clone import Clone, Definition, classes_above
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.insertion import insertions_for
from ffl_plugin.patching.layout import Insertion, Place, after_comma, read_signature
from ffl_plugin.patching.locate import find_statement
from ffl_plugin.patching.recipe import Edit, Param, Statement
from ffl_plugin.patching.source import DEFINITIONS, Source, find_scope, owner_of
from ffl_plugin.patching.trace import Found, introduced_names, names_read, same_but_for, trace


class Span(NamedTuple):
    """A half-open range of offsets."""

    start: int
    end: int


def add_edits(source: Source, edits: tuple[Edit, ...]) -> bytes:
    """Return the file's bytes with the edits in it.

    Raises:
        PatchError: a place was not found exactly once, or the result could not be proved.
    """
    insertions = [insertion for edit in edits for insertion in insertions_for(source, edit)]
    data, spans = insert(source.data, insertions)
    if delete(data, spans) != source.data:
        raise _unproved(source, "taking the inserted text out does not give the old bytes back")
    added = source.with_bytes(data)
    present = trace(added, edits)
    if not present.applied:
        raise _unproved(source, "an edit is not there exactly once")
    if take_out(added, edits) != source.data:
        raise _unproved(source, "reverting it does not give the old bytes back")
    return data


def take_out(source: Source, edits: tuple[Edit, ...]) -> bytes:
    """Return the file's bytes without the edits that are in it.

    Raises:
        PatchError: a piece of ours was edited or is used by other code, so that it cannot be told apart.
    """
    present = trace(source, edits)
    if present.leftovers:
        first = present.leftovers[0]
        raise PatchError(
            f"`{source.line(first.line).text.strip()}` uses {first.text}, which the patch brought in, but is "
            "not as the patch wrote it",
            file=source.name,
            line=first.line,
            next_step="delete or restore that line by hand, then revert",
        )
    if not present.nodes:
        return source.data
    data = delete(source.data, spans_of(source, present.nodes))
    try:
        rest = source.with_bytes(data)
    except PatchError:
        line = min(found.line for found in present.nodes)
        raise PatchError(
            "cannot stand without the patch's lines, because the code around them has changed",
            file=source.name,
            line=line,
            next_step="take them out by hand",
        ) from None
    if not same_but_for(source.tree, rest.tree, present.nodes):
        raise _unproved(source, "taking the patch out would change other code")
    return data


def require_names_bound(source: Source, edits: tuple[Edit, ...], clone: Clone) -> None:
    """Refuse where inserted code would read a variable or an attribute of ``self`` that nothing binds.

    Raises:
        PatchError: naming it, and the function or class.
    """
    introduced = introduced_names(edits)
    for edit in edits:
        if not isinstance(edit, Statement) or (anchor := edit.after or edit.before) is None:
            continue
        scope = find_scope(source, edit.function)
        statement = find_statement(source, edit.function, anchor)
        line = source.end_of(statement)[0] if edit.after else statement.lineno
        arguments = () if isinstance(scope, ast.Module) else ast.walk(scope.args)
        known = {node.arg for node in arguments if isinstance(node, ast.arg)}
        known.update(name for name, bound in _bindings(scope) if bound <= line)
        known.update(name for name, _ in _bindings(source.tree, functions=False))
        owner = owner_of(source, scope)
        known.update(_attributes(source, owner, clone) if owner is not None else ())
        for name in sorted(names_read(edit) - introduced - known - set(dir(builtins))):
            where = owner.name if owner is not None and name.startswith("self.") else edit.function
            raise PatchError(
                f"{where or 'the module'} does not bind {name}, which the patch needs",
                file=source.name,
                line=line,
            )


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


def insert(data: bytes, insertions: Sequence[Insertion]) -> tuple[bytes, list[Span]]:
    """Return the new bytes, and where in them the inserted text lies; equal offsets keep their order."""
    pieces: list[bytes] = []
    spans: list[Span] = []
    position = length = 0
    for insertion in sorted(insertions, key=lambda item: item.offset):
        pieces += [data[position : insertion.offset], insertion.text]
        length += insertion.offset - position + len(insertion.text)
        spans.append(Span(length - len(insertion.text), length))
        position = insertion.offset
    return b"".join([*pieces, data[position:]]), spans


def delete(data: bytes, spans: Sequence[Span]) -> bytes:
    """Return the bytes without the given ranges, which may touch but not overlap."""
    pieces: list[bytes] = []
    position = 0
    for span in sorted(spans):
        pieces.append(data[position : span.start])
        position = span.end
    return b"".join([*pieces, data[position:]])


def _unproved(source: Source, what: str) -> PatchError:
    return PatchError(
        f"{what}: a defect of ffl-patch", file=source.name, next_step="please report it with the file"
    )


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
    end = ours.end if ours.comma is None else after_comma(ours.comma)
    comma = items[index - 1].comma if index else None
    before, after = (
        source.line(ours.start[0]).text[: ours.start[1]].strip(),
        source.line(end[0]).text[end[1] :].strip(),
    )
    if not before and (not after or after.startswith("#")):
        line = _whole_lines(source, ours.start[0], end[0])
        return [line] if ours.comma or comma is None else [_range(source, comma, after_comma(comma)), line]
    if index + 1 < len(items) and (comma is None or comma[0] != ours.start[0]):
        following = items[index + 1].start
        return [_range(source, ours.start, following if following[0] == end[0] else end)]
    if comma is None:
        return [_range(source, ours.start, end)]
    gap = _range(source, after_comma(comma), ours.start)
    if source.data[gap.start : gap.end].strip():  # A comment on the line before stays.
        comma_too = [] if ours.comma else [_range(source, comma, after_comma(comma))]
        return [*comma_too, _range(source, ours.start, end)]
    return [_range(source, after_comma(comma) if ours.comma else comma, end)]


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


def _bindings(root: ast.AST, *, functions: bool = True) -> Iterator[tuple[str, int]]:
    """Yield each name and each attribute of ``self`` bound below a node, with its line."""
    for node in ast.iter_child_nodes(root):
        if isinstance(node, DEFINITIONS):
            yield node.name, node.lineno
            if not functions:
                continue
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield ast.unparse(node), node.lineno
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], node.lineno
        yield from _bindings(node, functions=functions)


def _attributes(source: Source, owner: ast.ClassDef, clone: Clone) -> set[str]:
    """The attributes of ``self`` that a class and those it inherits from bind, also in other files."""
    return {
        name
        for definition in classes_above(Definition(source, owner), clone)
        for name, _ in _bindings(definition.node)
        if name.startswith("self.")
    }
