"""Shared by the recipes of the SPADE families: training options, and a model with losses in a dict."""

from __future__ import annotations

import ast

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import carries_gradient, every_caller_has, forbids, occurrences, requires
from ffl_plugin.patches._made_models import trains_the_model
from ffl_plugin.patches._pix2pix import no_jittor
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.recipe import File, Import, Only, Statement
from ffl_plugin.patching.search import NotThisFamily
from ffl_plugin.patching.source import Function, find_function

LOSSES = "Pix2PixModel.compute_generator_loss"
DEFINES = ("Pix2PixModel.__init__", LOSSES)
NAMES = (
    "fake_image, ... = self.generate_fake(...)",
    "fake_image = self.generate_fake(...)",
    "..., fake_image, ... = self.generate_fake(...)",
)
IMAGES_GENERATED = Only(NAMES)
# The upstream's losses between an image and its target.
TARGETS = (
    "self.criterionVGG(fake_image, real_image)",
    "self.criterionVGG(...['fake_image'], real_image)",
    "self.criterionL1(fake_image, real_image)",
    "self.criterionL1(...['fake_image'], real_image)",
)


def options_file(imported: Import) -> File:
    """Return the edits of the training options."""
    return File(
        path="options/train_options.py",
        defines=("TrainOptions.initialize",),
        edits=(
            imported,
            Statement("TrainOptions.initialize", "ffl.add_options(parser)", before=Only(("return parser",))),
        ),
        checks=(no_jittor,),
    )


def losses_with(parameter: str, clone: Clone, family: str) -> Function:
    """Return the method of a clone that computes the losses, identified by its last parameter.

    Raises:
        NotThisFamily: no file defines one with such a parameter.
    """
    for name in clone.defining(DEFINES):
        function = find_function(clone.source(name), LOSSES)
        if parameter in (argument.arg for argument in function.args.args):
            return function
        raise NotThisFamily(
            f"{clone.title} does not belong to the {family} family: {LOSSES} takes no {parameter}",
            file=name,
            line=function.lineno,
        )
    raise NotThisFamily(f"{clone.title} does not belong to the {family} family: no file defines {LOSSES}")


def images_are_of_the_label_map(source: Source, clone: Clone) -> None:
    """Refuse if the generated images have no target, or cannot be found.

    Models that follow a reference image generate in its style, not that of the label map's photograph.
    """
    function = find_function(source, LOSSES)
    has_target = bool(occurrences(TARGETS, function))
    for call in pattern.occurrences("self.generate_fake(...)", function):
        names = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
        reference = next((name for name in sorted(names) if name.startswith(("ref", "exemplar"))), None)
        if reference is not None and not has_target:
            raise PatchError(
                f"the images follow a reference image ({reference}), so they have no target",
                file=source.name,
                line=call.lineno,
            )
    if not occurrences((*NAMES, "... = self.generate_fake(...)"), function):
        raise PatchError(
            f"{LOSSES} does not call self.generate_fake, so the images it trains are unknown",
            file=source.name,
            line=function.lineno,
        )


def model_file(imported: Import, images: str, real: str, generated: Only = IMAGES_GENERATED) -> File:
    """Return the edits of the model file.

    Args:
        imported: the import of the integration.
        images: the generated images, as an expression.
        real: the variable of their targets.
        generated: the statement that binds the generated images.
    """
    return File(
        path="models/pix2pix_model.py",
        defines=DEFINES,
        edits=(
            imported,
            Statement("Pix2PixModel.__init__", "ffl.setup(self)", after=Only(("self.opt = opt",))),
            Statement(LOSSES, f"ffl.add_term(self, G_losses, {images}, {real})", after=generated),
        ),
        checks=(
            no_jittor,
            images_are_of_the_label_map,
            carries_gradient(LOSSES, images, generated),
            requires(
                LOSSES,
                ("self.criterionGAN(...)",),
                because=f"{LOSSES} does not call self.criterionGAN, so there may be no adversarial loss",
            ),
            forbids(
                LOSSES,
                ("fake_image = fake_image[...]",),
                because="generate_fake returns more than one image, and the compared one is chosen later",
            ),
            forbids(
                "Pix2PixModel",
                ("G_losses = ...",),
                because="another function also computes generator losses, without the term",
                outside=LOSSES,
            ),
            every_caller_has(
                "...(..., mode='generator')",
                ("sum(....values())", "... = list(....values())"),
                because="does not sum all losses of the generator, and would omit the term",
            ),
            trains_the_model(LOSSES, "...(..., mode='generator')", every=True),
            loss_reaches_backward(LOSSES, generated, "G_losses['FFL']"),
        ),
    )
