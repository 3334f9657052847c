"""A whole tree of files as a value, to compare before and after."""

from __future__ import annotations

import ast
import hashlib
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Node:
    """What a path holds: its mode, and the digest of its bytes or the target of its link."""

    mode: int
    content: str


def snapshot(root: Path) -> dict[str, Node]:
    """Every path below ``root``, folders and links included, without ``.git``."""
    nodes: dict[str, Node] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in [*folders, *files]:
            path = Path(folder) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                content = os.readlink(path)  # noqa: PTH115  (Path.readlink normalises)
            elif stat.S_ISREG(mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                content = ""
            nodes[path.relative_to(root).as_posix()] = Node(mode, content)
    return nodes


def differences(before: dict[str, Node], after: dict[str, Node]) -> list[str]:
    """One sentence part per path that was added, removed, or has other bytes or another mode."""
    found = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None:
            found.append(f"{path} is new")
        elif new is None:
            found.append(f"{path} is gone")
        elif old.content != new.content:
            found.append(f"{path} has other bytes")
        elif old.mode != new.mode:
            found.append(f"{path} has mode {stat.filemode(new.mode)}, not {stat.filemode(old.mode)}")
    return found


def changed_files(before: dict[str, Node], after: dict[str, Node]) -> list[str]:
    """The paths whose bytes differ."""
    return sorted(
        path for path in before.keys() & after.keys() if before[path].content != after[path].content
    )


def syntax_error(path: Path) -> str:
    """Why Python cannot parse a file; empty when it can."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's invalid escapes
        try:
            ast.parse(path.read_bytes(), filename=path.name)
        except (SyntaxError, ValueError) as error:
            return str(error)
    return ""
