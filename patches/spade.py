"""SPADE: the image made from a label map, against the photograph that the map is of."""

from __future__ import annotations

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import (
    every_caller_has,
    forbids,
    no_frequency_loss_of_its_own,
    requires,
)
from ffl_plugin.patches._pix2pix import no_jittor
from ffl_plugin.patching.recipe import File, Import, Only, Other, Recipe, Statement, Version

IMPORT = Import("from ffl_plugin.integrations import spade as ffl")

LOSSES = "Pix2PixModel.compute_generator_loss"
IMAGES_GENERATED = Only(
    (
        "fake_image, ... = self.generate_fake(...)",
        "fake_image = self.generate_fake(...)",
        "..., fake_image, ... = self.generate_fake(...)",
    )
)

OPTIONS = File(
    path="options/train_options.py",
    holds=("TrainOptions.initialize",),
    edits=(
        IMPORT,
        Statement("TrainOptions.initialize", "ffl.add_options(parser)", before=Only(("return parser",))),
    ),
    checks=(no_jittor,),
)

MODEL = File(
    path="models/pix2pix_model.py",
    holds=("Pix2PixModel.__init__", LOSSES),
    edits=(
        IMPORT,
        Statement("Pix2PixModel.__init__", "ffl.setup(self)", after=Only(("self.opt = opt",))),
        Statement(LOSSES, "ffl.add_term(self, G_losses, fake_image, real_image)", after=IMAGES_GENERATED),
    ),
    checks=(
        no_jittor,
        requires(
            LOSSES,
            ("self.criterionGAN(...)",),
            because=f"{LOSSES} does not call self.criterionGAN, so there may be no adversarial loss",
        ),
        forbids(
            LOSSES,
            ("fake_image = fake_image[...]",),
            because="generate_fake returns more than one image, and which are compared is chosen later",
        ),
        forbids(
            "Pix2PixModel",
            ("G_losses = ...",),
            because="another function computes losses of the generator too, and would go without the term",
            outside=LOSSES,
        ),
        every_caller_has(
            "...(..., mode='generator')",
            ("sum(....values())", "... = list(....values())"),
            because="does not sum up all losses of the generator, and would go without the term",
        ),
        loss_reaches_backward(LOSSES, IMAGES_GENERATED, "G_losses['FFL']"),
    ),
)

RECIPE = Recipe(
    name="spade",
    upstream="NVlabs/SPADE",
    summary="SPADE (GauGAN), and its forks",
    train="python train.py --name coco_ffl --dataset_mode coco --dataroot datasets/coco_stuff --ffl-weight 1",
    files=(OPTIONS, MODEL),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "fecacc9",
            (
                (OPTIONS.path, "e620a0569c6dd732737e2bd400c1e516724a6df3"),
                (MODEL.path, "784cb15ae34c3370a322a84cf1e44e13bb536b7f"),
            ),
        ),
    ),
    others=(
        Other(
            ("Pix2PixModel.backward_G",),
            because="Pix2PixModel has the API of pytorch-CycleGAN-and-pix2pix (backward_G)",
        ),
    ),
)
