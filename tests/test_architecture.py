"""Who imports whom is what docs/architecture.md says."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = {"ffl_plugin": ROOT / "ffl_plugin", "ffl_plugin.patches": ROOT / "patches"}
PACKAGES["ffl_plugin.integrations"] = ROOT / "integrations"
BASE = {"arguments", "cache", "errors", "as_text", "files", "processes", "ranks", "seeded"}


def table() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([^|]*) \|$", PAGE, re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", may)) for room, may in rows}


def modules() -> dict[str, Path]:
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if "repository" not in parts:  # the demo's example of a user's clone
                found[".".join([package, *(part for part in parts if part != "__init__")])] = path
    return found


MODULES = modules()


def room_of(module: str) -> str:
    parts = module.split(".")
    if parts[1:] == ["__main__"]:
        return "cli"
    if len(parts) == 1 or parts[1] in BASE:
        return "base"
    return parts[1] if parts[1] in table() else "loss"


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def names_imported_from(module: str, path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            yield from (alias.name for alias in node.names)


def test_the_table_has_every_room() -> None:
    assert {room_of(module) for module in MODULES} == set(table())


@pytest.mark.parametrize("room", [room for room in table() if room != "cli"])
def test_a_room_imports_what_the_table_allows(room: str) -> None:
    allowed = {room, *table()[room]}
    forbidden = {
        (module, imported)
        for module, path in MODULES.items()
        if room_of(module) == room
        for imported in imports(path)
        if imported.startswith("ffl_plugin.") and room_of(imported) not in allowed
    }
    assert not forbidden


@pytest.mark.parametrize("room", ["patching", "patches"])
def test_patching_needs_the_standard_library_alone(room: str) -> None:
    standard = sys.stdlib_module_names if sys.version_info >= (3, 10) else frozenset({""})
    others = {
        imported
        for module, path in MODULES.items()
        if room_of(module) == room
        for imported in imports(path)
        if imported.partition(".")[0] not in {"ffl_plugin", *standard}
    }
    assert not others


def test_the_modules_of_the_uncertainty_package_are_its_own() -> None:
    """Others import what its ``__init__`` exports, benchmarks and findings included."""
    package = "ffl_plugin.metrics.uncertainty"
    inner = {module for module in MODULES if module.startswith(f"{package}.")}
    assert len(inner) > 5
    others = [path for module, path in MODULES.items() if not f"{module}.".startswith(f"{package}.")]
    others += [path for folder in ("benchmarks", "findings") for path in (ROOT / folder).rglob("*.py")]
    assert not {(path.name, imported) for path in others for imported in imports(path) if imported in inner}
    used = {name for path in others for name in names_imported_from(package, path)}
    assert used <= {*importlib.import_module(package).__all__}


def test_every_module_that_the_page_names_is_there() -> None:
    for name in re.findall(r"`((?:patches|integrations|patching|report|metrics|cli)/\w+\.py)`", PAGE):
        if "NAME" in name:
            continue
        folder = ROOT if name.startswith(("patches", "integrations")) else ROOT / "ffl_plugin"
        assert (folder / name).is_file(), name
