"""pix2pix in pytorch-CycleGAN-and-pix2pix: the generated image against the target of its own input."""

from __future__ import annotations

from ffl_plugin.patching.recipe import File, Forbids, Import, Last, Only, Recipe, Requires, Statement, Version

MODEL = File(
    path="models/pix2pix_model.py",
    holds=("Pix2PixModel.modify_commandline_options", "Pix2PixModel.__init__", "Pix2PixModel.backward_G"),
    edits=(
        Import("from ffl_plugin.integrations import pix2pix as ffl"),
        Statement(
            "Pix2PixModel.modify_commandline_options",
            "ffl.add_options(parser, is_train)",
            before=Only(("return parser",)),
        ),
        Statement(
            "Pix2PixModel.__init__",
            "ffl.setup(self)",
            after=Last(
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
            "Pix2PixModel.backward_G",
            "self.loss_G = ffl.add_term(self, self.loss_G, self.fake_B, self.real_B)",
            after=Last(("self.loss_G = ...", "self.loss_G += ...")),
            feeds="self.loss_G",
        ),
    ),
    guards=(
        Forbids(
            "",
            ("import jittor", "from jittor import ..."),
            because="is a jittor port, and the loss is PyTorch",
        ),
        Requires(
            "Pix2PixModel.backward_G",
            ("self.netD(...)", "self.criterionGAN(...)"),
            because="Pix2PixModel.backward_G asks no discriminator: this is no GAN",
        ),
    ),
)

RECIPE = Recipe(
    name="pix2pix",
    upstream="junyanz/pytorch-CycleGAN-and-pix2pix",
    summary="pix2pix in pytorch-CycleGAN-and-pix2pix, and its forks",
    train="python train.py --dataroot datasets/facades --name facades_ffl --model pix2pix --ffl-weight 1",
    files=(MODEL,),
    versions=(
        Version("2a7afba", ((MODEL.path, "d4753e1130c20508f9cc3b19b82c2e6908da0ec4"),)),
        Version("c3268ed", ((MODEL.path, "86a2b15826438f15966bf73fa631c9748d91e207"),)),
        Version("f13aab8", ((MODEL.path, "939eb887ee371a2685e71e17bffded7ae8c08b34"),)),
    ),
)
