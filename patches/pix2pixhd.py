"""pix2pixHD: compares the generated image with the photograph of its label map."""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import replace
from typing import Optional

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import carries_gradient, no_frequency_loss_of_its_own, requires
from ffl_plugin.patches._flow import calls, is_backward
from ffl_plugin.patches._made_models import trains_the_model
from ffl_plugin.patches._scaling import loss_is_scaled
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.errors import english
from ffl_plugin.patching.recipe import File, Import, Last, Only, Recipe, Statement, Version
from ffl_plugin.patching.source import FUNCTIONS

IMPORT = Import("from ffl_plugin.integrations import pix2pixhd as ffl")

FORWARD = "Pix2PixHDModel.forward"
GENERATED = Only(("fake_image = self.netG.forward(...)", "fake_image = self.netG(...)"))
LOSS_COMPLETE = Last(("loss_G = ...", "loss_G += ..."), branch="loss_G = ...")
LOSSES_NAMED = "loss_dict = dict(zip(....loss_names, ...))"

OPTIONS = File(
    path="options/train_options.py",
    defines=("TrainOptions.initialize",),
    edits=(
        IMPORT,
        Statement(
            "TrainOptions.initialize",
            "ffl.add_options(self.parser)",
            after=Last(("self.parser.add_argument(...)",)),
        ),
    ),
)

MODEL = File(
    path="models/pix2pixHD_model.py",
    defines=("Pix2PixHDModel.initialize", FORWARD),
    edits=(
        IMPORT,
        Statement("Pix2PixHDModel.initialize", "ffl.setup(self)", after=Last(("self.loss_names = ...",))),
        Statement(FORWARD, "ffl.add_term(self, fake_image, real_image)", after=GENERATED),
    ),
    checks=(
        requires(
            FORWARD,
            ("return [self.loss_filter(...), ...]", "return (self.loss_filter(...), ...)"),
            because=f"{FORWARD} does not return its losses through self.loss_filter, which carries the term",
        ),
        carries_gradient(FORWARD, "fake_image", GENERATED),
        trains_the_model(FORWARD, "...(..., infer=...)", every=False),
    ),
)


def other_trainings(source: Source, clone: Clone) -> Optional[str]:
    """Name the scripts beside ``train.py`` that accept the flags too, and train without the term."""
    folder = source.name.rpartition("/")[0]
    found = []
    for name in clone.python_files:
        beside = name.rpartition("/")[0] == folder and name != source.name
        if beside and all(word in clone.read(name) for word in (b"TrainOptions", b"backward")):
            with suppress(PatchError):
                nodes = [call for call in calls([clone.source(name).tree]) if is_backward(call)]
                found += [f"{name}:{node.lineno}" for node in nodes[:1]]
    if not found:
        return None
    one = len(found) == 1
    return (
        f"{english(found)} {'accepts' if one else 'accept'} the flags too, but {'is' if one else 'are'} not "
        f"patched and {'trains' if one else 'train'} without the term; train with {source.name}"
    )


def train_file(function: str = "") -> File:
    """Return the edits of the script that trains.

    Args:
        function: the function whose loop trains; empty for the top level, as in the upstream.
    """
    return File(
        path="train.py",
        defines=(),  # the upstream's defines nothing
        edits=(
            IMPORT,
            Statement(function, "loss_G = ffl.with_term(loss_G, loss_dict)", after=LOSS_COMPLETE),
        ),
        checks=(
            requires(
                function,
                (LOSSES_NAMED,),
                because="does not name the losses in loss_dict as the model does, so the term would be lost",
            ),
            loss_reaches_backward(function, LOSS_COMPLETE, "loss_G"),
        ),
        remarks=(loss_is_scaled(function, LOSS_COMPLETE, "loss_G"), other_trainings),
    )


TRAIN = train_file()


def _adapted(recipe: Recipe, clone: Clone) -> Recipe:
    """Return the recipe for the function that trains, if the clone's scripts have one."""
    functions = set[str]()
    for name in clone.python_files:
        if name.rpartition("/")[2] == TRAIN.path and b"loss_dict" in clone.read(name):
            with suppress(PatchError):
                functions |= _trains(clone.source(name))
    if len(functions) != 1:
        return recipe
    return replace(recipe, files=(OPTIONS, MODEL, train_file(functions.pop())))


def _trains(source: Source) -> set[str]:
    """Return the functions that name the losses, as qualified names; empty for the top level."""
    inside = {
        name: set(ast.walk(nodes[0]))
        for name, nodes in source.definitions.items()
        if isinstance(nodes[0], FUNCTIONS)
    }
    return {
        max((name for name, nodes in inside.items() if node in nodes), key=len, default="")
        for node in pattern.occurrences(LOSSES_NAMED, source.tree)
    }


RECIPE = Recipe(
    name="pix2pixhd",
    upstream="NVIDIA/pix2pixHD",
    summary="pix2pixHD, and its forks",
    train="python train.py --name label2city_ffl --ffl-weight 1",
    files=(OPTIONS, MODEL, TRAIN),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "14b3b3c",
            (
                (OPTIONS.path, "cacb8e7b9c9a093d323d2c6ef1b670ed2e364e7f"),
                (MODEL.path, "fafdec0b7f35499070ef9eb015a72584b494164d"),
                (TRAIN.path, "acedac25b64d4eeedb6482aa4e3c7b5fa82a249a"),
            ),
        ),
    ),
    adapt=_adapted,
)
