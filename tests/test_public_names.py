"""What a package exports is what type checkers see and what can be imported; examples in docstrings run."""

from __future__ import annotations

import ast
import doctest
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import ffl_plugin

PACKAGE = Path(ffl_plugin.__file__).parent
PACKAGES = (
    "ffl_plugin",
    "ffl_plugin.metrics",
    "ffl_plugin.metrics.uncertainty",
    "ffl_plugin.patching",
    "ffl_plugin.report",
)


def imported_for_types(package: str) -> set[str]:
    """The names that the package's stub, or its own source, imports for a type checker."""
    source = Path(importlib.import_module(package).__file__ or "")
    stub = source.with_suffix(".pyi")
    tree = ast.parse((stub if stub.exists() else source).read_text(encoding="utf-8"))
    blocks = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.If))]
    imports = [node for body in blocks for node in body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_imported_for_types_and_at_run_time(package: str) -> None:
    module = importlib.import_module(package)
    names = [name for name in module.__all__ if name != "__version__"]
    assert sorted(names) == sorted(set(names))
    assert set(names) <= imported_for_types(package)
    for name in names:
        assert getattr(module, name) is not None
        assert not isinstance(getattr(module, name), ModuleType)  # a module would hide what it defines


def test_metrics_has_no_name_for_types_that_is_not_public() -> None:
    from ffl_plugin import metrics

    assert imported_for_types("ffl_plugin.metrics") == {*metrics.__all__}
    assert dir(metrics) == sorted(metrics.__all__)
    with pytest.raises(ImportError, match="Coupling"):
        from ffl_plugin.metrics import Coupling  # type: ignore[attr-defined]  # noqa: F401


def with_examples() -> list[str]:
    paths = (path for path in PACKAGE.rglob("*.py") if "demo/repository" not in path.as_posix())
    found = [path for path in paths if ">>> " in path.read_text(encoding="utf-8")]
    return sorted(
        ".".join(("ffl_plugin", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in found
    )


@pytest.mark.parametrize("module", with_examples())
def test_examples_in_docstrings_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


def test_the_package_runs_as_a_module() -> None:
    run = subprocess.run([sys.executable, "-m", "ffl_plugin", "list"], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert "stylegan2-ada" in run.stdout
    run = subprocess.run([sys.executable, "-m", "ffl_plugin", "nothing"], capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.startswith("Usage: ffl-patch")
