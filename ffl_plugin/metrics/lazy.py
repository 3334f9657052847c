"""Public names of a package that are imported from their modules on first use (PEP 562)."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from typing import Any, Callable


def public_names(package: str) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__all__``, ``__getattr__`` and ``__dir__`` of a package.

    Its names and their modules are listed once, as imports in its stub ``__init__.pyi``, which type checkers
    read (as in Scientific Python's SPEC 1).
    """
    stub = ast.parse(pkgutil.get_data(package, "__init__.pyi") or b"")
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    modules = {alias.name: str(node.module) for node in imports for alias in node.names}

    def import_name(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(modules[name]), name)

    return sorted(modules), import_name, lambda: sorted(modules)
