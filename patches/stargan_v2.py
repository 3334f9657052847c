"""StarGAN v2: compares the image that was translated and translated back with its source."""

from __future__ import annotations

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import no_frequency_loss_of_its_own, requires
from ffl_plugin.patching.recipe import File, Import, Last, Only, Recipe, Statement, Version

IMPORT = Import("from ffl_plugin.integrations import stargan_v2 as ffl")

GENERATOR = "compute_g_loss"
LOSS_COMPLETE = Last(("loss = ...", "loss += ..."))
TERM = 'loss = ffl.add_term(args, loss, x_rec, x_real, "latent" if x_refs is None else "ref")'

OPTIONS = File(
    path="main.py",
    defines=("main",),
    edits=(
        IMPORT,
        Statement("", "ffl.add_options(parser)", before=Only(("args = parser.parse_args()",))),
    ),
    checks=(
        requires("main", ("Solver(args)",), because="main does not pass its options to a Solver as args"),
    ),
)

SOLVER = File(
    path="core/solver.py",
    defines=("Solver.__init__", "Solver.train", GENERATOR),
    edits=(
        IMPORT,
        Statement("Solver.__init__", "ffl.setup(args)", after=Only(("self.args = args",))),
        Statement(
            "Solver.train",
            "all_losses.update(ffl.losses(args))",
            after=Last(("all_losses[...] = ...",), branch="all_losses = ..."),
        ),
        Statement(GENERATOR, TERM, after=LOSS_COMPLETE),
    ),
    checks=(
        requires(
            GENERATOR,
            ("x_rec - x_real", "x_real - x_rec", "...(x_rec, x_real)", "...(x_real, x_rec)"),
            because=f"{GENERATOR} does not compare x_rec with x_real, so they may not be a pair",
        ),
        loss_reaches_backward(GENERATOR, LOSS_COMPLETE, "loss"),
    ),
)

RECIPE = Recipe(
    name="stargan-v2",
    upstream="clovaai/stargan-v2",
    summary="StarGAN v2, and its forks",
    train="python main.py --mode train --num_domains 3 --w_hpf 0 --train_img_dir data/afhq/train "
    "--val_img_dir data/afhq/val --ffl-weight 1",
    files=(OPTIONS, SOLVER),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "875b70a",
            (
                (OPTIONS.path, "10e56b3864991929f044f7485cc45e309b6a39bd"),
                (SOLVER.path, "e20552149f6361b0377b2c6e776dc5c9f073e6fc"),
            ),
        ),
    ),
)
