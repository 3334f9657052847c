"""Incompatibilities between a clone's scripts and installed library versions."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Optional

from ffl_plugin.doctor import Finding

_PATCHED_SCIPY = re.compile(r"ffl_plugin\.integrations\.torch2\w*")


@dataclass(frozen=True)
class Break:
    """A use of a library that fails or is wrong with some of its versions.

    Args:
        package: its name on PyPI.
        versions: whether a release, as a tuple of numbers, is affected; None stands for not installed.
        uses: whether a syntax node is such a use.
        found: the consequence, after the version: ``"{place} ..."``.
        fix: the suggested fix.
    """

    package: str
    versions: Callable[[Optional[tuple[int, ...]]], bool]
    uses: Callable[[ast.AST], bool]
    found: str
    fix: str


def _calls(node: ast.AST, name: str, keyword: Optional[str] = None) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name):
        return False
    return keyword is None or any(each.arg == keyword for each in node.keywords)


def _opens_video(node: ast.AST) -> bool:
    return _calls(node, "get_writer") and ast.unparse(node).startswith("imageio.")


BREAKS = (
    Break(
        "timm",
        lambda release: release is not None and release >= (0, 6),
        lambda node: isinstance(node, ast.Attribute) and node.attr == "act1",
        "{place} uses act1 of EfficientNet, which was removed in 0.6",
        "pip install 'timm<0.6'",
    ),
    Break(
        "scipy",
        lambda release: release is not None and (1, 11, 2) <= release < (1, 13),
        lambda node: _calls(node, "sqrtm"),
        "its sqrtm, called in {place}, is wrong for the FID of fewer images than features, by up to 1e68",
        "pip install 'scipy>=1.13'; `--with torch2` replaces the call",
    ),
    Break(
        "scipy",
        lambda release: release is not None and release >= (1, 18),
        lambda node: _calls(node, "sqrtm", "disp"),
        "{place} calls sqrtm with disp, which was removed in 1.18",
        "pip install 'scipy<1.18'; `--with torch2` replaces the call",
    ),
    Break(
        "imageio-ffmpeg",
        lambda release: release is None,
        _opens_video,
        "not installed; without it {place} fails with an unexpected keyword argument 'fps'",
        "pip install imageio-ffmpeg",
    ),
)


def examine_breaks(trees: dict[str, ast.Module]) -> Iterator[Finding]:
    """Yield a finding for each incompatible use of an installed library.

    Args:
        trees: the syntax trees of files that the clone's scripts import, by name.
    """
    for known in BREAKS:
        version = _version(known.package)
        if known.versions(_release(version)):
            places = [
                f"{name}:{node.lineno}"  # type: ignore[attr-defined]
                for name, tree in sorted(trees.items())
                if not (known.package == "scipy" and _uses_view(tree))
                for node in ast.walk(tree)
                if known.uses(node)
            ]
            if places:
                found = known.found.format(place=places[0])
                yield Finding(known.package, f"{version}: {found}" if version else found, f"{known.fix}.")


def _uses_view(tree: ast.Module) -> bool:
    """Whether a file imports scipy from `torch2`'s view."""
    return any(
        isinstance(node, ast.ImportFrom)
        and _PATCHED_SCIPY.fullmatch(node.module or "")
        and any(alias.name == "scipy" for alias in node.names)
        for node in ast.walk(tree)
    )


def _version(library: str) -> Optional[str]:
    if importlib.util.find_spec(library.replace("-", "_")) is None:
        return None
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _release(version: Optional[str]) -> Optional[tuple[int, ...]]:
    if version is None:
        return None
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
