"""Examines the scripts of a clone: missing imports, unbound names, incompatible libraries."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Optional

from ffl_plugin.doctor import Finding
from ffl_plugin.doctor.breaks import examine_breaks
from ffl_plugin.doctor.imports import Missing, When, follow
from ffl_plugin.doctor.packages import how_to_install
from ffl_plugin.doctor.syntax import Sources
from ffl_plugin.doctor.unbound import import_of, unbound_names
from ffl_plugin.patching.clone import Clone
from ffl_plugin.patching.errors import english

_PROVIDED = frozenset({"distutils", "pkg_resources"})  # provided by torch2 if missing
_ORIGINS = {  # of modules that an upstream does not include
    "sync_batchnorm": "Copy the folder sync_batchnorm of github.com/vacancy/Synchronized-BatchNorm-PyTorch "
    "into {folder}",
}
_UNKNOWN_ORIGIN = "See the upstream's README for its origin"


def examine_scripts(
    clone: Clone, base: Path, launcher: Optional[Path], certain: Collection[Path], *, modules_provided: bool
) -> list[Finding]:
    """Follow every script of a clone through its imports, without running it.

    Args:
        clone: the clone.
        base: the folder in it from which its scripts are run.
        launcher: the training script; None if unknown.
        certain: files that are always imported, whatever the options.
        modules_provided: whether the clone's patch provides modules removed from newer Pythons.
    """
    root = clone.root
    sources = Sources(root)
    everything = [root / name for name in clone.python_files]
    scripts = [path for path in everything if path == launcher or sources.is_script(path)]
    reached = {script: follow(script, sources, base, certain) for script in scripts}
    ignored = _PROVIDED if modules_provided else frozenset()
    needs = {
        script: [need for need in found.missing if need.module not in ignored]
        for script, found in reached.items()
    }
    trees = {
        sources.name(path): tree
        for found in reached.values()
        for path in found.files
        if (tree := sources.tree(path)) is not None
    }
    of_launcher = [] if launcher is None else needs.pop(launcher)
    known = {need.module for need in of_launcher}
    of_others = [need for group in needs.values() for need in group if need.module not in known]
    return [
        *_lacks("" if launcher is None else sources.name(launcher), of_launcher, root),
        *_lacks("other scripts", of_others, root),
        *examine_breaks(trees),
        *_unbound(trees),
    ]


def _lacks(title: str, needs: Iterable[Missing], root: Path) -> Iterator[Finding]:
    """Yield findings for missing modules: of the environment, certain or possible; and of the clone."""
    most_certain: dict[str, Missing] = {}
    for need in sorted(needs, key=lambda need: (need.when, need.module, need.file)):
        most_certain.setdefault(need.module, need)
    for certain, verb in ((True, "imports"), (False, "may import")):
        group = [need for need in most_certain.values() if (need.when is When.START) is certain]
        lacking = [need for need in group if not need.in_clone]
        if lacking:
            found = f"{verb} {english([_place(need) for need in lacking])}, not installed"
            fix = how_to_install([need.module.split(".")[0] for need in lacking], root)
            yield Finding(title, found, f"{'' if certain else 'If you use it: '}{fix}.")
        for need in group:
            if need.in_clone:
                origin = _ORIGINS.get(need.module.rpartition(".")[2], _UNKNOWN_ORIGIN)
                folder = root / Path(need.file).parent
                found = f"{verb} {_place(need)}, which the clone lacks"
                yield Finding(title, found, f"{origin.format(folder=folder)}.")


def _place(need: Missing) -> str:
    return f"{need.module} ({need.file}:{need.line})"


def _unbound(trees: Mapping[str, ast.Module]) -> Iterator[Finding]:
    for name, tree in sorted(trees.items()):
        for line, used in unbound_names(tree):
            usual = import_of(used)
            fix = (
                f"Add `{usual}` to it."
                if usual
                else "It raises a NameError there: define it, or do not use this code."
            )
            yield Finding(f"{name}:{line}", f"uses {used}, which the file neither defines nor imports", fix)
