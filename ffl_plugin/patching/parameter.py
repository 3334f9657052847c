"""A new parameter, last in a signature, written as the parameters before it are."""

from __future__ import annotations

from ffl_plugin.patching import style
from ffl_plugin.patching.lines import after_line, before_line
from ffl_plugin.patching.recipe import Param
from ffl_plugin.patching.scope import find_function
from ffl_plugin.patching.signature import Item, Place, Signature, read_signature
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.splice import Insertion


def param_insertions(source: Source, edit: Param) -> list[Insertion]:
    """Return the insertions that add a parameter: one, or two where a comma has to be added on its own."""
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
        return _on_a_line_of_its_own(source, edit, signature, last)
    if last.comma:
        return [Insertion(source.offset(*_after(last.comma)), source.encode(f" {edit.code},"))]
    return [Insertion(source.offset(*last.end), source.encode(f", {edit.code}"))]


def _on_a_line_of_its_own(source: Source, edit: Param, signature: Signature, last: Item) -> list[Insertion]:
    line = _line(source, edit, last, last, comma=last.comma is not None)
    if last.end[0] == signature.close[0]:  # The parenthesis closes behind the last parameter, and stays last.
        end = _after(last.comma) if last.comma else last.end
        text = f"{'' if last.comma else ','}{source.newline_at(end[0])}{line}"
        return [Insertion(source.offset(*end), source.encode(text))]
    if last.comma:
        return [after_line(source, last.comma[0], line)]
    return [Insertion(source.offset(*last.end), b","), after_line(source, last.end[0], line)]


def _line(source: Source, edit: Param, model: Item, neighbour: Item, *, comma: bool) -> str:
    """The parameter, indented like its neighbour, with spaces and comment as its model has them."""
    text = source.line(neighbour.start[0]).text[: neighbour.start[1]]
    indentation = text if text.isspace() or not text else " " * len(text)
    gap = _gap_before_comment(source, model)
    comment = f"{gap}# {edit.comment}" if edit.comment and gap else ""
    return f"{indentation}{_code(source, edit, model)}{',' if comma else ''}{comment}"


def _code(source: Source, edit: Param, model: Item) -> str:
    """``name=default`` with the spaces and the column of another parameter."""
    name, default = edit.code.split("=", 1)
    equals = next((t for t in source.tokens_between(model.start, model.end) if t.string == "="), None)
    if equals is None or source.line(equals.start[0]).text[equals.start[1] - 1] != " ":
        return edit.code
    return style.aligned(name, default, equals.start[1] - model.start[1])


def _gap_before(source: Source, signature: Signature, last: Item) -> str:
    """The white space before the last parameter; a space where the comma is on another line."""
    comma = signature.items[-2].comma if len(signature.items) > 1 else None
    if comma is None or comma[0] != last.start[0]:
        return " "
    return source.line(comma[0]).text[comma[1] + 1 : last.start[1]]


def _gap_before_comment(source: Source, item: Item) -> str:
    """The white space between a parameter's comma and the comment behind it; empty without a comment."""
    end = item.comma or item.end
    rest = source.line(end[0]).text[end[1] :].lstrip(",")
    return rest[: len(rest) - len(rest.lstrip())] if rest.lstrip().startswith("#") else ""


def _after(comma: Place) -> Place:
    return comma[0], comma[1] + 1
