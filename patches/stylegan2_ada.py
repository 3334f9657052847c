"""StyleGAN2-ADA: every phase is given the same real minibatch, so the term needs no data of its own."""

from __future__ import annotations

from ffl_plugin.patches._stylegan import loss_file, tensor_guards
from ffl_plugin.patching.recipe import (
    Decorator,
    File,
    Import,
    Only,
    Param,
    Recipe,
    Requires,
    Statement,
    Trains,
    TwoDimensional,
    Version,
)

IMPORT = Import("from ffl_plugin.integrations import stylegan2_ada as ffl")

LAUNCHER = File(
    path="train.py",
    holds=("setup_training_loop_kwargs", "main"),
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
            after=Only(("if gamma is not None: ...", "if not gamma is None: ...")),
            follows=("args.loss_kwargs = ...",),
        ),
        Decorator("main", "ffl.options", after=("click.option('--gamma', ...)", "option('--gamma', ...)")),
    ),
    guards=(
        Trains("training/loss.py", "StyleGAN2Loss"),
        TwoDimensional(),
        Requires(
            "main",
            ("setup_training_loop_kwargs(..., **...)",),
            because="main does not hand its options to setup_training_loop_kwargs, so the flags get lost",
        ),
        Requires(
            "setup_training_loop_kwargs",
            ("args.loss_kwargs = ...",),
            because="setup_training_loop_kwargs sets no args.loss_kwargs, so the flags get lost",
        ),
    ),
)

LOSS = loss_file(IMPORT, "StyleGAN2Loss", tensor_guards("StyleGAN2Loss"))

RECIPE = Recipe(
    name="stylegan2-ada",
    upstream="NVlabs/stylegan2-ada-pytorch",
    summary="StyleGAN2-ADA in PyTorch, and its forks",
    train="python train.py --outdir=runs --data=images.zip --ffl-weight=1",
    files=(LAUNCHER, LOSS),
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
)
