"""What a recipe inserts can run: the integration it imports exists and takes the arguments it is given."""

from __future__ import annotations

import ast
import importlib.util
import inspect

from ffl_plugin.patching import Recipe
from ffl_plugin.patching.recipe import Decorator, Import
from ffl_plugin.patching.trace import parse_edit


def test_imports_exist_and_calls_fit(recipe: Recipe) -> None:
    called = 0
    for file in recipe.files:
        names: dict[str, object] = {}
        for edit in file.edits:
            if isinstance(edit, Import):
                exec(edit.code, names)
        for edit in file.edits:
            for node in ast.walk(parse_edit(edit)):
                if not (isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ffl"):
                    continue
                assert callable(getattr(names["ffl"], node.attr)), edit.code
            for node in ast.walk(parse_edit(edit)):
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("ffl."):
                    function = getattr(names["ffl"], ast.unparse(node.func).partition(".")[2])
                    inspect.signature(function).bind(*node.args)
                    called += 1
            called += isinstance(edit, Decorator)
    assert called or recipe.companion_of


def test_what_training_imports_is_installed_with_the_recipe(recipe: Recipe) -> None:
    for file in recipe.files:
        for edit in file.edits:
            if isinstance(edit, Import):
                (statement,) = ast.parse(edit.code).body
                if isinstance(statement, ast.ImportFrom):
                    assert importlib.util.find_spec(str(statement.module)) is not None
