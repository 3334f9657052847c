"""From an edit of a recipe to bytes at an offset, in the style of the place."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ffl_plugin.patching import style
from ffl_plugin.patching.effect import require_effect
from ffl_plugin.patching.lines import at_the_end, line_after, line_before
from ffl_plugin.patching.locate import find_decorator, find_statement
from ffl_plugin.patching.parameter import param_insertions
from ffl_plugin.patching.recipe import Decorator, Edit, Import, Param, Statement
from ffl_plugin.patching.scope import DEFINITIONS, find_function, path_to
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.splice import Insertion


def insertions_for(source: Source, edit: Edit) -> list[Insertion]:
    """Return what has to be inserted where for one edit.

    Raises:
        PatchError: its place was not found exactly once, or leaves no room for a line of its own.
    """
    if isinstance(edit, Import):
        return [_import(source, edit)]
    if isinstance(edit, Param):
        return param_insertions(source, edit)
    if isinstance(edit, Decorator):
        return [line_after(source, find_decorator(source, edit.function, edit.after), f"@{edit.code}")]
    return [_statement(source, edit)]


def _import(source: Source, edit: Import) -> Insertion:
    """After the last absolute import above the first definition; else before the relative ones, or on top."""
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
    function = find_function(source, edit.function)
    code = style.with_quotes(edit.code, style.preferred_quote(source))
    code = style.with_unit(code, style.indentation_unit(source, function))
    comment = "" if edit.comment is None else f"{style.comment_gap(source)}# {edit.comment}"
    if edit.before is not None:
        return line_before(source, find_statement(source, edit.function, edit.before), code + comment)
    if edit.after is None:
        raise ValueError(f"the recipe gives `{edit.code}` neither a statement to follow nor one to precede")
    anchor = find_statement(source, edit.function, edit.after)
    require_effect(source, function, anchor, edit)
    siblings = path_to(function.body, anchor)[-1][0]
    code = _aligned_with_siblings(source, siblings, anchor, code)
    return line_after(source, anchor, code + comment)


def _aligned_with_siblings(source: Source, block: Sequence[ast.stmt], anchor: ast.stmt, code: str) -> str:
    """Align ``=`` where the assignments right above are aligned with each other."""
    ours = ast.parse(code).body[0]
    if not isinstance(ours, ast.Assign) or len(ours.targets) != 1:
        return code
    run: list[tuple[int, int, int]] = []
    for statement in reversed(block[: block.index(anchor) + 1]):
        shape = style.assignment_shape(source, statement)
        if shape is None or (run and run[-1][0] != shape[0] + 1):
            break
        run.append(shape)
    widths = {width for _, width, _ in run}
    columns = {column for _, _, column in run}
    if len(widths) < 2 or len(columns) != 1:
        return code
    return style.aligned(ast.unparse(ours.targets[0]), ast.unparse(ours.value), columns.pop())
