"""The losses of autoencoders with a discriminator, in taming-transformers and its forks.

The reconstruction is compared with its input. The term is added to the total loss, so the adaptive weight of
the discriminator is unchanged; it is summed over the pixels if the code sums its own losses.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Optional

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import no_frequency_loss_of_its_own, requires
from ffl_plugin.patching import Clone, PatchError, pattern
from ffl_plugin.patching.recipe import File, Import, Last, Only, Param, Recipe, Statement, Version
from ffl_plugin.patching.source import find_definition

IMPORT = Import("from ffl_plugin.integrations import autoencoder as ffl")
CLASSES = ("VQLPIPSWithDiscriminator", "LPIPSWithDiscriminator", "GeneralLPIPSWithDiscriminator")
PATH = "taming/modules/losses/vqperceptual.py"

GENERATOR = "loss = ..."  # the discriminator's is d_loss
LOSS_COMPLETE = Last(("loss = ...", "loss += ..."), branch=GENERATOR)
LOG_COMPLETE = Last(("log = ...", "log.update(...)"), branch=GENERATOR)
SUMMED = ("torch.sum(...) / ....shape[0]", "....sum() / ....shape[0]")
AVERAGED = ("nll_loss = torch.mean(...)", "nll_loss = ....mean()")


def loss_file(path: str, name: str, summed: str) -> File:
    """Return the edits of a file with a loss.

    Args:
        path: the file.
        name: the class of the loss.
        summed: source of an expression: whether the losses are summed over the pixels of an image.
    """
    constructor, forward = f"{name}.__init__", f"{name}.forward"
    return File(
        path=path,
        defines=(constructor, forward),
        edits=(
            IMPORT,
            Param(constructor, "ffl_options=None"),
            Statement(
                constructor,
                "self.ffl = ffl.ReconstructionTerm(ffl_options)",
                after=Only(("self.disc_factor = ...",)),
            ),
            Statement(
                forward,
                f"loss = self.ffl(loss, reconstructions, inputs, summed={summed})",
                after=LOSS_COMPLETE,
            ),
            Statement(forward, "log.update(self.ffl.log(split))", after=LOG_COMPLETE),
        ),
        checks=(
            requires(
                forward,
                ("self.discriminator(...)",),
                because=f"{forward} does not call self.discriminator, so there may be no adversarial loss",
            ),
            requires(
                forward,
                ("return loss, log",),
                because=f"{forward} does not return loss and log, which carry the term",
            ),
            loss_reaches_backward(forward, LOSS_COMPLETE, "loss"),
        ),
    )


def _adapted(recipe: Recipe, clone: Clone) -> Recipe:
    """Return the recipe with a file for each loss in a clone; its configurations select one."""
    files = [
        loss_file(name, each, _summed(clone, name, each))
        for name in clone.python_files
        for each in CLASSES
        if clone.defines(name, (f"{each}.__init__", f"{each}.forward"))
    ]
    return replace(recipe, files=tuple(files)) if files else recipe


def _summed(clone: Clone, name: str, loss: str) -> str:
    """Return source for whether a class sums its losses over pixels: a constant, or a branch's test."""
    source = clone.source(name)
    root = find_definition(source, loss)
    for node in ast.walk(root):
        if isinstance(node, ast.If) and node.orelse:
            body, other = (_reduction(block) for block in (node.body, node.orelse))
            if body is not None and other is not None and body != other:
                test = ast.unparse(node.test)
                return test if body else f"not {test}"
    reduction = _reduction([root])
    if reduction is None:
        raise PatchError(
            f"{loss} neither averages nor sums its losses in a known way, so the term cannot do the same",
            file=name,
            line=root.lineno,
        )
    return str(reduction)


def _reduction(block: list[ast.stmt]) -> Optional[bool]:
    """Whether code sums over the pixels (True) or averages (False); None if neither."""
    for wanted, summed in ((AVERAGED, False), (SUMMED, True)):
        if any(True for each in wanted for node in block for _ in pattern.occurrences(each, node)):
            return summed
    return None


RECIPE = Recipe(
    name="autoencoder",
    upstream="CompVis/taming-transformers",
    summary="Autoencoders of taming-transformers, latent-diffusion, generative-models, LightningDiT, and kin",
    train="python main.py --base configs/custom_vqgan.yaml -t True --gpus 0,  "
    "# with ffl_options: {weight: 1} below lossconfig.params",
    files=(loss_file(PATH, CLASSES[0], "False"),),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version("3ba01b2", ((PATH, "c2febd445728479d4cd9aacdb2572cb1f1af04db"),)),
        Version(
            "a506df5",
            (
                ("ldm/modules/losses/contperceptual.py", "672c1e32a1389def02461c0781339681060c540e"),
                ("ldm/modules/losses/vqperceptual.py", "f69981769e4bd5462600458c4fcf26620f7e4306"),
            ),
            "CompVis/latent-diffusion",
        ),
        Version(
            "0ad7de9",
            (
                (
                    "sgm/modules/autoencoding/losses/discriminator_loss.py",
                    "09b6829267bf8e4d98c3f29abdc19e58dcbcbe64",
                ),
            ),
            "Stability-AI/generative-models",
        ),
        Version(
            "2725fed",
            (("vavae/ldm/modules/losses/contperceptual.py", "7bb7a078feab6c2fca7780a2739353539210aff7"),),
            "hustvl/LightningDiT",
        ),
    ),
    adapt=_adapted,
)
