"""What people change in their clones, written as replacements in the look-alikes."""

from __future__ import annotations

from pathlib import Path

LOSS, TRAIN, MODEL = "training/loss.py", "train.py", "models/pix2pix_model.py"
SUM = "        self.loss_G = self.loss_G_GAN + self.loss_G_L1\n"
BACKWARD = "        self.loss_G.backward()\n"
GMAIN_BACKWARD = "            loss_Gmain.mean().mul(gain).backward()\n"
IMAGES = "                gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)\n"
STEP = "\n    def optimize_parameters(self):\n        self.optimizer_G.zero_grad()\n"

Replacements = dict[str, str]

GENERATE = "        fake_image, divergence = self.generate_fake(\n            input_semantics, real_image)\n"
RETURN = "        return G_losses, fake_image\n"
TWICE = (
    "        if self.opt.large:\n            fake_image, divergence = self.generate_fake(input_semantics, real_image)\n"
    "        {}:\n            fake_image, divergence = self.generate_fake(input_semantics, real_image)\n"
)
FORWARD = "        return self.generate_fake(data['label'], data['image'])[0]\n"
# Losses of a second pass, which the first adds to its own; and a mode for that pass alone.
SECOND_PASS = {
    FORWARD: "        elif mode == 'second':\n            return self.second_pass(data['label']), None\n"
    + FORWARD,
    RETURN: "        more = self.second_pass(input_semantics)\n        return {**G_losses, **more}, fake_image\n"
    "\n    def second_pass(self, label):\n        G_losses = {}\n"
    "        G_losses['more'] = self.criterionGAN(self.netD(self.netG(label)), True)\n        return G_losses\n",
}


def replace(path: Path, replacements: Replacements) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
