"""Status of recipes in a clone, and the upstream commits that its files match."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.patching.apply import FileStatus, Status, adapted, installed_status
from ffl_plugin.patching.clone import Clone, open_clone
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import File, Recipe, Version
from ffl_plugin.patching.rewrite import remove_edits
from ffl_plugin.patching.search import Ambiguous, find_patched


def status(recipe: Recipe, root: Union[Path, Clone], beside: Sequence[Recipe] = ()) -> Status:
    """Return the status of a recipe, or of an earlier revision of it, in a clone.

    Args:
        recipe: the recipe.
        root: the folder of the clone.
        beside: other recipes, whose edits to the same files do not count as drift.

    Raises:
        PatchError: several clones below the folder contain the patch.
    """
    clone = open_clone(root)
    current = installed_status(recipe, clone)
    files = tuple(
        replace(entry, version=_version(current.recipe, file, entry, clone, beside))
        for file, entry in zip(current.recipe.files, current.files)
    )
    return replace(current, files=files, notes=clone.notes)


def patched_by(recipes: Sequence[Recipe], root: Union[Path, Clone]) -> list[Recipe]:
    """Return the recipes with any trace in a clone.

    Raises:
        PatchError: several clones below the folder contain the patch.
    """
    clone = open_clone(root)
    return [recipe for recipe in recipes if _has_traces(recipe, clone)]


def _has_traces(recipe: Recipe, clone: Clone) -> bool:
    try:
        return bool(find_patched(clone, recipe)[0])
    except Ambiguous:  # adapted to the clone, the recipe may have a file for each of the places
        return bool(find_patched(clone, adapted(recipe, clone))[0])


def blob_id(data: bytes) -> str:
    """Return the id of content as ``git hash-object`` prints it (SHA-1)."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def known_version(recipe: Recipe, path: str, data: bytes) -> Optional[Version]:
    """Return the newest tested version whose file has this content, ignoring Windows line ends.

    Args:
        recipe: the recipe with its tested versions.
        path: the file's path in the recipe.
        data: the content, without the patch.
    """
    ids = {blob_id(data), blob_id(data.replace(b"\r\n", b"\n"))}
    for version in recipe.versions:
        if any(name == path and blob in ids for name, blob in version.blobs):
            return version
    return None


def _version(
    recipe: Recipe, file: File, entry: FileStatus, clone: Clone, beside: Sequence[Recipe]
) -> Optional[Version]:
    """Return the tested version that a file matches without this recipe's and other recipes' edits."""
    if entry.name is None:
        return None
    others = [
        theirs.edits
        for other in beside
        if other.name != recipe.name
        for theirs in other.files
        if theirs.path == file.path
    ]
    data = clone.read(entry.name)
    version = known_version(recipe, file.path, data)
    for edits in (file.edits, *others):
        if version is None:
            try:
                data = remove_edits(clone.parse(data, entry.name), edits)
            except PatchError:
                continue
            version = known_version(recipe, file.path, data)
    return version
