"""StyleGAN2-ADA: every phase receives the same real minibatch, so the term needs no further data."""

from __future__ import annotations

from ffl_plugin.patches._backward import nothing_undoes
from ffl_plugin.patches._checks import no_frequency_loss_of_its_own, requires
from ffl_plugin.patches._launcher import trains_only_with
from ffl_plugin.patches._loop import loop_fits_loss
from ffl_plugin.patches._stylegan import LOSS_CLASS, loss_file, tensor_checks, with_class_of_launcher
from ffl_plugin.patches._volumes import no_volumes
from ffl_plugin.patching import Clone, PatchError, Source, pattern
from ffl_plugin.patching.recipe import Decorator, File, Import, Only, Param, Recipe, Statement, Version
from ffl_plugin.patching.source import find_function

IMPORT = Import("from ffl_plugin.integrations import stylegan2_ada as ffl")

GAMMA_CHECKED = Only(("if gamma is not None: ...", "if not gamma is None: ..."))


def main_sets_up_the_loop(source: Source, clone: Clone) -> None:
    """Refuse if main does not pass its options on by name, so that the flags would be lost."""
    main = find_function(source, "main")
    if any(pattern.occurrences("setup_training_loop_kwargs(..., **...)", main)):
        return
    others = [
        name
        for name, nodes in source.definitions.items()
        for node in nodes
        if name != "main" and any(pattern.occurrences("setup_training_loop_kwargs(...)", node))
    ]
    if any(pattern.occurrences("setup_training_loop_kwargs(...)", main)):
        problem = "main passes only some of its options to setup_training_loop_kwargs, so the flags are lost"
    elif others:
        problem = f"{others[0]}, not main, calls setup_training_loop_kwargs, so the flags are lost"
    else:
        problem = "nothing calls setup_training_loop_kwargs with main's options, so the flags are lost"
    raise PatchError(problem, file=source.name, line=main.lineno)


def _launcher(loss: str) -> File:
    return File(
        path="train.py",
        defines=("setup_training_loop_kwargs", "main"),
        edits=(
            IMPORT,
            Param(
                "setup_training_loop_kwargs",
                "ffl_options=None",
                comment="Focal frequency loss: <dict>, default = off",
            ),
            Statement(
                "setup_training_loop_kwargs",
                "desc += ffl.configure(args, ffl_options, UserError)",
                after=GAMMA_CHECKED,
            ),
            Decorator(
                "main", "ffl.options", after=("click.option('--gamma', ...)", "option('--gamma', ...)")
            ),
        ),
        checks=(
            trains_only_with(loss),
            loop_fits_loss(loss, ("G_mapping", "G_synthesis", "D")),
            no_volumes,
            main_sets_up_the_loop,
            requires(
                "setup_training_loop_kwargs",
                ("args.loss_kwargs = ...",),
                because="setup_training_loop_kwargs sets no args.loss_kwargs, so the flags are lost",
            ),
            nothing_undoes("setup_training_loop_kwargs", GAMMA_CHECKED, ("args.loss_kwargs = ...",)),
        ),
    )


def _files(loss: str) -> tuple[File, ...]:
    return _launcher(loss), loss_file(IMPORT, loss, tensor_checks(loss))


RECIPE = Recipe(
    name="stylegan2-ada",
    upstream="NVlabs/stylegan2-ada-pytorch",
    summary="StyleGAN2-ADA in PyTorch, and its forks",
    train="python train.py --outdir=runs --data=images.zip --ffl-weight=1",
    files=_files(LOSS_CLASS),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "d72cc7d",
            (
                ("train.py", "8d81b3f18e7ebae0b63dc68674c258c5c38bee71"),
                ("training/loss.py", "b87de446c32d22d1d5104e6ddab2310fabb77bfd"),
            ),
        ),
        Version(
            "375a436",
            (
                ("train.py", "dfb9b06b89d435c4b00f42a50002850c29831023"),
                ("training/loss.py", "b87de446c32d22d1d5104e6ddab2310fabb77bfd"),
            ),
        ),
    ),
    adapt=with_class_of_launcher(_files),
)
