"""Known versions of a file, by the id that git gives its content."""

from __future__ import annotations

import hashlib
from typing import Optional

from ffl_plugin.patching.recipe import Recipe


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
