"""One file, in memory: put a recipe's edits in, take them out, and prove both before anything is written."""

from __future__ import annotations

import ast

from ffl_plugin.patching import splice
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.insertion import insertions_for
from ffl_plugin.patching.recipe import Edit
from ffl_plugin.patching.removal import spans_of
from ffl_plugin.patching.source import Source
from ffl_plugin.patching.trace import dump_without, trace


def add_edits(source: Source, edits: tuple[Edit, ...]) -> bytes:
    """Return the file's bytes with the edits in it.

    Raises:
        PatchError: a place was not found exactly once, or the result could not be proved.
    """
    insertions = [insertion for edit in edits for insertion in insertions_for(source, edit)]
    data, spans = splice.insert(source.data, insertions)
    if splice.delete(data, spans) != source.data:
        raise _unproved(source, "taking the inserted text out does not give the old bytes back")
    added = Source(data, source.name)
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
    data = splice.delete(source.data, spans_of(source, present.nodes))
    try:
        tree = Source(data, source.name).tree
    except PatchError:
        line = min(found.line for found in present.nodes)
        raise PatchError(
            "cannot stand without the patch's lines, because the code around them has changed",
            file=source.name,
            line=line,
            next_step="take them out by hand",
        ) from None
    old = Source(source.data, source.name)
    if ast.dump(tree) != dump_without(old.tree, trace(old, edits).nodes):
        raise _unproved(source, "taking the patch out would change other code")
    return data


def _unproved(source: Source, what: str) -> PatchError:
    return PatchError(
        f"{what}: a defect of ffl-patch", file=source.name, next_step="please report it with the file"
    )
