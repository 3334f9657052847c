"""Checks that the effect of an inserted statement reaches the backward pass."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ffl_plugin.patches._flow import (
    calls,
    dotted_name,
    is_backward,
    is_later,
    mentions,
    name_of,
    nodes_of_nested,
    place,
    stored,
)
from ffl_plugin.patches._left_before import require_not_left_before
from ffl_plugin.patches._paths import Uses, follow
from ffl_plugin.patches._second_training import refuse_second_training
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.locate import find_statement
from ffl_plugin.patching.recipe import Anchor, Check
from ffl_plugin.patching.source import Scope, blocks_of, find_scope

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)


def loss_reaches_backward(function: str, after: Anchor, carrier: str) -> Check:
    """Refuse if a term added to a loss would not be trained with.

    Below the statement the loss must be backpropagated, returned or passed on, and not be rebound except by
    arithmetic with itself; no branch above may omit it.

    Args:
        function: qualified name.
        after: the statement after which the term is added.
        carrier: the variable, attribute or dict element that the term is added to. ``"losses['FFL']"`` is
            carried only by the whole dict: code that picks elements of it drops the term.
    """
    name, _, element = carrier.partition("[")

    def check(source: Source, clone: Clone) -> None:
        scope = find_scope(source, function)
        anchor = find_statement(source, function, after)
        if name.startswith("self."):  # another method can make it, too
            refuse_second_training(source, clone, scope, name)
        require_not_left_before(source, scope, anchor, name)
        _require_not_bound_again(source, scope, anchor, name, whole=bool(element))
        _require_used(source, scope, anchor, name, whole=bool(element))
        if element:
            _require_returned(source, scope, anchor, name)

    return check


def nothing_undoes(function: str, after: Anchor, patterns: Sequence[str]) -> Check:
    """Refuse if a pattern that undoes an edit occurs below the statement which the edit follows."""

    def check(source: Source, clone: Clone) -> None:
        anchor = find_statement(source, function, after)
        for wanted in patterns:
            for node in pattern.occurrences(wanted, find_scope(source, function)):
                if is_later(source, node, anchor):
                    raise PatchError(
                        f"`{source.first_line_of(node)}` follows `{source.first_line_of(anchor)}`, and would "
                        "undo the patch there",
                        file=source.name,
                        line=node.lineno,
                    )

    return check


def _require_not_bound_again(
    source: Source, function: Scope, anchor: ast.stmt, carrier: str, *, whole: bool
) -> None:
    preserving = {
        id(target)
        for statement in ast.walk(function)
        for target in _targets(statement)
        if dotted_name(target) == carrier and _keeps(statement, carrier, whole=whole)
    }
    used_up = [place(call) for call in calls([function]) if is_backward(call) and mentions(call, {carrier})]
    for name, node in stored(function):
        if name == carrier and not isinstance(node, ast.Subscript) and is_later(source, node, anchor):
            if id(node) in preserving or any(use < place(node) for use in used_up):
                continue
            raise PatchError(
                f"{carrier} is rebound after `{source.first_line_of(anchor)}`, so a term added there would "
                "be lost",
                file=source.name,
                line=node.lineno,
            )


def _targets(statement: ast.AST) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AugAssign) else []


def _keeps(statement: ast.AST, carrier: str, *, whole: bool) -> bool:
    """Whether an assignment to a carrier preserves its content, by arithmetic or in a new container."""
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, _ARITHMETIC)
    value = getattr(statement, "value", statement)
    if whole:
        return mentions(value, {carrier}, whole=True)
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, _ARITHMETIC):
        return False
    dividend = isinstance(value.op, ast.Div)
    return dotted_name(value.left) == carrier or (not dividend and dotted_name(value.right) == carrier)


def _require_used(source: Source, function: Scope, anchor: ast.stmt, carrier: str, *, whole: bool) -> None:
    """Require the carrier to be backpropagated, passed on or returned, or read by another function."""
    uses = follow(function, anchor, carrier, whole=whole)
    if uses.anywhere:
        _require_on_every_path(source, uses, carrier)
        return
    backward = next(filter(is_backward, calls([function])), None)
    callers = [
        node
        for nodes in source.definitions.values()
        for node in nodes
        if isinstance(node, ast.FunctionDef)
        and node is not function
        and _backpropagates_after(node, function)
    ]
    if backward is None and "." in carrier:
        inside = {id(node) for node in ast.walk(function)}
        elsewhere = any(dotted_name(node) == carrier and id(node) not in inside for node in source.nodes)
        found = [
            follow(caller, statement, carrier)
            for caller in callers
            for statement in _statements_that_call(caller, function)
        ]
        if elsewhere and all(each.anywhere for each in found):
            for each in found:
                _require_on_every_path(source, each, carrier)
            return
    because = ""
    if backward is not None and not mentions(backward, {carrier}):
        because = f" (line {backward.lineno} backpropagates something else)"
    raise PatchError(
        f"does not use {carrier} after `{source.first_line_of(anchor)}`{because}, so a term added there "
        "would be lost",
        file=source.name,
        line=anchor.lineno,
    )


def _require_on_every_path(source: Source, uses: Uses, carrier: str) -> None:
    if uses.without is not None:
        raise PatchError(
            f"a branch backpropagates `{source.first_line_of(uses.without)}` and not {carrier}, so it would "
            "omit the term",
            file=source.name,
            line=uses.without.lineno,
        )


def _statements_that_call(caller: ast.FunctionDef, function: Scope) -> list[ast.stmt]:
    return [
        node
        for node in ast.walk(caller)
        if isinstance(node, ast.stmt) and not blocks_of(node) and _calls(node, function)
    ]


def _require_returned(source: Source, function: Scope, anchor: ast.stmt, carrier: str) -> None:
    """Require every return below the anchor to contain the losses, or a value computed from them."""
    nested = nodes_of_nested(function)
    later = [node for node in ast.walk(function) if isinstance(node, ast.stmt) and id(node) not in nested]
    later = sorted((node for node in later if is_later(source, node, anchor)), key=place)
    carriers = {carrier}
    for node in later:
        if isinstance(node, ast.Return) and node.value is not None and not mentions(node, carriers):
            raise PatchError(
                f"returns without {carrier}, and so without the term", file=source.name, line=node.lineno
            )
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and mentions(node, carriers):
            carriers.update(name for name, _ in stored(node))


def _backpropagates_after(caller: ast.FunctionDef, function: Scope) -> bool:
    """Whether a function calls another one and backpropagates."""
    return any(is_backward(call) for call in calls([caller])) and _calls(caller, function)


def _calls(root: ast.AST, function: Scope) -> bool:
    """Whether code calls a function or method of that name."""
    named = (dotted_name(call.func) or "" for call in calls([root]))
    return any(name.rpartition(".")[2] == name_of(function) for name in named)
