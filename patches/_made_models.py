"""Refuses clones whose trainer creates another model than the patched one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Optional

from ffl_plugin.patches._flow import dotted_name
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.clone import Definition, classes_above, definitions_of, imported_files
from ffl_plugin.patching.recipe import Check


def trains_the_model(method: str, call: str, *, every: bool) -> Check:
    """Refuse if a trainer creates another model than the patched one.

    Args:
        method: qualified name of the patched method; a model that inherits it also counts as patched.
        call: pattern of the call with which a trainer takes a generator step.
        every: whether every model of a trainer must be the patched one. Otherwise one must be: where the
            options come from the model, other models do not know the flags.
    """

    def check(source: Source, clone: Clone) -> None:
        made = {name: list(_models(clone.source(name), clone, call)) for name in _trainers(clone, call)}
        found = {
            trainer: [each for each in models if not _is_copy(each[1], source)]
            for trainer, models in made.items()
        }
        used = _imported_by_the_launcher(source, clone, [trainer for trainer in found if found[trainer]])
        others = [
            (trainer, line, model)
            for trainer in used or found
            for line, model in found[trainer]
            if not _has(model, clone, source.name, method)
        ]
        fitting = any(  # or looked up by name, as far as the code shows
            not found[trainer] or any(_has(model, clone, source.name, method) for _, model in found[trainer])
            for trainer in used or found
        )
        if others and (every or not fitting):
            owner = method.rpartition(".")[0]
            # A changed copy of the patched model is more specific than another kind of model.
            trainer, line, model = min(others, key=lambda other: other[2].name != owner)
            patched = f"{owner} of {source.name}"
            raise PatchError(
                f"trains {model.name} of {model.source.name}, not {patched}",
                file=trainer,
                line=line,
            )

    return check


def _trainers(clone: Clone, call: str) -> list[str]:
    """Return the files that make the call."""
    words = [word.encode() for word in (*pattern.strings(call), *_attributes(call))]
    found = []
    for name in clone.python_files:
        try:
            likely = all(word in clone.read(name) for word in words)
            if likely and any(pattern.occurrences(call, clone.source(name).tree)):
                found.append(name)
        except PatchError:
            continue
    return found


def _attributes(call: str) -> list[str]:
    return [
        node.attr
        for node in ast.walk(pattern.parse(call))
        if isinstance(node, ast.Attribute) and node.attr != pattern.ANY
    ]


def _models(trainer: Source, clone: Clone, call: str) -> Iterator[tuple[int, Definition]]:
    """Yield the definitions that the call's receivers are created from, if in the clone, with the line."""
    calls = [node for node in pattern.occurrences(call, trainer.tree) if isinstance(node, ast.Call)]
    receivers = {dotted_name(_receiver(node)) for node in calls} - {None}
    for node in trainer.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if receivers.isdisjoint(dotted_name(target) for target in node.targets):
            continue
        made = _named(node.value, trainer, clone)
        if made is None or any(dotted_name(argument) in receivers for argument in node.value.args):
            continue  # for example a wrapper of the model
        if isinstance(made.node, ast.ClassDef):
            yield node.lineno, made
        else:
            yield from ((node.lineno, each) for each in _made_by(made, clone))


def _receiver(call: ast.Call) -> ast.expr:
    """Return the called object or the method's owner: ``model`` in ``model(...)`` and ``model.step(...)``."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    is_self = isinstance(owner, ast.Name) and owner.id == "self"
    return call.func if owner is None or is_self else owner


def _named(call: ast.Call, source: Source, clone: Clone) -> Optional[Definition]:
    """Return the clone's class or function that is called; None if the clone alone does not define it."""
    name = dotted_name(call.func)
    return None if name is None else next(definitions_of(name, source, clone), None)


def _made_by(function: Definition, clone: Clone) -> Iterator[Definition]:
    """Yield the clone's classes that a function instantiates by name; none if it looks them up."""
    for node in ast.walk(function.node):
        made = _named(node, function.source, clone) if isinstance(node, ast.Call) else None
        if made is not None and isinstance(made.node, ast.ClassDef):
            yield made


def _has(model: Definition, clone: Clone, file: str, method: str) -> bool:
    """Whether a class has the patched method, directly or inherited."""
    name = method.rpartition(".")[2]
    for owner in classes_above(model, clone):
        if f"{owner.name}.{name}" in owner.source.definitions:
            return (owner.source.name, f"{owner.name}.{name}") == (file, method)
    return False


def _is_copy(model: Definition, source: Source) -> bool:
    """Whether a model is from another repository in the same folder: same path, another file."""
    last = "/".join(source.name.split("/")[-2:])
    return model.source.name != source.name and f"/{model.source.name}".endswith(f"/{last}")


def _imported_by_the_launcher(source: Source, clone: Clone, trainers: list[str]) -> list[str]:
    """Return the trainers that ``train.py`` of the model's clone imports, or is."""
    root = source.name.rpartition("/")[0].rpartition("/")[0]
    launcher = f"{root}/train.py" if root else "train.py"
    if not clone.has(launcher):
        return []
    try:
        train = clone.source(launcher)
    except PatchError:
        return []
    imported = {launcher, *imported_files(train, clone)}
    return [trainer for trainer in trainers if trainer in imported]
