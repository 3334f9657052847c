"""What is refused: one sentence that names the place, and not a byte written."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import MakeClone, contents
from habits import BACKWARD, GENERATOR_STEP, LOSS, MODEL, SUM, TRAIN, Edit, both, replaced

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply


def read_only(file: str) -> Edit:
    return lambda clone: (clone / file).chmod(0o444)


def linked_out_of_the_clone(file: str) -> Edit:
    def edit(clone: Path) -> None:
        outside = clone.parent / "outside.py"
        (clone / file).rename(outside)
        (clone / file).symlink_to(outside)

    return edit


def deleted(file: str) -> Edit:
    return lambda clone: (clone / file).unlink()


def written(file: str, text: str) -> Edit:
    """Write a file beside the others of a clone."""
    return lambda clone: (clone / file).write_text(text, encoding="utf-8")


LAYERS = """\
from torch import nn


def define_G():
    return nn.Conv{}d(1, 1, 3)
"""

REFUSED = {
    "a file is missing": (
        "stylegan2-ada",
        deleted(LOSS),
        "does not belong to the stylegan2-ada family: no file defines StyleGAN2Loss.__init__",
    ),
    "cannot be parsed": (
        "stylegan2-ada",
        replaced(LOSS, "import torch\n", "import torch\nimport\n"),
        "training/loss.py:4: cannot be parsed by Python",
    ),
    "a merge conflict": (
        "stylegan2-ada",
        replaced(LOSS, "import torch\n", "import torch\n<<<<<<< HEAD\n=======\n>>>>>>> theirs\n"),
        r"training/loss.py:4: has a merge conflict \(<<<<<<< HEAD\)",
    ),
    "a merge conflict, with the line ends of Windows": (
        "stylegan2-ada",
        lambda clone: (clone / LOSS).write_bytes(b"<<<<<<< HEAD\r\nx = 1\r\n=======\r\n>>>>>>> theirs\r\n"),
        r"training/loss.py:1: has a merge conflict \(<<<<<<< HEAD\)",
    ),
    "a first marker of a conflict alone": (
        "stylegan2-ada",
        replaced(LOSS, "import torch\n", "import torch\n<<<<<<< HEAD\n"),
        "training/loss.py:4: cannot be parsed by Python",
    ),
    "a syntax error below a text with markers": (
        "stylegan2-ada",
        replaced(LOSS, "import torch\n", 'import torch\n"""\n<<<<<<< old\n>>>>>>> new\n"""\nimport\n'),
        "training/loss.py:8: cannot be parsed by Python",
    ),
    "a null byte": ("pix2pix", replaced(MODEL, "import torch\n", "import torch\n\0"), "cannot be parsed"),
    "an unknown encoding": (
        "pix2pix",
        replaced(MODEL, '"""A model', '# -*- coding: klingon -*-\n"""A model'),
        "cannot be read as Python source",
    ),
    "read-only": ("stylegan2-ada", read_only(LOSS), "training/loss.py: is read-only"),
    "a link out of the clone": (
        "stylegan2-ada",
        linked_out_of_the_clone(LOSS),
        "training/loss.py: is a link to outside",
    ),
    "an FFL of the user's own, by option": (
        "pix2pix",
        replaced(MODEL, "--lambda_L1", "--lambda_ffl"),
        "focal frequency loss of its own",
    ),
    "an FFL of the user's own, by attribute": (
        "pix2pix",
        replaced(MODEL, "self.netG =", "self.criterionFFL = networks.FFL()\nself.netG ="),
        r"models/pix2pix_model.py:20: .* focal frequency loss of its own \(networks.FFL, self.criterionFFL, line 20\)",
    ),
    "an FFL of the user's own, by import": (
        "stylegan2-ada",
        replaced(
            LOSS, "import torch\n", "import torch\nfrom focal_frequency_loss import FocalFrequencyLoss\n"
        ),
        "training/loss.py:4: already has a focal frequency loss of its own",
    ),
    "our names used for something else": (
        "stylegan2-ada",
        replaced(TRAIN, "import json\n", "import json\nimport fast_file_loader as ffl\n"),
        "train.py:4: already has a focal frequency loss of its own",
    ),
    "an anchor is gone": (
        "stylegan2-ada",
        replaced(TRAIN, "if gamma is not None:", "if gamma:"),
        "train.py:.*: there is no `if gamma is not None: ...` or .* in setup_training_loop_kwargs",
    ),
    "an anchor is there twice": (
        "stylegan2-ada",
        replaced(
            TRAIN,
            "if batch is not None:",
            """
            if gamma is not None:
                pass
            if batch is not None:
            """,
        ),
        r"train.py: expected exactly one `if gamma is not None: ...`.* found 2 \(lines 33 and 39\)",
    ),
    "a function is there twice": (
        "pix2pix",
        replaced(MODEL, "def backward_G(self):", "def backward_G(self): pass\ndef backward_G(self):"),
        "models/pix2pix_model.py: defines Pix2PixModel.backward_G 2 times",
    ),
    "the decorator is gone": (
        "stylegan2-ada",
        replaced(TRAIN, "@click.option('--gamma', help='weight of R1', type=float)\n", ""),
        r"train.py:\d+: there is no `@click.option\('--gamma', ...\)` or .* on main",
    ),
    "two returns of the parser": (
        "pix2pix",
        replaced(
            MODEL,
            "if is_train:",
            """
            if not is_train:
                return parser
            if is_train:
            """,
        ),
        r"`return parser`.* found 2 \(lines 12 and 16\)",
    ),
    "generated images in one branch only": (
        "stylegan2-ada",
        replaced(
            LOSS,
            "gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)",
            """
            if real_c:
                gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)
            """,
        ),
        "runs in one branch only",
    ),
    "generated images never bound": (
        "stylegan2-ada",
        replaced(
            LOSS,
            "gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)",
            "images = self.run_G(gen_z, gen_c, sync=sync)",
        ),
        r"there is no `gen_img, ... = self.run_G\(...\)`",
    ),
    "unreachable": (
        "pix2pix",
        replaced(MODEL, "self.loss_G = self", "return\nself.loss_G = self"),
        "because of line",
    ),
    "the loss used up in its branch": (
        "pix2pix",
        replaced(
            MODEL,
            """
            self.loss_G = self.loss_G_GAN + self.loss_G_L1
            self.loss_G.backward()
            """,
            """
            if self.opt.lambda_L1:
                self.loss_G = self.loss_G_GAN
                self.loss_G.backward()
            """,
        ),
        "does not use self.loss_G after",
    ),
    "another statement on the line": (
        "pix2pix",
        replaced(
            MODEL,
            f"{SUM}\n{BACKWARD}",
            f"{SUM}; {BACKWARD}",
        ),
        "shares its line with other code",
    ),
    "the launcher trains another loss as well": (
        "stylegan2-ada",
        replaced(
            TRAIN,
            "desc = 'images'",
            "desc = 'images'\nother = 'training.contrastive.StyleGAN2LossCL'",
        ),
        "train.py:29: trains with training.contrastive.StyleGAN2LossCL, not only with StyleGAN2Loss of training/loss.py",
    ),
    "the launcher names no loss": (
        "stylegan2-ada",
        replaced(TRAIN, "class_name='training.loss.StyleGAN2Loss'", "class_name=cfg"),
        "does not name StyleGAN2Loss",
    ),
    "the options do not get through": (
        "stylegan2-ada",
        replaced(TRAIN, "setup_training_loop_kwargs(**config_kwargs)", "setup_training_loop_kwargs(gpus=1)"),
        "main passes only some of its options to setup_training_loop_kwargs",
    ),
    "a name the loss needs is not bound": (
        "pix2pix",
        replaced(MODEL, "self.real_B = ", "self.target = "),
        "Pix2PixModel does not bind self.real_B, which the patch needs",
    ),
    "no adversary": (
        "pix2pix",
        replaced(
            MODEL,
            """
            judged = self.netD(torch.cat((self.real_A, self.fake_B), 1))
            self.loss_G_GAN = self.criterionGAN(judged, True)
            """,
            "self.loss_G_GAN = 0",
        ),
        "there may be no adversarial loss",
    ),
    "the images are dicts": (
        "stylegan3",
        replaced(LOSS, "scores = self.run_D(gen_img, gen_c)", "scores = self.run_D(gen_img['image'], gen_c)"),
        r"training/loss.py:26: the images are dicts, not tensors \(`gen_img\['image'\]`\)",
    ),
    "the images are volumes": (
        "stylegan3",
        replaced(LOSS, "loss_Gmain.mean()", "(loss_Gmain + gen_img[:, 0, 0, 0, 0] * 0).mean()"),
        "the images are volumes",
    ),
    "the networks of the model are three-dimensional": (
        "pix2pix",
        both(
            replaced(MODEL, "import networks", "import networks3D as networks"),
            written("models/networks3D.py", LAYERS.format(3)),
        ),
        r"models/pix2pix_model.py: the images are volumes \(models/networks3D.py, which it uses, convolves in "
        "three dimensions only\\)",
    ),
    "the networks that the launcher names are three-dimensional": (
        "stylegan2-ada",
        both(
            replaced(TRAIN, "desc = 'images'", "desc = 'images'\nnet = 'training.networks.G'"),
            written("training/networks.py", LAYERS.format(3)),
        ),
        r"train.py: the images are volumes \(training/networks.py",
    ),
    "backward_G makes another loss": (
        "pix2pix",
        replaced(MODEL, "self.loss_G = self.loss_G_GAN + self.loss_G_L1", "self.loss_all = self.loss_G_GAN"),
        "Pix2PixModel.backward_G does not compute self.loss_G",
    ),
    "the photographs are changed": (
        "stylegan2-ada",
        replaced(
            LOSS,
            GENERATOR_STEP,
            f"real_img = self.blur(real_img)\n{GENERATOR_STEP}",
        ),
        "real_img is rebound",
    ),
    "the generated images are changed before they are judged": (
        "stylegan2-ada",
        replaced(
            LOSS,
            "scores = self.run_D(gen_img, gen_c, sync=False)",
            """
            gen_img = self.blur(gen_img)
            scores = self.run_D(gen_img, gen_c, sync=False)
            """,
        ),
        "training/loss.py:36: gen_img is rebound before it is used",
    ),
    "the gain is in the loss": (
        "stylegan2-ada",
        replaced(LOSS, "softplus(-scores)\n", "softplus(-scores) * gain\n"),
        "the gain is included in loss_Gmain",
    ),
    "the settings of the loss are made anew": (
        "stylegan2-ada",
        replaced(TRAIN, "return desc, args", "args.loss_kwargs = dnnlib.EasyDict()\nreturn desc, args"),
        r"train.py:\d+: `args.loss_kwargs = dnnlib.EasyDict\(\)` follows .* would undo",
    ),
    "another loss of the generator": (
        "spade",
        replaced(
            MODEL,
            "def generate_fake(",
            """
            def compute_other_loss(self):
                G_losses = {}

            def generate_fake(
            """,
        ),
        "another function also computes generator losses",
    ),
    "no real image": (
        "spade",
        replaced(
            MODEL,
            "def compute_generator_loss(self, input_semantics, real_image)",
            "def compute_generator_loss(self, content, style)",
        ),
        "Pix2PixModel.compute_generator_loss takes no real_image",
    ),
    "no image that came back": (
        "cyclegan",
        replaced("models/cycle_gan_model.py", "self.rec_A = ", "self.came_back = "),
        "CycleGANModel does not bind self.rec_A",
    ),
    "jittor": (
        "pix2pix",
        replaced(MODEL, "import torch\n", "import jittor as jt\nimport torch\n"),
        "is a Jittor port",
    ),
}


@pytest.mark.parametrize(("target", "edit", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make_clone: MakeClone, target: str, edit: Edit, message: str) -> None:
    clone = make_clone(target)
    edit(clone)
    before = contents(clone)
    with pytest.raises(PatchError, match=message) as refusal:
        plan_apply(all_recipes()[target], clone)
    sentence = str(refusal.value)
    assert sentence.endswith(".") and "\n" not in sentence
    assert contents(clone) == before


LEFT_ALONE = {
    "three-dimensional networks beside those of the model": (
        "pix2pix",
        both(
            written("models/networks.py", LAYERS.format(2)),
            written("models/networks_3d.py", LAYERS.format(3)),
            replaced(MODEL, "import networks", "import networks, networks_3d"),
        ),
    ),
    "shuffle is not FFL": (
        "pix2pix",
        replaced(MODEL, "import torch\n", "import torch\nfrom random import shuffle\n"),
    ),
    "FFL in a comment": ("pix2pix", replaced(MODEL, "import torch\n", "import torch  # TODO: try --ffl\n")),
    "another branch with the same statement first": (
        "stylegan2-ada",
        replaced(
            LOSS,
            "# The generator wants high scores.",
            """
            if phase == 'AE':
                gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)
            """,
        ),
    ),
    "everything in a with": (
        "stylegan2-ada",
        replaced(LOSS, "if generator_step:", "if torch.is_grad_enabled() and generator_step:"),
    ),
    "the loss changed after the report, in a branch": (
        "stylegan2-ada",
        replaced(
            LOSS,
            "training_stats.report('Loss/G/loss', loss_Gmain)",
            """
            training_stats.report('Loss/G/loss', loss_Gmain)
            if sync:
                loss_Gmain = loss_Gmain * 2
            """,
        ),
    ),
    "the loss sums up in branches": (
        "pix2pix",
        replaced(
            MODEL,
            SUM,
            """
            self.loss_G = self.loss_G_GAN
            if self.opt.lambda_L1:
                self.loss_G += self.loss_G_L1
            """,
        ),
    ),
    "backward is elsewhere": (
        "pix2pix",
        replaced(
            MODEL,
            f"{SUM}\n{BACKWARD}",
            """
                self.loss_G = self.loss_G_GAN + self.loss_G_L1

            def optimize_parameters(self):
                self.backward_G()
                self.loss_G.backward()
            """,
        ),
    ),
}


@pytest.mark.parametrize(("target", "edit"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_not_refused(make_clone: MakeClone, target: str, edit: Edit) -> None:
    clone = make_clone(target)
    edit(clone)
    assert plan_apply(all_recipes()[target], clone).changes
