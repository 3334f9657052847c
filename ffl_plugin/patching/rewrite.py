"""Edits to one file in memory: insert, remove, and verify before anything is written."""

from __future__ import annotations

import ast
import builtins
import tokenize
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ffl_plugin.patching.clone import Clone, Definition, classes_above, imported_files
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.insertion import insertions_for
from ffl_plugin.patching.layout import Insertion, Place, after_comma, read_signature
from ffl_plugin.patching.locate import find_statement
from ffl_plugin.patching.recipe import Edit, Param, Statement
from ffl_plugin.patching.source import DEFINITIONS, Source, find_scope, owner_of
from ffl_plugin.patching.trace import Found, equal_except, introduced_names, names_read, trace


class Span(NamedTuple):
    """A half-open range of offsets."""

    start: int
    end: int


def add_edits(source: Source, edits: tuple[Edit, ...]) -> bytes:
    """Return the file's bytes with the edits in it.

    Raises:
        PatchError: a place was not found exactly once, or the result failed verification.
    """
    insertions = [insertion for edit in edits for insertion in insertions_for(source, edit)]
    data, spans = insert(source.data, insertions)
    if delete(data, spans) != source.data:
        raise _unverified(source, "removing the inserted text does not restore the old bytes")
    added = source.with_bytes(data)
    if added.fault is not None and source.fault is None:
        raise _unverified(source, f"the patched file would not compile ({added.fault})")
    present = trace(added, edits)
    if not present.applied:
        raise _unverified(source, "an edit is not present exactly once")
    if remove_edits(added, edits) != source.data:
        raise _unverified(source, "reverting does not restore the old bytes")
    return data


def remove_edits(source: Source, edits: tuple[Edit, ...]) -> bytes:
    """Return the file's bytes without the edits.

    Raises:
        PatchError: part of the patch was edited, or other code uses it.
    """
    present = trace(source, edits)
    if present.leftovers:
        first = present.leftovers[0]
        raise PatchError(
            f"`{source.line(first.line).text.strip()}` uses {first.text}, which the patch introduced, but is "
            "not a line of the patch",
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
            "is not valid Python without the patch's lines, because the code around them has changed",
            file=source.name,
            line=line,
            next_step="remove them by hand",
        ) from None
    if not equal_except(source.tree, rest.tree, present.nodes):
        raise _unverified(source, "removing the patch would change other code")
    return data


def require_names_bound(source: Source, edits: tuple[Edit, ...], clone: Clone) -> None:
    """Refuse if inserted code would read an unbound variable or attribute of ``self``.

    Raises:
        PatchError: naming it and the function or class, or an imported file that cannot be parsed.
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
            inherited = owner is not None and name.startswith("self.")
            for file in sorted(imported_files(source, clone) if inherited else ()):
                clone.source(file)  # a class in a file that cannot be parsed may bind it
            where = owner.name if owner is not None and inherited else edit.function
            raise PatchError(
                f"{where or 'the module'} does not bind {name}, which the patch needs",
                file=source.name,
                line=line,
            )


def spans_of(source: Source, found: Sequence[Found]) -> list[Span]:
    """Return the byte ranges to delete, covering exactly the given nodes.

    Raises:
        PatchError: a node shares its line with the user's code.
    """
    return [span for item in found for span in _spans(source, item)]


def comments_in(source: Source, found: Sequence[Found]) -> list[int]:
    """Return the lines of comments that are deleted with the nodes and are not the patch's."""
    lines = []
    for item in found:
        start, end = source.start_of(item.node), (source.end_of(item.node)[0] + 1, 0)
        own = getattr(item.edit, "comment", None)
        for token in source.tokens_between(start, end):
            if token.type == tokenize.COMMENT and token.string.strip("# \t") != own:
                lines.append(token.start[0])
    return lines


def insert(data: bytes, insertions: Sequence[Insertion]) -> tuple[bytes, list[Span]]:
    """Return the new bytes and the spans of inserted text in them; equal offsets keep their order."""
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


def _unverified(source: Source, what: str) -> PatchError:
    return PatchError(
        f"{what}: this is a bug in ffl-patch", file=source.name, next_step="please report it with the file"
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
            f"`{source.first_line_of(node)}` belongs to the patch, but shares its line with other code",
            file=source.name,
            line=first,
            next_step="move it to its own line, or delete it by hand",
        )
    if blank_line_too and _is_blank(source, first - 1) and _is_blank(source, last + 1):
        first -= 1  # one of the two blank lines was inserted, as a copy of the other
    return _whole_lines(source, first, last)


def _parameter(source: Source, item: Found) -> list[Span]:
    """A parameter is removed with one comma: the one after it, else the one before it."""
    if item.owner is None:
        raise ValueError("a parameter belongs to a function")
    items = read_signature(source, item.owner).items
    index = next(n for n, parameter in enumerate(items) if parameter.start == source.start_of(item.node))
    added = items[index]
    end = added.end if added.comma is None else after_comma(added.comma)
    comma = items[index - 1].comma if index else None
    before, after = (
        source.line(added.start[0]).text[: added.start[1]].strip(),
        source.line(end[0]).text[end[1] :].strip(),
    )
    if not before and (not after or after.startswith("#")):
        line = _whole_lines(source, added.start[0], end[0])
        return [line] if added.comma or comma is None else [_range(source, comma, after_comma(comma)), line]
    if index + 1 < len(items) and (comma is None or comma[0] != added.start[0]):
        following = items[index + 1].start
        return [_range(source, added.start, following if following[0] == end[0] else end)]
    if comma is None:
        return [_range(source, added.start, end)]
    gap = _range(source, after_comma(comma), added.start)
    if source.data[gap.start : gap.end].strip():  # keep a comment on the line before
        comma_too = [] if added.comma else [_range(source, comma, after_comma(comma))]
        return [*comma_too, _range(source, added.start, end)]
    return [_range(source, after_comma(comma) if added.comma else comma, end)]


def _range(source: Source, start: Place, end: Place) -> Span:
    return Span(source.offset(*start), source.offset(*end))


def _whole_lines(source: Source, first: int, last: int) -> Span:
    start, end = source.line(first).offset, source.after_line(last)
    if not source.line(last).end and first > 1:  # restore the missing newline at the end of the file
        above = source.line(first - 1)
        start = above.offset + len(source.encode(above.text))
    return Span(start, end)


def _is_blank(source: Source, number: int) -> bool:
    return 0 < number <= len(source.lines) and source.line(number).blank


def _bindings(root: ast.AST, *, functions: bool = True) -> Iterator[tuple[str, int]]:
    """Yield each name and attribute of ``self`` bound below a node, with its line."""
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
    """Return the attributes of ``self`` bound by a class and its bases, also in other files."""
    return {
        name
        for definition in classes_above(Definition(source, owner), clone)
        for name, _ in _bindings(definition.node)
        if name.startswith("self.")
    }
