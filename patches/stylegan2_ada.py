"""StyleGAN2-ADA: every phase is given the same real minibatch, so the term needs no data of its own."""

from __future__ import annotations

from ffl_plugin.patching.recipe import (
    Decorator,
    File,
    Import,
    Last,
    Only,
    Param,
    Recipe,
    Requires,
    Statement,
    Trains,
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
            after=Only(("if gamma is not None: ...",)),
        ),
        Decorator("main", "ffl.options", after="click.option('--gamma', ...)"),
    ),
    guards=(
        Trains("training/loss.py", "StyleGAN2Loss"),
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

LOSS = File(
    path="training/loss.py",
    holds=("StyleGAN2Loss.__init__", "StyleGAN2Loss.accumulate_gradients"),
    edits=(
        IMPORT,
        Param("StyleGAN2Loss.__init__", "ffl_options=None"),
        Statement(
            "StyleGAN2Loss.__init__", "self.ffl = ffl.GeneratorTerm(ffl_options)", after=Last(("... = ...",))
        ),
        Statement(
            "StyleGAN2Loss.accumulate_gradients",
            "loss_Gffl = self.ffl(gen_img, real_img)",
            after=Only(
                (
                    "gen_img, ... = self.run_G(...)",
                    "gen_img = self.run_G(...)",
                    "gen_img, ... = self.run_G_synthesis(...)",
                    "gen_img = self.run_G_synthesis(...)",
                ),
                branch="loss_Gmain = ...",
            ),
            comment="None unless --ffl-weight is given.",
        ),
        Statement(
            "StyleGAN2Loss.accumulate_gradients",
            "if loss_Gffl is not None:\n"
            "    training_stats.report('Loss/G/ffl', loss_Gffl)\n"
            "    loss_Gmain = loss_Gmain + loss_Gffl",
            after=Last(
                ("training_stats.report('Loss/G/loss', ...)", "loss_Gmain = ...", "loss_Gmain += ..."),
                branch="loss_Gmain = ...",
            ),
            feeds="loss_Gmain",
        ),
    ),
)

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
