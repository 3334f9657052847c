"""What to do in a repository that no recipe fits: it may have FFL, a registry, or another framework."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ffl_plugin.patching import Clone, PatchError, Recipe

_OWN_CLASS = re.compile(rb"^\s*class \w*focal_?frequency", re.IGNORECASE | re.MULTILINE)
_OWN = re.compile(rb"focal.?frequency", re.IGNORECASE)
_REGISTRY = re.compile(rb"\bLOSS_REGISTRY\b")
_FRAMEWORKS = {
    "TensorFlow": re.compile(rb"^\s*(?:import|from) (?:tensorflow|keras)\b", re.MULTILINE),
    "JAX": re.compile(rb"^\s*(?:import|from) (?:jax|flax)\b", re.MULTILINE),
    "Jittor": re.compile(rb"^\s*(?:import|from) jittor\b", re.MULTILINE),
    "PaddlePaddle": re.compile(rb"^\s*(?:import|from) paddle\b", re.MULTILINE),
}
_TORCH = re.compile(rb"^\s*(?:import|from) torch\b", re.MULTILINE)


def what_to_do(clone: Clone, recipes: Iterable[Recipe]) -> list[str]:
    """Return sentences, without a full stop, for a user whose repository none of the recipes fits."""
    texts = dict(_texts(clone))
    said = []
    if own := _place(texts, _OWN_CLASS) or _place(texts, _OWN):
        said.append(
            f"{own} has a focal frequency loss of its own; switch it on there, or put "
            "ffl_plugin.FocalFrequencyLoss in its place, for which docs/loss.md says what its weights mean"
        )
    elif registry := _place(texts, _REGISTRY):
        said.append(
            f"{registry} has a registry of losses, and needs no patch: run your training script by "
            "`python -m ffl_plugin.integrations.basicsr SCRIPT ...`"
        )
    if not any(map(_TORCH.search, texts.values())):
        for name, imported in _FRAMEWORKS.items():
            if place := _place(texts, imported):
                ports = [each for each in recipes if each.supplements is None and _is_named(each, clone)]
                port = f"{ports[0].upstream} by {ports[0].name}" if ports else "a PyTorch version of it"
                said.append(f"{place} imports {name}, and the loss is PyTorch; patch {port}")
                break
    return said


def _is_named(recipe: Recipe, clone: Clone) -> bool:
    """Whether the clone's folder or a script of it is called as a family is."""
    names = [clone.root.resolve().name, *clone.python_files]
    return any(re.sub(r"\W|_", "", recipe.name) in re.sub(r"[^a-z0-9]", "", name.lower()) for name in names)


def _texts(clone: Clone) -> Iterator[tuple[str, bytes]]:
    for name in clone.python_files:
        try:
            yield name, clone.read(name)
        except PatchError:
            continue


def _place(texts: dict[str, bytes], wanted: re.Pattern[bytes]) -> str:
    """Where something is first, as ``file.py:12``; empty if it is nowhere."""
    for name, text in texts.items():
        if found := wanted.search(text):
            return f"{name}:{text.count(bytes([10]), 0, found.end()) + 1}"
    return ""
