"""What people do to their clones: the patch goes where it trains right, or says what would go without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import MakeClone, contents

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

LOSS, TRAIN, MODEL = "training/loss.py", "train.py", "models/pix2pix_model.py"
SUM = "        self.loss_G = self.loss_G_GAN + self.loss_G_L1\n"
BACKWARD = "        self.loss_G.backward()\n"
GMAIN_BACKWARD = "            loss_Gmain.mean().mul(gain).backward()\n"
STEP = "\n    def optimize_parameters(self):\n        self.optimizer_G.zero_grad()\n"

Replacements = dict[str, str]

# Target, file, what the habit replaces, and the line right above the statement that adds the term.
APPLIED: dict[str, tuple[str, str, Replacements, str]] = {
    "annotations": (
        "pix2pix",
        MODEL,
        {
            SUM: SUM.replace("loss_G =", "loss_G: torch.Tensor ="),
            "def backward_G(self)": "def backward_G(self) -> None",
        },
        "self.loss_G: torch.Tensor = self.loss_G_GAN + self.loss_G_L1",
    ),
    "a chain of targets": (
        "pix2pix",
        MODEL,
        {SUM: "        self.loss_G = self.loss_all = self.loss_G_GAN + self.loss_G_L1\n"},
        "self.loss_G = self.loss_all = self.loss_G_GAN + self.loss_G_L1",
    ),
    "a sum of a list": (
        "pix2pix",
        MODEL,
        {SUM: "        self.loss_G = sum([self.loss_G_GAN, self.loss_G_L1])\n"},
        "self.loss_G = sum([self.loss_G_GAN, self.loss_G_L1])",
    ),
    "a term in one line after the sum": (
        "pix2pix",
        MODEL,
        {SUM: SUM + "        if self.opt.lambda_feat > 0: self.loss_G += self.loss_feat\n"},
        "if self.opt.lambda_feat > 0: self.loss_G += self.loss_feat",
    ),
    "a scaler": (
        "pix2pix",
        MODEL,
        {BACKWARD: "        self.scaler.scale(self.loss_G).backward()\n"},
        SUM.strip(),
    ),
    "a scaled loss as apex has it": (
        "pix2pix",
        MODEL,
        {
            BACKWARD: "        with amp.scale_loss(self.loss_G, self.optimizer_G) as scaled:\n            scaled.backward()\n"
        },
        SUM.strip(),
    ),
    "a return before any loss": (
        "pix2pix",
        MODEL,
        {"        judged =": "        if self.frozen:\n            return\n        judged ="},
        SUM.strip(),
    ),
    "a helper that backpropagates": (
        "pix2pix",
        MODEL,
        {BACKWARD: "        self.backpropagate(self.loss_G)\n"},
        SUM.strip(),
    ),
    "annotations of the phases": (
        "stylegan2-ada",
        LOSS,
        {"                loss_Gmain = torch": "                loss_Gmain: torch.Tensor = torch"},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "phases as a chain of elif": (
        "stylegan2-ada",
        LOSS,
        {
            "        if generator_step:\n": "        if phase == 'none':\n            pass\n        elif generator_step:\n"
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "photographs rebound for the discriminator": (
        "stylegan2-ada",
        LOSS,
        {
            "            loss_Dreal =": "            real_img = real_img.detach().requires_grad_()\n            loss_Dreal ="
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "photographs moved to the device": (
        "stylegan2-ada",
        LOSS,
        {"        generator_step =": "        real_img = real_img.to(self.device)\n        generator_step ="},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "augmented images under their own name": (
        "stylegan2-ada",
        LOSS,
        {
            "                scores = self.run_D(gen_img, gen_c, sync=False)": "                flipped = gen_img.flip(3)\n"
            "                scores = self.run_D(flipped, gen_c, sync=False)"
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "losses in a list": (
        "stylegan2-ada",
        LOSS,
        {
            GMAIN_BACKWARD: "            losses = []\n            losses.append(loss_Gmain)\n            sum(losses).mean().backward()\n"
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "losses in a dict": (
        "stylegan2-ada",
        LOSS,
        {
            GMAIN_BACKWARD: "            losses = {}\n            losses['G'] = loss_Gmain\n            sum(losses.values()).mean().backward()\n"
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "a loss that goes on under another name": (
        "stylegan2-ada",
        LOSS,
        {
            GMAIN_BACKWARD: "            total = loss_Gmain.mean()\n            total = total * gain\n            total.backward()\n"
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
}


@pytest.mark.parametrize(("target", "file", "replacements", "above"), APPLIED.values(), ids=APPLIED)
def test_applied_where_it_trains_right(
    make_clone: MakeClone, target: str, file: str, replacements: Replacements, above: str
) -> None:
    clone = make_clone(target)
    replace(clone / file, replacements)
    change = next(
        change for change in plan_apply(all_recipes()[target], clone).changes if change.name == file
    )
    lines = [line.strip() for line in change.new.decode().splitlines()]
    ours = next(
        number
        for number, line in enumerate(lines)
        if "= ffl.add_term(" in line or line == "if loss_Gffl is not None:"
    )
    assert lines[ours - 1] == above


REFUSED: dict[str, tuple[str, str, Replacements, str]] = {
    "a branch that returns with a loss of its own": (
        "pix2pix",
        MODEL,
        {
            "        self.loss_G_L1 =": "        if self.warm:\n            self.loss_G = self.loss_G_GAN\n"
            "            self.loss_G.backward()\n            return\n        self.loss_G_L1 ="
        },
        r"models/pix2pix_model.py:38: returns with self.loss_G of its own, which would go without the term",
    ),
    "a local variable backpropagated, the attribute shown": (
        "pix2pix",
        MODEL,
        {
            SUM: "        total = self.loss_G_GAN + self.loss_G_L1\n        self.loss_G = total\n",
            BACKWARD: "        total.backward()\n        print(float(self.loss_G))\n",
        },
        r"does not use self.loss_G after `self.loss_G = total` \(line 38 backpropagates something else\)",
    ),
    "a local variable backpropagated, the attribute read elsewhere": (
        "pix2pix",
        MODEL,
        {
            SUM: "        total = self.loss_G_GAN + self.loss_G_L1\n        total.backward()\n        self.loss_G = total\n",
            BACKWARD: "\n    def shown(self):\n        return self.loss_G.item()\n",
        },
        r"does not use self.loss_G after `self.loss_G = total` \(line 37 backpropagates something else\)",
    ),
    "a loss bound again together with another": (
        "pix2pix",
        MODEL,
        {SUM: SUM + "        self.loss_G, self.more = self.scaled(self.loss_G_GAN)\n"},
        "models/pix2pix_model.py:37: self.loss_G is bound again after",
    ),
    "a backward_G that nothing calls": (
        "pix2pix",
        MODEL,
        {BACKWARD: BACKWARD + STEP + "        self.loss_G_L1.backward()\n        self.optimizer_G.step()\n"},
        "nothing calls Pix2PixModel.backward_G",
    ),
    "the loss taken before its report": (
        "stylegan2-ada",
        LOSS,
        {
            "                training_stats.report('Loss/G/loss'": "                total = loss_Gmain.mean()\n"
            "                training_stats.report('Loss/G/loss'",
            GMAIN_BACKWARD: "            total.mul(gain).backward()\n",
        },
        r"does not use loss_Gmain after `training_stats.report\('Loss/G/loss', loss_Gmain\)` \(line 40 ",
    ),
    "photographs blurred": (
        "stylegan2-ada",
        LOSS,
        {
            "        generator_step =": "        real_img = self.blur(real_img).to(self.device)\n        generator_step ="
        },
        "real_img is bound again",
    ),
}


@pytest.mark.parametrize(("target", "file", "replacements", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_where_something_would_train_without_it(
    make_clone: MakeClone, target: str, file: str, replacements: Replacements, message: str
) -> None:
    clone = make_clone(target)
    replace(clone / file, replacements)
    before = contents(clone)
    with pytest.raises(PatchError, match=message):
        plan_apply(all_recipes()[target], clone)
    assert contents(clone) == before


def test_a_trainer_that_names_the_losses_it_sums_is_refused(make_clone: MakeClone) -> None:
    clone = make_clone("spade")
    (clone / "trainers").mkdir()
    trainer = clone / "trainers" / "pix2pix_trainer.py"
    text = "class Trainer:\n    def step(self, data):\n        losses, _ = self.model(data, mode='generator')\n        {}.backward()\n"
    trainer.write_text(text.format("sum(losses.values()).mean()"), encoding="utf-8")
    assert plan_apply(all_recipes()["spade"], clone).changes
    trainer.write_text(text.format("(losses['GAN'] + losses['VGG'])"), encoding="utf-8")
    with pytest.raises(PatchError, match=r"trainers/pix2pix_trainer.py:3: does not sum up all losses"):
        plan_apply(all_recipes()["spade"], clone)


def test_a_launcher_that_imports_option_by_name(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    replace(
        clone / TRAIN,
        {"@click.option(": "@option(", "import click\n": "import click\nfrom click import option\n"},
    )
    (change, _) = plan_apply(all_recipes()["stylegan2-ada"], clone).changes
    assert b"type=float)\n@ffl.options\n@option('--batch'" in change.new


def replace(path: Path, replacements: Replacements) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
