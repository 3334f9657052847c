"""Examines a clone: family and version, applied patches, and obstacles to training."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path
from typing import Optional

from ffl_plugin.doctor import Finding
from ffl_plugin.doctor.scripts import examine_scripts
from ffl_plugin.patches import all_recipes
from ffl_plugin.patches._training import find_launcher
from ffl_plugin.patching import PatchError, Recipe, Status, status
from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.detect import detect
from ffl_plugin.patching.errors import command_line


def examine_clone(root: Optional[Path]) -> list[Finding]:
    """Examine a clone, by default the current folder if it is one, without running or changing anything.

    Raises:
        PatchError: the folder does not exist.
    """
    is_asked_for, root = root is not None, root or Path()
    if not is_asked_for and not any(root.glob("*.py")):
        return []  # clones have scripts there; a folder of many repositories would take minutes to search
    recipes = list(all_recipes().values())
    clone = Clone(root)
    fits = detect(recipes, clone)
    families = [fit.recipe for fit in fits if fit.problem is None] or [fit.recipe for fit in fits]
    if not families and not is_asked_for:
        return []
    if not families:
        fix = "Pass the folder of a clone of a family listed by `ffl-patch list`."
        return [Finding("clone", f"{root}: no supported family", fix)]
    findings = [Finding("clone", f"{root.resolve()}: {' and '.join(family.name for family in families)}")]
    companions = [recipe for recipe in recipes if recipe.companion_of in [family.name for family in families]]
    for recipe in [*families, *companions]:
        try:
            findings.append(_patch(status(recipe, clone, recipes), root))
        except PatchError as error:
            findings.append(Finding(recipe.name, "unknown", str(error)))
    return [*findings, *_scripts(clone, families[0], recipes)]


def _scripts(clone: Clone, family: Recipe, recipes: list[Recipe]) -> list[Finding]:
    """Return what the clone's scripts lack, run from the folder with the family's files."""
    try:
        launcher = find_launcher(family, clone)
    except PatchError:
        return []
    root, base = clone.root, clone.root / launcher.folder
    script = None if launcher.script is None else base / launcher.script
    companions = [recipe for recipe in recipes if recipe.companion_of == family.name]
    provided = any(status(recipe, clone, recipes).state == "applied" for recipe in companions)
    certain = [root / name for name in launcher.files]
    return examine_scripts(clone, base, script, certain, modules_provided=provided)


def _patch(found: Status, root: Path) -> Finding:
    recipe = found.recipe
    version = f"on {found.origin}" if found.origin else "on files that differ from the upstream's"
    fix = None
    if found.state == "partly applied":
        fix = f"Remove the rest with `{command_line(f'revert {recipe.name}', root)}`, then apply it again."
    elif found.state == "absent" and recipe.companion_of is not None and _torch_is_new():
        fix = f"{_why(recipe)}: `{command_line(f'apply {recipe.name}', root)}`."
    return Finding(
        recipe.name, f"{'not applied' if found.state == 'absent' else found.state}, {version}", fix
    )


def _why(recipe: Recipe) -> str:
    return f"{recipe.upstream} does not train on torch {metadata.version('torch')} without it"


def _torch_is_new() -> bool:
    if importlib.util.find_spec("torch") is None:
        return False
    return int(metadata.version("torch").split(".")[0]) >= 2
