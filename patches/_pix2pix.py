"""What the recipes for pytorch-CycleGAN-and-pix2pix share: a model's options, constructor and loss."""

from __future__ import annotations

from ffl_plugin.patching.recipe import (
    File,
    Forbids,
    Import,
    Last,
    Only,
    Other,
    Requires,
    Statement,
    TwoDimensional,
)

NO_JITTOR = Forbids(
    "", ("import jittor", "from jittor import ..."), because="is a jittor port, and the loss is PyTorch"
)


def model_file(path: str, model: str, imported: Import, term: str) -> File:
    """Return what goes into the file of a model, with the statement that adds the term to ``self.loss_G``."""
    constructor = f"{model}.__init__ | {model}.initialize"
    return File(
        path=path,
        holds=(f"{model}.modify_commandline_options", constructor, f"{model}.backward_G"),
        edits=(
            imported,
            Statement(
                f"{model}.modify_commandline_options",
                "ffl.add_options(parser, is_train)",
                before=Only(("return parser",)),
            ),
            Statement(
                constructor,
                "ffl.setup(self)",
                after=Last(  # changed, not only mentioned: a fork goes through the names to keep a history
                    (
                        "self.loss_names = ...",
                        "self.loss_names += ...",
                        "self.loss_names.append(...)",
                        "self.loss_names.extend(...)",
                        "self.loss_names.insert(...)",
                    )
                ),
            ),
            Statement(
                f"{model}.backward_G",
                term,
                after=Last(
                    ("self.loss_G = ...", "self.loss_G += ..."),
                    unless=(  # a share of a step is a share of the term too, and what is shown is no loss
                        "self.loss_G = self.loss_G / ...",
                        "self.loss_G = self.loss_G * ...",
                        "self.loss_G = ... * self.loss_G",
                        "self.loss_G = self.loss_G.item()",
                        "self.loss_G = self.loss_G.detach()",
                        "self.loss_G = float(self.loss_G)",
                    ),
                ),
                feeds="self.loss_G",
            ),
        ),
        guards=(
            NO_JITTOR,
            TwoDimensional(),
            Requires(
                f"{model}.backward_G",
                ("self.loss_G = ...", "self.loss_G += ..."),
                because=f"{model}.backward_G does not make self.loss_G, to which the term would be added",
            ),
            Requires(
                f"{model}.backward_G",
                ("self.criterionGAN(...)", "self.netD(...)", "self.netD_A(...)"),
                because=f"{model}.backward_G calls neither self.criterionGAN nor a discriminator, so there "
                "may be no adversarial loss",
            ),
            Requires(
                "",
                ("....backward_G(...)",),
                because=f"nothing calls {model}.backward_G, so it is not what the generator is trained with",
                given="....step(...)",
            ),
        ),
    )


def api_of_2017(model: str) -> Other:
    """Return how the first API is known, in which a model has no options of its own."""
    return Other(
        (f"{model}.initialize", f"{model}.get_current_errors"),
        because=f"{model} has the API of 2017 (get_current_errors, and no modify_commandline_options)",
    )
