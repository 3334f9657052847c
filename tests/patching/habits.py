"""What people change in their clones, written as replacements in the look-alikes."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from pieces import put

LOSS, TRAIN, MODEL = "training/loss.py", "train.py", "models/pix2pix_model.py"
JUDGED = "judged = self.netD(torch.cat((self.real_A, self.fake_B), 1))"
SUM = "self.loss_G = self.loss_G_GAN + self.loss_G_L1"
BACKWARD = "self.loss_G.backward()"
GENERATOR_STEP = "generator_step = phase in ('Gmain', 'Gboth')"
GMAIN_BACKWARD = "loss_Gmain.mean().mul(gain).backward()"
IMAGES = "gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)"

Replacements = dict[str, str]
Edit = Callable[[Path], object]

GENERATE = """
fake_image, divergence = self.generate_fake(
    input_semantics, real_image)
"""
RETURN = "return G_losses, fake_image"
TWICE = """
if self.opt.large:
    fake_image, divergence = self.generate_fake(input_semantics, real_image)
{}:
    fake_image, divergence = self.generate_fake(input_semantics, real_image)
"""
# Losses of a second pass, which the first adds to its own; and a mode for that pass alone.
SECOND_PASS = {
    "return self.generate_fake(data['label'], data['image'])[0]": """
        elif mode == 'second':
            return self.second_pass(data['label']), None
        return self.generate_fake(data['label'], data['image'])[0]
    """,
    RETURN: """
            more = self.second_pass(input_semantics)
            return {**G_losses, **more}, fake_image

        def second_pass(self, label):
            G_losses = {}
            G_losses['more'] = self.criterionGAN(self.netD(self.netG(label)), True)
            return G_losses
    """,
}


def replace(path: Path, replacements: Replacements) -> None:
    """Replace pieces in a file, each of which has to be there once."""
    text = path.read_text(encoding="utf-8")
    for old, new in replacements.items():
        text = put(text, old, new)
    path.write_text(text, encoding="utf-8")


def replaced(file: str, old: str, new: str) -> Edit:
    return lambda clone: replace(clone / file, {old: new})


def both(*edits: Edit) -> Edit:
    def edit(clone: Path) -> None:
        for one in edits:
            one(clone)

    return edit
