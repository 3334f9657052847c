"""Whether what an inserted statement adds gets to the backward pass, so that nothing trains without it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Optional, Union

from ffl_plugin.patching import pattern
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import Statement
from ffl_plugin.patching.scope import Function, definitions, path_to
from ffl_plugin.patching.source import Source

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_OF_ALL_ELEMENTS = frozenset({"items", "values", "copy"})
_SHOWING = frozenset({"print", "float", "str", "repr", "format", "len", "isinstance", "round", "getattr"})


def require_effect(source: Source, function: Function, anchor: ast.stmt, edit: Statement) -> None:
    """Refuse a statement after an anchor where what it does would be lost or undone.

    Raises:
        PatchError: naming the line that goes without it.
    """
    if edit.feeds is not None:
        carrier = edit.feeds.partition("[")[0]
        _require_not_left_before(source, function, anchor, carrier)
        _require_not_bound_again(source, function, anchor, edit.feeds)
        _require_used(source, function, anchor, edit.feeds)
        if carrier != edit.feeds:
            _require_returned(source, function, anchor, carrier)
    for wanted in edit.follows:
        for node in pattern.occurrences(wanted, function):
            if _is_later(source, node, anchor):
                raise PatchError(
                    f"`{source.first_line_of(node)}` comes after `{source.first_line_of(anchor)}`, "
                    "and would undo what the patch does there",
                    file=source.name,
                    line=node.lineno,
                )


def _require_not_left_before(source: Source, function: Function, anchor: ast.stmt, carrier: str) -> None:
    """A branch above the anchor that makes a loss and returns goes without the term.

    Other phases of a function have losses of their own; those of the anchor's phase have not.
    """
    nested = _nested(function)
    phase = _phase_of(function, anchor)
    for branch in ast.walk(function):
        for block in _blocks(branch) if id(branch) not in nested else ():
            leaves = next((node for node in block if isinstance(node, ast.Return)), None)
            if leaves is None or _is_later(source, leaves, anchor) or block is function.body:
                continue
            if any(name == carrier for node in block for name, _ in _stored(node)):
                raise PatchError(
                    f"returns with {carrier} of its own, which would go without the term",
                    file=source.name,
                    line=leaves.lineno,
                )
            for call in _calls(block):
                if (
                    (_is_backward(call) and _is_inside(call, phase))
                    or _trains(source, call, carrier)
                    or (_is_method(call) and _is_inside(call, leaves))
                ):
                    raise PatchError(
                        f"leaves {function.name} before the loss is made, with "
                        f"`{source.first_line_of(call)}`, which would go without the term",
                        file=source.name,
                        line=call.lineno,
                    )


def _phase_of(function: Function, anchor: ast.stmt) -> ast.AST:
    """The outermost branch of a function in which a statement is; the function where it is in none."""
    for _, statement in path_to(function.body, anchor):
        if statement is not anchor and not isinstance(statement, (ast.With, ast.AsyncWith)):
            return statement
    return function


def _trains(source: Source, call: ast.Call, carrier: str) -> bool:
    """Whether a call is of a method of the object that backpropagates or makes the loss."""
    methods = [node for name, node in definitions(source.tree) if "." in name] if _is_method(call) else []
    return any(
        any(_is_backward(inner) for inner in _calls([method]))
        or any(name == carrier for name, _ in _stored(method))
        for method in methods
        if isinstance(method, ast.FunctionDef) and f"self.{method.name}" == _names(call.func)
    )


def _is_method(call: ast.Call) -> bool:
    return (_names(call.func) or "").startswith("self.")


def _is_inside(node: ast.AST, root: ast.AST) -> bool:
    return any(inner is node for inner in ast.walk(root))


def _calls(roots: Sequence[ast.AST]) -> Iterator[ast.Call]:
    for root in roots:
        yield from (node for node in ast.walk(root) if isinstance(node, ast.Call))


def _require_not_bound_again(source: Source, function: Function, anchor: ast.stmt, feeds: str) -> None:
    carrier, _, element = feeds.partition("[")
    kept = {
        id(target)
        for statement in ast.walk(function)
        for target in _targets(statement)
        if _names(target) == carrier and _keeps(statement, carrier, whole=bool(element))
    }
    used_up = [
        _place(call) for call in _calls([function]) if _is_backward(call) and _mentions(call, {carrier})
    ]
    for name, node in _stored(function):
        if name == carrier and not isinstance(node, ast.Subscript) and _is_later(source, node, anchor):
            if id(node) in kept or any(place < _place(node) for place in used_up):
                continue
            raise PatchError(
                f"{carrier} is bound again after `{source.first_line_of(anchor)}`, so a term added there "
                "would get lost",
                file=source.name,
                line=node.lineno,
            )


def _targets(statement: ast.AST) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AugAssign) else []


def _keeps(statement: ast.AST, carrier: str, *, whole: bool) -> bool:
    """Whether an assignment to a carrier keeps what is in it, by arithmetic or in a new container."""
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, _ARITHMETIC)
    value = getattr(statement, "value", statement)
    if whole:
        return _mentions(value, {carrier}, whole=True)
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, _ARITHMETIC):
        return False
    dividend = isinstance(value.op, ast.Div)
    return _names(value.left) == carrier or (not dividend and _names(value.right) == carrier)


def _require_used(source: Source, function: Function, anchor: ast.stmt, feeds: str) -> None:
    """The carrier must be backpropagated, handed on or returned; if nothing is, another function reads it."""
    carrier, _, element = feeds.partition("[")
    if _reaches_an_end(function, carrier, source.end_of(anchor), whole=bool(element)):
        return
    backward = next(
        (node for node in ast.walk(function) if isinstance(node, ast.Call) and _is_backward(node)), None
    )
    callers = [
        node
        for _, node in definitions(source.tree)
        if isinstance(node, ast.FunctionDef)
        and node is not function
        and _backpropagates_after(node, function)
    ]
    if backward is None and "." in carrier:
        inside = {id(node) for node in ast.walk(function)}
        elsewhere = any(_names(node) == carrier and id(node) not in inside for node in source.nodes)
        if elsewhere and all(_reaches_an_end(caller, carrier, (0, 0), whole=False) for caller in callers):
            return
    because = ""
    if backward is not None and not _mentions(backward, {carrier}):
        because = f" (line {backward.lineno} backpropagates something else)"
    raise PatchError(
        f"does not use {carrier} after `{source.first_line_of(anchor)}`{because}, so a term added there "
        "would get lost",
        file=source.name,
        line=anchor.lineno,
    )


def _require_returned(source: Source, function: Function, anchor: ast.stmt, carrier: str) -> None:
    """A container of losses, or what is made from it, must be in whatever is returned below the anchor."""
    nested = _nested(function)
    later = [node for node in ast.walk(function) if isinstance(node, ast.stmt) and id(node) not in nested]
    later = sorted((node for node in later if _is_later(source, node, anchor)), key=_place)
    carriers = {carrier}
    for node in later:
        if isinstance(node, ast.Return) and node.value is not None and not _mentions(node, carriers):
            raise PatchError(
                f"returns without {carrier}, and so without the term", file=source.name, line=node.lineno
            )
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and _mentions(node, carriers):
            carriers.update(name for name, _ in _stored(node))


def _nested(function: Function) -> set[int]:
    """Nodes of the functions that are defined in a function."""
    return {
        id(node)
        for inner in ast.walk(function)
        if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and inner is not function
        for node in ast.walk(inner)
    }


def _backpropagates_after(caller: ast.FunctionDef, function: Function) -> bool:
    """Whether a function calls another one and backpropagates itself."""
    calls = list(_calls([caller]))
    return any(_is_backward(call) for call in calls) and any(
        (_names(call.func) or "").rpartition(".")[2] == function.name for call in calls
    )


def _reaches_an_end(function: Function, carrier: str, start: tuple[int, int], *, whole: bool) -> bool:
    """Follow a value down a function through assignments and containers, to where it is used up.

    With ``whole`` the carrier is a container: who reads only an element of it does not get the value.
    """
    carriers = {carrier}
    nodes = [node for node in ast.walk(function) if isinstance(node, (ast.stmt, ast.Call, ast.withitem))]
    for node in sorted(nodes, key=_place):
        if _place(node) < start or not _mentions(node, carriers, whole=whole):
            continue
        if isinstance(node, ast.Return) or (
            isinstance(node, ast.Call) and (_is_backward(node) or _hands_on(node, carriers, whole=whole))
        ):
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            receiver = getattr(node.value.func, "value", None)  # losses.append(loss)
            carriers.update(name for name in [_names(receiver)] if name is not None)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.withitem)):
            carriers.update(name for name, _ in _stored(node))
    return False


def _hands_on(call: ast.Call, carriers: set[str], *, whole: bool) -> bool:
    """Whether a method of the object, or a function that is not one for showing, is given a carrier."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not any(_mentions(argument, carriers, whole=whole) for argument in given):
        return False
    name = _names(call.func)
    return name is not None and (name.startswith("self.") or "." not in name) and name not in _SHOWING


def _is_backward(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] == "backward"


def _mentions(root: ast.AST, carriers: set[str], *, whole: bool = False) -> bool:
    read_in_part = {
        id(node.value)
        for node in ast.walk(root)
        if whole and isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Load)
        if getattr(node, "attr", "") not in _OF_ALL_ELEMENTS
    }
    return any(_names(node) in carriers and id(node) not in read_in_part for node in ast.walk(root))


def _names(node: object) -> Optional[str]:
    """The dotted name that a node is; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := _names(node.value)) is not None:
        return f"{owner}.{node.attr}"
    return None


def _stored(root: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield every name that is bound below a node; an element stands for its container."""
    for node in ast.walk(root):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            inner = node
            while isinstance(inner, (ast.Subscript, ast.Starred)):
                inner = inner.value
            name = _names(inner)
            if name is not None and isinstance(node, ast.expr):
                yield name, node


def _blocks(node: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value


def _is_later(source: Source, node: Union[ast.expr, ast.stmt], anchor: ast.stmt) -> bool:
    return source.start_of(node) > source.end_of(anchor)


def _place(node: ast.AST) -> tuple[int, int]:
    place = node.context_expr if isinstance(node, ast.withitem) else node
    return place.lineno, place.col_offset  # type: ignore[attr-defined]
