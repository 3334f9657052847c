"""What installed libraries no longer do as a clone's scripts ask of them."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Optional

from ffl_plugin.doctor.finding import Finding

_OUR_SCIPY = re.compile(r"ffl_plugin\.integrations\.torch2\w*")


@dataclass(frozen=True)
class Break:
    """A way to use a library that some of its versions do not take, or take wrongly.

    Args:
        package: its name on PyPI.
        versions: says of a release, as numbers, whether it is one of them; of None, that it is not installed.
        uses: says of a node of a file whether it is such a use.
        found: what happens, after the version: ``"{place} ..."``.
        mend: the sentence that mends it.
    """

    package: str
    versions: Callable[[Optional[tuple[int, ...]]], bool]
    uses: Callable[[ast.AST], bool]
    found: str
    mend: str


def _calls(node: ast.AST, name: str, keyword: Optional[str] = None) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name):
        return False
    return keyword is None or any(each.arg == keyword for each in node.keywords)


def _opens_film(node: ast.AST) -> bool:
    return _calls(node, "get_writer") and ast.unparse(node).startswith("imageio.")


BREAKS = (
    Break(
        "timm",
        lambda release: release is not None and release >= (0, 6),
        lambda node: isinstance(node, ast.Attribute) and node.attr == "act1",
        "{place} asks an EfficientNet for act1, which left with 0.6",
        "pip install 'timm<0.6'",
    ),
    Break(
        "scipy",
        lambda release: release is not None and (1, 11, 2) <= release < (1, 13),
        lambda node: _calls(node, "sqrtm"),
        "its sqrtm, which {place} calls, is wrong for the FID of fewer images than features, by up to 1e68",
        "pip install 'scipy>=1.13'; `--with torch2` replaces the call",
    ),
    Break(
        "scipy",
        lambda release: release is not None and release >= (1, 18),
        lambda node: _calls(node, "sqrtm", "disp"),
        "{place} calls sqrtm with disp, which left with 1.18",
        "pip install 'scipy<1.18'; `--with torch2` replaces the call",
    ),
    Break(
        "imageio-ffmpeg",
        lambda release: release is None,
        _opens_film,
        "not installed; without it {place} ends in an unexpected keyword argument 'fps' instead of a film",
        "pip install imageio-ffmpeg",
    ),
)


def examine_breaks(trees: dict[str, ast.Module]) -> Iterator[Finding]:
    """Yield a finding for each use of a library that its installed version does not take.

    Args:
        trees: the files of the clone that its scripts reach, by name.
    """
    for known in BREAKS:
        version = _version(known.package)
        if known.versions(_release(version)):
            places = [
                f"{name}:{node.lineno}"  # type: ignore[attr-defined]
                for name, tree in sorted(trees.items())
                if not (known.package == "scipy" and _is_ours(tree))
                for node in ast.walk(tree)
                if known.uses(node)
            ]
            if places:
                found = known.found.format(place=places[0])
                yield Finding(known.package, f"{version}: {found}" if version else found, f"{known.mend}.")


def _is_ours(tree: ast.Module) -> bool:
    """Whether a file's scipy is the view that `torch2` gives it."""
    return any(
        isinstance(node, ast.ImportFrom)
        and _OUR_SCIPY.fullmatch(node.module or "")
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
