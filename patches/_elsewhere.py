"""Advice for repositories that match no recipe: their own FFL, a loss registry, another framework."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Optional

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
_BACKWARD = re.compile(rb"^[ \t]*([\w.]+)\.backward\(", re.MULTILINE)
_OF_GENERATOR = re.compile(r"(?:^|[^a-zA-Z])(?:[gG]|[gG]en|[gG]enerator)(?:[^a-zA-Z]|$)|[a-z]G(?![a-z])")
_TORCH = re.compile(rb"^\s*(?:import|from) torch\b", re.MULTILINE)


def what_to_do(clone: Clone, recipes: Iterable[Recipe]) -> list[str]:
    """Return sentences, without a full stop, for a user whose repository matches no recipe."""
    texts = dict(_texts(clone))
    advice = []
    others = {name: text for name, text in texts.items() if b"ffl_plugin" not in text}
    if own := _place(texts, _OWN_CLASS) or _place(others, _OWN):
        advice.append(
            f"{own} has a focal frequency loss of its own; enable it there, or replace it by "
            "ffl_plugin.FocalFrequencyLoss, and see docs/loss.md for how its weights translate"
        )
    elif registry := _place(texts, _REGISTRY):
        advice.append(
            f"{registry} has a registry of losses, so no patch is needed: run your training script with "
            "`python -m ffl_plugin.integrations.basicsr SCRIPT ...`"
        )
    if not any(map(_TORCH.search, texts.values())):
        for name, imported in _FRAMEWORKS.items():
            if place := _place(texts, imported):
                ports = [each for each in recipes if each.companion_of is None and _is_named(each, clone)]
                port = f"{ports[0].upstream} with {ports[0].name}" if ports else "a PyTorch version"
                advice.append(f"{place} imports {name}, but the loss needs PyTorch; patch {port}")
                break
    return advice


def where_to_add_the_loss(clone: Clone) -> Optional[str]:
    """Return a sentence, without a full stop, on the loss alone; None for a repository without PyTorch."""
    texts = dict(_texts(clone))
    if not any(map(_TORCH.search, texts.values())):
        return None
    places = (
        f", such as `{found[1].decode()}` in {name}:{_line(text, found)}"
        for name, text in texts.items()
        for found in _BACKWARD.finditer(text)
        if _OF_GENERATOR.search(found[1].decode())
    )
    return (
        "without a patch, add `weight * ffl_plugin.FocalFrequencyLoss()(generated, real)` to the loss that "
        f"the generator backpropagates{next(places, '')}: docs/loss.md"
    )


def _is_named(recipe: Recipe, clone: Clone) -> bool:
    """Whether the clone's folder or one of its scripts contains the recipe's name, as whole words."""
    name = re.sub(r"\W|_", "", recipe.name)
    parts = [clone.root.resolve().name, *(part for file in clone.python_files for part in file.split("/"))]
    words = (re.split(r"[^a-z0-9]+", part.lower()) for part in parts)
    return any(
        "".join(each[start:end]) == name
        for each in words
        for start in range(len(each))
        for end in range(start + 1, len(each) + 1)
    )


def _texts(clone: Clone) -> Iterator[tuple[str, bytes]]:
    for name in clone.python_files:
        try:
            yield name, clone.read(name)
        except PatchError:
            continue


def _place(texts: dict[str, bytes], wanted: re.Pattern[bytes]) -> str:
    """Return the first occurrence as ``file.py:12``; empty if there is none."""
    for name, text in texts.items():
        if found := wanted.search(text):
            return f"{name}:{_line(text, found)}"
    return ""


def _line(text: bytes, found: re.Match[bytes]) -> int:
    return text.count(b"\n", 0, found.end()) + 1
