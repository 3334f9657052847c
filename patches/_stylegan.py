"""Shared by the recipes of the StyleGAN families: a loss with phases, and a launcher that fills ``c``."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import carries_gradient, forbids, requires, unchanged
from ffl_plugin.patches._launcher import LOSS_FILE, trained_class, trains_only_with
from ffl_plugin.patches._loop import loop_fits_loss
from ffl_plugin.patches._scaling import loss_is_scaled
from ffl_plugin.patches._volumes import no_volumes
from ffl_plugin.patching import Clone
from ffl_plugin.patching.recipe import Check, Decorator, File, Import, Last, Only, Param, Recipe, Statement

LOSS_CLASS = "StyleGAN2Loss"

# Several phases generate images with the same code; the generator's own is the one that assigns loss_Gmain.
GENERATOR_PHASE = "loss_Gmain = ..."

IMAGES_GENERATED = Only(
    (
        "gen_img, ... = self.run_G(...)",
        "gen_img = self.run_G(...)",
        "gen_img, ... = self.run_G_synthesis(...)",
        "gen_img = self.run_G_synthesis(...)",
    ),
    branch=GENERATOR_PHASE,
)

LOSS_COMPLETE = Last(
    ("training_stats.report('Loss/G/loss', ...)", "loss_Gmain = ...", "loss_Gmain += ..."),
    branch=GENERATOR_PHASE,
)

# The term is computed immediately, because forks rebind gen_img later.
TERM = "loss_Gffl = self.ffl(gen_img, real_img)"
SUM = """\
if loss_Gffl is not None:
    training_stats.report('Loss/G/ffl', loss_Gffl)
    loss_Gmain = loss_Gmain + loss_Gffl"""


def loss_file(imported: Import, loss: str, checks: tuple[Check, ...], term: str = TERM) -> File:
    """Return the edits of `LOSS_FILE`, for the class ``loss``."""
    phases = f"{loss}.accumulate_gradients"
    return File(
        path=LOSS_FILE,
        defines=(f"{loss}.__init__", phases),
        edits=(
            imported,
            Param(f"{loss}.__init__", "ffl_options=None"),
            Statement(
                f"{loss}.__init__", "self.ffl = ffl.GeneratorTerm(ffl_options)", after=Last(("... = ...",))
            ),
            Statement(phases, term, after=IMAGES_GENERATED, comment="None unless --ffl-weight is given."),
            Statement(phases, SUM, after=LOSS_COMPLETE),
        ),
        checks=(*checks, *_phase_checks(phases), loss_reaches_backward(phases, LOSS_COMPLETE, "loss_Gmain")),
        remarks=(loss_is_scaled(phases, LOSS_COMPLETE, "loss_Gmain", usual=("gain",)),),
    )


def with_class_of_launcher(files: Callable[[str], tuple[File, ...]]) -> Callable[[Recipe, Clone], Recipe]:
    """Return an ``adapt`` for the loss class that a launcher trains: forks rename StyleGAN2Loss.

    Args:
        files: returns the recipe's files for a class name.
    """

    def adapt(recipe: Recipe, clone: Clone) -> Recipe:
        name = trained_class(clone, recipe.files[0].defines, LOSS_CLASS)
        return recipe if name == LOSS_CLASS else replace(recipe, files=files(name), earlier=())

    return adapt


def launcher_file(imported: Import, loss: str, option: str) -> File:
    """Return the edits of a ``train.py`` with StyleGAN3's ``c`` and ``opts``, beside an ``option``."""
    return File(
        path="train.py",
        defines=("launch_training", "main"),
        edits=(
            imported,
            Decorator(
                "main", "ffl.options", after=(f"click.option('{option}', ...)", f"option('{option}', ...)")
            ),
            Statement(
                "main",
                "desc += ffl.configure(c, opts.ffl_options, click.ClickException)",
                before=Only(("launch_training(...)",)),
            ),
        ),
        checks=(
            trains_only_with(loss),
            loop_fits_loss(loss, ("G", "D")),
            no_volumes,
            forbids(
                "launch_training",
                ("c.loss_kwargs = ...",),
                because="launch_training replaces c.loss_kwargs, so the flags would be lost",
            ),
            requires("main", ("opts = ...(kwargs)",), because="main does not keep all options in opts"),
            requires(
                "main",
                ("c.loss_kwargs = ...", "c, ... = ...(opts, ...)", "c = ...(opts, ...)"),
                because="main sets no c.loss_kwargs, which carries the flags: create c in main, or "
                "get it from a function of opts, and launch the training with it",
            ),
            requires(
                "main",
                ("launch_training(..., c=c, desc=desc)", "launch_training(c, desc, ...)"),
                because="main does not launch the training with c and desc",
            ),
        ),
    )


def _phase_checks(phases: str) -> tuple[Check, ...]:
    """Return the checks for phases that would silently train something else."""
    volumes = "the images are volumes, but the loss is for (N, C, H, W)"
    return (
        forbids(phases, ("gen_img[:, 0, 0, 0, 0]",), because=volumes),
        carries_gradient(phases, "gen_img", IMAGES_GENERATED),
        requires(phases, ("....sum([1, 2, 3])",), because=volumes, given="....sum([1, 2, 3, 4])"),
        unchanged(
            phases,
            "gen_img",
            since=IMAGES_GENERATED,
            until=("self.run_D(gen_img, ...)", "self.run_D(..., img=gen_img)", "self.D(gen_img, ...)"),
        ),
        forbids(
            phases,
            (
                "loss_Gmain = ... * gain",
                "loss_Gmain = gain * ...",
                "loss_Gmain = (... * gain).mean()",
                "loss_Gmain = torch.mean(... * gain)",
                "loss_Gmain = ....mul(gain)",
                "loss_Gmain *= gain",
            ),
            because="the gain is included in loss_Gmain, so the term would lack it",
        ),
    )


def tensor_checks(loss: str) -> tuple[Check, ...]:
    """Return the checks that the images of a loss are plain tensors, those of the caller."""
    phases = f"{loss}.accumulate_gradients"
    return (
        forbids(phases, ("gen_img['...']", "real_img['...']"), because="the images are dicts, not tensors"),
        forbids(
            phases,
            ("real_img = ...", "real_img, ... = ..."),
            because="real_img is rebound, so it may not be the photographs",
            above=IMAGES_GENERATED,
            unless=(
                "real_img = real_img.to(...)",
                "real_img = real_img.float()",
                "real_img = real_img.detach()",
                "real_img = real_img.detach().requires_grad_(...)",
                "real_img = real_img.contiguous()",
            ),
        ),
    )
