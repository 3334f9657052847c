"""What there is of recipes in a clone, and which upstream commits its files are known from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Optional, Union

from ffl_plugin.patching.apply import FileStatus, Status, edition_in
from ffl_plugin.patching.clone import Clone, opened
from ffl_plugin.patching.errors import PatchError
from ffl_plugin.patching.recipe import File, Recipe
from ffl_plugin.patching.rewrite import take_out
from ffl_plugin.patching.search import find_patched


def status(recipe: Recipe, root: Union[Path, Clone], beside: Sequence[Recipe] = ()) -> Status:
    """Say what there is of a recipe, or of an earlier edition of it, in a clone.

    Args:
        recipe: the recipe.
        root: the folder of the clone.
        beside: other recipes; where they are applied to the same files, that is no drift from the upstream.

    Raises:
        PatchError: several clones below the folder hold the patch.
    """
    clone = opened(root)
    current = edition_in(recipe, clone)
    files = tuple(
        replace(entry, version=_version(current.recipe, file, entry, clone, beside))
        for file, entry in zip(current.recipe.files, current.files)
    )
    return replace(current, files=files, notes=clone.notes)


def patched_by(recipes: Sequence[Recipe], root: Union[Path, Clone]) -> list[Recipe]:
    """Return the recipes of which something is in a clone.

    Raises:
        PatchError: several clones below the folder hold the patch.
    """
    clone = opened(root)
    return [recipe for recipe in recipes if find_patched(clone, recipe)[0]]


def blob_id(data: bytes) -> str:
    """Return the id of content as ``git hash-object`` prints it (SHA-1)."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def known_version(recipe: Recipe, path: str, data: bytes) -> Optional[str]:
    """Return the newest upstream commit whose file has this content, Windows line ends or not.

    Args:
        recipe: the recipe with its tested versions.
        path: the recipe's path of the file.
        data: the content, without the patch.
    """
    ids = {blob_id(data), blob_id(data.replace(b"\r\n", b"\n"))}
    for version in recipe.versions:
        if any(name == path and blob in ids for name, blob in version.blobs):
            return version.commit
    return None


def _version(
    recipe: Recipe, file: File, entry: FileStatus, clone: Clone, beside: Sequence[Recipe]
) -> Optional[str]:
    """The upstream commit that a file without this recipe's edits is known from, apart from other recipes."""
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
                data = take_out(clone.parse(data, entry.name), edits)
            except PatchError:
                continue
            version = known_version(recipe, file.path, data)
    return version
