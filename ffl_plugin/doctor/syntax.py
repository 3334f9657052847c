"""The Python files of a clone and their imports, parsed without running them."""

from __future__ import annotations

import ast
import functools
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_CATCH_ALL = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True)
class Imported:
    """A module that a file imports.

    name: the absolute dotted name.
    line: the line of the import.
    in_function: whether a function imports it when called, not the file at start-up.
    is_module: whether the whole name must be a module; in ``from a import b`` only ``a`` must.
    """

    name: str
    line: int
    in_function: bool = False
    is_module: bool = True


class Sources:
    """The files of a clone.

    Args:
        root: its folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = functools.cache(self._tree)
        self.imports = functools.cache(self._imports)
        self.named_modules = functools.cache(self._named_modules)

    def _tree(self, path: Path) -> Optional[ast.Module]:
        """Return the syntax tree of a file, or None if it cannot be parsed."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                return ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return None

    def name(self, path: Path) -> str:
        """Return the path of a file relative to the clone."""
        return path.relative_to(self.root).as_posix()

    def is_script(self, path: Path) -> bool:
        """Whether a file has an effect when run, apart from definitions."""
        tree = self.tree(path)
        return tree is not None and any(
            is_main_guard(node) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
            for node in tree.body
        )

    def _imports(self, path: Path, package: tuple[str, ...], as_script: bool) -> tuple[Imported, ...]:
        """Return the imports of a file, except optional ones inside ``try``.

        Args:
            path: the file.
            package: the parts of its package's name, for relative imports.
            as_script: whether ``if __name__ == "__main__"`` blocks run.
        """
        tree = self.tree(path)
        statements = () if tree is None else _import_statements(tree.body, as_script)
        return tuple(
            each for node, in_function in statements for each in _imported(node, in_function, package)
        )

    def _named_modules(self, path: Path) -> tuple[tuple[str, bool], ...]:
        """Return the dotted names in a file's strings, which may name modules to import.

        Interpolated parts are ``*``. The flag is true if the string is constant and below no ``if``.
        """
        tree = self.tree(path)
        return () if tree is None else tuple(dict.fromkeys(_dotted_strings(tree, certain=True)))


def is_main_guard(node: ast.stmt) -> bool:
    """Whether a statement is ``if __name__ == "__main__"``."""
    return isinstance(node, ast.If) and "__name__" in {
        name.id for name in ast.walk(node.test) if isinstance(name, ast.Name)
    }


def _import_statements(
    body: Sequence[ast.stmt], as_script: bool, in_function: bool = False
) -> Iterator[tuple[ast.stmt, bool]]:
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, in_function
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _import_statements(node.body, as_script, in_function=True)
        elif isinstance(node, ast.If):
            if not is_main_guard(node) or as_script:
                yield from _import_statements(node.body, as_script, in_function)
            yield from _import_statements(node.orelse, as_script, in_function)
        elif isinstance(node, ast.Try):
            if not any(_catches_import_errors(handler) for handler in node.handlers):
                yield from _import_statements(node.body, as_script, in_function)
            yield from _import_statements([*node.orelse, *node.finalbody], as_script, in_function)
        else:
            for inner in (getattr(node, "body", []), getattr(node, "orelse", [])):
                yield from _import_statements(inner, as_script, in_function)


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    names = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else None
    )
    return names is None or bool(names & _CATCH_ALL)


def _imported(node: ast.stmt, in_function: bool, package: Sequence[str]) -> Iterator[Imported]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Imported(alias.name, node.lineno, in_function)
    elif isinstance(node, ast.ImportFrom):
        inside = package[: len(package) - node.level + 1] if node.level else ()
        base = ".".join([*inside, *([node.module] if node.module else [])])
        if base:
            yield Imported(base, node.lineno, in_function)
        for alias in node.names:
            if alias.name != "*":
                name = f"{base}.{alias.name}" if base else alias.name
                yield Imported(name, node.lineno, in_function, is_module=False)


def _dotted_strings(node: ast.AST, *, certain: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(node, (ast.Constant, ast.BinOp, ast.JoinedStr)):
        pattern = _pattern(node)
        if pattern is not None and _DOTTED.fullmatch(pattern.replace("*", "_")):
            yield pattern, certain and "*" not in pattern
            return
    for child in ast.iter_child_nodes(node):
        yield from _dotted_strings(child, certain=certain and not isinstance(node, (ast.If, ast.IfExp)))


def _pattern(node: ast.expr) -> Optional[str]:
    """Return a string as a pattern, with ``*`` for each non-constant part; None for other expressions."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_pattern(part) or "*" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_pattern(side) or "*" for side in (node.left, node.right)]
        return "".join(parts) if set(parts) != {"*"} else None
    return None
