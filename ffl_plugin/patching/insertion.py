"""Turns an edit of a recipe into bytes at an offset, in the style of the file."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Sequence
from typing import Optional

from ffl_plugin.patching.layout import (
    Insertion,
    Item,
    Signature,
    after_comma,
    after_line,
    at_the_end,
    before_line,
    line_after,
    line_before,
    read_signature,
)
from ffl_plugin.patching.locate import find_decorator, find_statement, path_to
from ffl_plugin.patching.recipe import Decorator, Edit, Import, Param, Statement
from ffl_plugin.patching.source import DEFINITIONS, Scope, Source, blocks_of, find_function, find_scope

_FOUR_SPACES = "    "


def insertions_for(source: Source, edit: Edit) -> list[Insertion]:
    """Return the insertions of one edit.

    Raises:
        PatchError: its place was not found exactly once, or shares its line with other code.
    """
    if isinstance(edit, Import):
        return [_import(source, edit)]
    if isinstance(edit, Param):
        return _param_insertions(source, edit)
    if isinstance(edit, Decorator):
        return [line_after(source, find_decorator(source, edit.function, edit.after), f"@{edit.code}")]
    return [_statement(source, edit)]


def _import(source: Source, edit: Import) -> Insertion:
    """Insert below the last absolute import above any definition, else before relative ones, else on top."""
    body = source.tree.body
    if not body:
        return at_the_end(source, edit.code)
    header = body[
        : next((index for index, node in enumerate(body) if isinstance(node, DEFINITIONS)), len(body))
    ]
    absolute = [
        node
        for node in header
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level)
    ]
    relative = [node for node in header if isinstance(node, ast.ImportFrom) and node.level]
    if relative and all(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in absolute
    ):
        return line_before(source, relative[0], edit.code)
    if absolute:
        return line_after(source, absolute[-1], edit.code)
    if ast.get_docstring(source.tree, clean=False) is not None:
        return line_after(source, body[0], edit.code)
    decorators = getattr(body[0], "decorator_list", [])
    return line_before(source, decorators[0] if decorators else body[0], edit.code)


def _statement(source: Source, edit: Statement) -> Insertion:
    scope = find_scope(source, edit.function)
    code = _with_quotes(edit.code, _preferred_quote(source))
    code = _with_unit(code, _indentation_unit(source, scope))
    comment = "" if edit.comment is None else f"{_comment_gap(source)}# {edit.comment}"
    if edit.before is not None:
        return line_before(source, find_statement(source, edit.function, edit.before), code + comment)
    if edit.after is None:
        raise ValueError(f"the recipe defines neither `after` nor `before` for `{edit.code}`")
    anchor = find_statement(source, edit.function, edit.after)
    siblings = path_to(scope.body, anchor)[-1][0]
    code = _aligned_with_siblings(source, siblings, anchor, code)
    return line_after(source, anchor, code + comment)


def _aligned_with_siblings(source: Source, block: Sequence[ast.stmt], anchor: ast.stmt, code: str) -> str:
    """Align ``=`` if the assignments directly above are aligned with each other."""
    added = ast.parse(code).body[0]
    if not isinstance(added, ast.Assign) or len(added.targets) != 1:
        return code
    run: list[tuple[int, int, int]] = []
    for statement in reversed(block[: block.index(anchor) + 1]):
        shape = _assignment_shape(source, statement)
        if shape is None or (run and run[-1][0] != shape[0] + 1):
            break
        run.append(shape)
    widths = {width for _, width, _ in run}
    columns = {column for _, _, column in run}
    if len(widths) < 2 or len(columns) != 1:
        return code
    return _aligned(ast.unparse(added.targets[0]), ast.unparse(added.value), columns.pop())


def _param_insertions(source: Source, edit: Param) -> list[Insertion]:
    """Return the insertions that add a parameter: one, or two if a comma is added separately."""
    signature = read_signature(source, find_function(source, edit.function))
    if not signature.items:
        return [Insertion(source.offset(*signature.open), source.encode(edit.code))]
    last = signature.items[-1]
    if last.name.startswith("**"):
        if signature.one_per_line:
            model = signature.items[-2] if len(signature.items) > 1 else last
            return [before_line(source, last.start[0], _line(source, edit, model, last, comma=True))]
        gap = _gap_before(source, signature, last)
        return [Insertion(source.offset(*last.start), source.encode(f"{edit.code},{gap}"))]
    if signature.one_per_line or signature.stacked:
        return _on_own_line(source, edit, signature, last)
    if last.comma:
        return [Insertion(source.offset(*after_comma(last.comma)), source.encode(f" {edit.code},"))]
    return [Insertion(source.offset(*last.end), source.encode(f", {edit.code}"))]


def _on_own_line(source: Source, edit: Param, signature: Signature, last: Item) -> list[Insertion]:
    line = _line(source, edit, last, last, comma=last.comma is not None)
    if last.end[0] == signature.close[0]:  # the closing parenthesis stays last
        end = after_comma(last.comma) if last.comma else last.end
        text = f"{'' if last.comma else ','}{source.newline_at(end[0])}{line}"
        return [Insertion(source.offset(*end), source.encode(text))]
    if last.comma:
        return [after_line(source, last.comma[0], line)]
    return [Insertion(source.offset(*last.end), b","), after_line(source, last.end[0], line)]


def _line(source: Source, edit: Param, model: Item, neighbour: Item, *, comma: bool) -> str:
    """Return the parameter, indented like its neighbour, with spacing and comment like the model's."""
    text = source.line(neighbour.start[0]).text[: neighbour.start[1]]
    indentation = text if text.isspace() or not text else " " * len(text)
    gap = _gap_before_comment(source, model)
    comment = f"{gap}# {edit.comment}" if edit.comment and gap else ""
    return f"{indentation}{_code(source, edit, model)}{',' if comma else ''}{comment}"


def _code(source: Source, edit: Param, model: Item) -> str:
    """Return ``name=default`` with the spacing and column of another parameter."""
    name, default = edit.code.split("=", 1)
    equals = next((t for t in source.tokens_between(model.start, model.end) if t.string == "="), None)
    if equals is None or source.line(equals.start[0]).text[equals.start[1] - 1] != " ":
        return edit.code
    return _aligned(name, default, equals.start[1] - model.start[1])


def _gap_before(source: Source, signature: Signature, last: Item) -> str:
    """Return the white space before the last parameter; a space if the comma is on another line."""
    comma = signature.items[-2].comma if len(signature.items) > 1 else None
    if comma is None or comma[0] != last.start[0]:
        return " "
    return source.line(comma[0]).text[comma[1] + 1 : last.start[1]]


def _gap_before_comment(source: Source, item: Item) -> str:
    """Return the white space between a parameter's comma and its comment; empty without a comment."""
    end = item.comma or item.end
    rest = source.line(end[0]).text[end[1] :].lstrip(",")
    return rest[: len(rest) - len(rest.lstrip())] if rest.lstrip().startswith("#") else ""


def _indentation_unit(source: Source, scope: Scope) -> str:
    """Return one unit of indentation inside a function: spaces or a tab."""
    outer: ast.AST = scope
    if isinstance(scope, ast.Module):  # not indented: use the module's first block
        outer = next((node for node in scope.body if blocks_of(node)), scope)
    blocks = blocks_of(outer)
    if isinstance(outer, ast.Module) or not blocks:
        return _FOUR_SPACES
    before = source.line(outer.lineno).indentation  # type: ignore[attr-defined]
    inner = source.line(blocks[0][0].lineno).indentation
    return inner[len(before) :] if inner.startswith(before) and len(inner) > len(before) else _FOUR_SPACES


def _preferred_quote(source: Source) -> str:
    """Return the quote used by most short strings in the file; a single quote if tied."""
    counts = {"'": 0, '"': 0}
    for token in source.tokens:
        text = token.string.lstrip("rRbBuUfF")
        if token.type == tokenize.STRING and text[:3] not in ("'''", '"""'):
            counts[text[0]] += 1
    return '"' if counts['"'] > counts["'"] else "'"


def _comment_gap(source: Source) -> str:
    """Return the white space before ``#`` in most of the file's comments."""
    gaps = [
        len(match.group(1))
        for token in source.tokens
        if token.type == tokenize.COMMENT and (match := re.search(r"\S(\s+)$", token.line[: token.start[1]]))
    ]
    return " " if gaps.count(1) > len(gaps) / 2 else "  "


def _with_quotes(code: str, quote: str) -> str:
    """Convert a recipe's code from single quotes to the file's quotes."""
    lines = code.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(code).readline))):
        body = token.string[1:-1]
        if token.type == tokenize.STRING and token.string[0] == "'" and not set(body) & {"\\", quote}:
            row, start, end = token.start[0] - 1, token.start[1], token.end[1]
            lines[row] = f"{lines[row][:start]}{quote}{body}{quote}{lines[row][end:]}"
    return "".join(lines)


def _with_unit(code: str, unit: str) -> str:
    """Convert a recipe's code from four spaces to the file's unit of indentation."""

    def reindent(line: str) -> str:
        body = line.lstrip(" ")
        return unit * ((len(line) - len(body)) // len(_FOUR_SPACES)) + body

    return "".join(map(reindent, code.splitlines(keepends=True)))


def _aligned(name: str, value: str, column: int) -> str:
    """Return ``name = value`` with ``=`` at a column (0-based, from the start of the name)."""
    return f"{name.ljust(column - 1)} = {value}"


def _assignment_shape(source: Source, node: ast.stmt) -> Optional[tuple[int, int, int]]:
    """Return line, width of the target and column of ``=`` (from the target's start) of an assignment.

    None for other statements, and assignments with several targets or lines.
    """
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or node.lineno != node.end_lineno:
        return None
    start, end = source.start_of(node), source.end_of(node.targets[0])
    equals = next(
        token for token in source.tokens_between(end, source.start_of(node.value)) if token.string == "="
    )
    return node.lineno, end[1] - start[1], equals.start[1] - start[1]
