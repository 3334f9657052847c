"""Shared by the recipes for pytorch-CycleGAN-and-pix2pix: a model's options, constructor and loss."""

from __future__ import annotations

from pathlib import PurePosixPath

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import forbids, requires
from ffl_plugin.patches._default_model import trains_another_by_default
from ffl_plugin.patches._made_models import trains_the_model
from ffl_plugin.patches._scaling import loss_is_scaled
from ffl_plugin.patches._volumes import no_volumes
from ffl_plugin.patching import Clone, PatchError, Source
from ffl_plugin.patching.recipe import Check, File, Import, Last, Only, Other, Statement

no_jittor = forbids(
    "", ("import jittor", "from jittor import ..."), because="is a Jittor port, but the loss needs PyTorch"
)

NAMES_COMPLETE = Last(  # changed, not just read: a fork iterates over the names to keep a history
    (
        "self.loss_names = ...",
        "self.loss_names += ...",
        "self.loss_names.append(...)",
        "self.loss_names.extend(...)",
        "self.loss_names.insert(...)",
    )
)

LOSS_COMPLETE = Last(
    ("self.loss_G = ...", "self.loss_G += ..."),
    unless=(  # scaling the step scales the term too, and displayed values are not losses
        "self.loss_G = self.loss_G / ...",
        "self.loss_G = self.loss_G * ...",
        "self.loss_G = ... * self.loss_G",
        "self.loss_G = self.loss_G.item()",
        "self.loss_G = self.loss_G.detach()",
        "self.loss_G = float(self.loss_G)",
    ),
)


def model_file(path: str, model: str, imported: Import, term: str, method: str = "backward_G") -> File:
    """Return the edits of a model file.

    Args:
        path: its path in the upstream.
        model: the class.
        imported: the import of the integration.
        term: the statement that adds the term to ``self.loss_G``.
        method: the method that computes ``self.loss_G``.
    """
    options, backward = f"{model}.modify_commandline_options", f"{model}.{method}"
    constructor = f"{model}.__init__ | {model}.initialize"
    return File(
        path=path,
        defines=(options, constructor, backward),
        edits=(
            imported,
            Statement(options, "ffl.add_options(parser, is_train)", before=Only(("return parser",))),
            Statement(constructor, "ffl.setup(self)", after=NAMES_COMPLETE),
            Statement(backward, term, after=LOSS_COMPLETE),
        ),
        checks=(
            no_jittor,
            no_volumes,
            found_by_its_name(model),
            requires(
                backward,
                ("self.loss_G = ...", "self.loss_G += ..."),
                because=f"{backward} does not compute self.loss_G, to which the term would be added",
            ),
            requires(
                backward,
                ("self.criterionGAN(...)", "self.netD(...)", "self.netD_A(...)", "self.backward_G_GAN(...)"),
                because=f"{backward} calls neither self.criterionGAN nor a discriminator, so there "
                "may be no adversarial loss",
            ),
            requires(
                "",
                (f"....{method}(...)",),
                because=f"nothing calls {backward}, so the generator is not trained with it",
                given="....step(...)",
            ),
            trains_the_model(backward, "....optimize_parameters(...)", every=False),
            loss_reaches_backward(backward, LOSS_COMPLETE, "self.loss_G"),
        ),
        remarks=(loss_is_scaled(backward, LOSS_COMPLETE, "self.loss_G"), trains_another_by_default),
    )


def found_by_its_name(model: str) -> Check:
    """Refuse a file, such as a backup, in which the package of the models does not look for the model."""

    def check(source: Source, clone: Clone) -> None:
        path = PurePosixPath(source.name)
        package = str(path.with_name("__init__.py"))
        if path.stem.replace("_", "").lower() == model.lower() or not clone.has(package):
            return
        if "find_model_using_name" in clone.source(package).definitions:
            raise PatchError(
                f"{package} finds models by the names of their files, and so not the {model} of this file",
                file=source.name,
            )

    return check


def api_of_2017(model: str) -> Other:
    """Identify the first API, in which models have no options of their own."""
    return Other(
        (f"{model}.initialize", f"{model}.get_current_errors"),
        because=f"{model} has the API of 2017 (get_current_errors, and no modify_commandline_options)",
    )
