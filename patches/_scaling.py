"""Remarks on repositories that scale the loss including the term, which changes the weight's meaning."""

from __future__ import annotations

import ast
from typing import Optional

from ffl_plugin.patches._flow import dotted_name, mentions
from ffl_plugin.patching import Clone, PatchError, Source
from ffl_plugin.patching.locate import find_statement
from ffl_plugin.patching.recipe import Anchor, Remark
from ffl_plugin.patching.source import find_scope

_METHODS = frozenset({"mul", "mul_", "div", "div_"})


def loss_is_scaled(function: str, after: Anchor, carrier: str, *, usual: tuple[str, ...] = ()) -> Remark:
    """Remark if the loss is multiplied or divided below the statement after which the term is added.

    Args:
        function: qualified name.
        after: that statement.
        carrier: the variable or attribute of the loss.
        usual: names of the upstream's own factors.
    """

    def remark(source: Source, clone: Clone) -> Optional[str]:
        try:
            end = source.end_of(find_statement(source, function, after))
        except PatchError:
            return None  # the checks say why
        for node in ast.walk(find_scope(source, function)):
            factor = _factor(node, carrier)
            if factor is not None and dotted_name(factor) not in usual and source.start_of(node) > end:
                place = f"{source.name}:{getattr(node, 'lineno', 0)}"
                return (
                    f"{place}: `{ast.unparse(node)}` scales {carrier} including the term, so --ffl-weight is "
                    "scaled likewise"
                )
        return None

    return remark


def _factor(node: ast.AST, carrier: str) -> Optional[ast.expr]:
    """Return the factor or divisor of a loss in an expression, or None."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        if mentions(node.left, {carrier}):
            return node.right
        return node.left if isinstance(node.op, ast.Mult) and mentions(node.right, {carrier}) else None
    if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Mult, ast.Div)):
        return node.value if dotted_name(node.target) == carrier else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        return node.args[0] if node.args and mentions(node.func.value, {carrier}) else None
    return None
