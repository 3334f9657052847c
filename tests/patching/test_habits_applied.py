"""What people do to their clones, where the patch goes in and trains right."""

from __future__ import annotations

import pytest
from clones import MakeClone
from habits import (
    BACKWARD,
    GENERATE,
    GENERATOR_STEP,
    GMAIN_BACKWARD,
    IMAGES,
    JUDGED,
    LOSS,
    MODEL,
    RETURN,
    SECOND_PASS,
    SUM,
    TWICE,
    Replacements,
    replace,
)

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import plan_apply

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
        {SUM: "self.loss_G = self.loss_all = self.loss_G_GAN + self.loss_G_L1"},
        "self.loss_G = self.loss_all = self.loss_G_GAN + self.loss_G_L1",
    ),
    "a sum of a list": (
        "pix2pix",
        MODEL,
        {SUM: "self.loss_G = sum([self.loss_G_GAN, self.loss_G_L1])"},
        "self.loss_G = sum([self.loss_G_GAN, self.loss_G_L1])",
    ),
    "a term in one line after the sum": (
        "pix2pix",
        MODEL,
        {SUM: f"{SUM}\nif self.opt.lambda_feat > 0: self.loss_G += self.loss_feat"},
        "if self.opt.lambda_feat > 0: self.loss_G += self.loss_feat",
    ),
    "a scaler": (
        "pix2pix",
        MODEL,
        {BACKWARD: "self.scaler.scale(self.loss_G).backward()"},
        SUM,
    ),
    "a scaled loss as apex has it": (
        "pix2pix",
        MODEL,
        {
            BACKWARD: """
            with amp.scale_loss(self.loss_G, self.optimizer_G) as scaled:
                scaled.backward()
            """
        },
        SUM,
    ),
    "a return before any loss": (
        "pix2pix",
        MODEL,
        {JUDGED: f"if self.frozen:\n    return\n{JUDGED}"},
        SUM,
    ),
    "a helper that backpropagates": (
        "pix2pix",
        MODEL,
        {BACKWARD: "self.backpropagate(self.loss_G)"},
        SUM,
    ),
    "a share of a step, as accumulation has it": (
        "pix2pix",
        MODEL,
        {SUM: f"{SUM}\nself.loss_G = self.loss_G / self.opt.accumulate"},
        SUM,
    ),
    "a share in place": ("pix2pix", MODEL, {SUM: f"{SUM}\nself.loss_G /= 4"}, SUM),
    "a share by option": (
        "pix2pix",
        MODEL,
        {SUM: f"{SUM}\nif self.opt.accumulate > 1:\n    self.loss_G = self.loss_G / 4"},
        SUM,
    ),
    "a number kept for printing": (
        "pix2pix",
        MODEL,
        {BACKWARD: f"{BACKWARD}\nself.loss_G = self.loss_G.item()"},
        SUM,
    ),
    "a loss that another method backpropagates": (
        "pix2pix",
        MODEL,
        {
            f"{SUM}\n{BACKWARD}": """
                self.loss_G = self.loss_G_GAN + self.loss_G_L1

            def optimize_parameters(self):
                self.optimizer_G.zero_grad()
                self.backward_G()
                self.scaler.scale(self.loss_G).backward()
            """
        },
        SUM,
    ),
    "images from either of two calls": (
        "stylegan2-ada",
        LOSS,
        {
            IMAGES: """
            if self.pl_weight:
                gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)
            else:
                gen_img, _ = self.run_G(gen_z, gen_c, sync=False)
            """
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "a bonus taken off after the report": (
        "stylegan2-ada",
        LOSS,
        {GMAIN_BACKWARD: f"loss_Gmain -= self.bonus\n{GMAIN_BACKWARD}"},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "a phase of its own that returns": (
        "stylegan2-ada",
        LOSS,
        {
            GENERATOR_STEP: """
            if phase == 'AE':
                self.encode(real_img).mean().backward()
                return
            generator_step = phase in ('Gmain', 'Gboth')
            """
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "images in a dict with a mask": (
        "eg3d",
        LOSS,
        {"'image_raw': small}": "'image_raw': small, 'image_mask': small[:, :1]}"},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "images in a dict by keywords": (
        "eg3d",
        LOSS,
        {"{'image': real_img, 'image_raw': small}": "dict(image=real_img, image_raw=small)"},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "videos beside the images": (
        "eg3d",
        LOSS,
        {
            "loss_D.mean().mul(gain).backward()": """
            penalty = self.grads[0].sum([1, 2, 3]) + self.grads[1].sum([1, 2, 3, 4])
            (loss_D + penalty).mean().mul(gain).backward()
            """
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "annotations of the phases": (
        "stylegan2-ada",
        LOSS,
        {"loss_Gmain = torch": "loss_Gmain: torch.Tensor = torch"},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "phases as a chain of elif": (
        "stylegan2-ada",
        LOSS,
        {"if generator_step:": "if phase == 'none':\n    pass\nelif generator_step:"},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "photographs rebound for the discriminator": (
        "stylegan2-ada",
        LOSS,
        {
            "loss_Dreal =": """
            real_img = real_img.detach().requires_grad_()
            loss_Dreal =
            """
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "photographs moved to the device": (
        "stylegan2-ada",
        LOSS,
        {GENERATOR_STEP: f"real_img = real_img.to(self.device)\n{GENERATOR_STEP}"},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "augmented images under their own name": (
        "stylegan2-ada",
        LOSS,
        {
            "scores = self.run_D(gen_img, gen_c, sync=False)": """
            flipped = gen_img.flip(3)
            scores = self.run_D(flipped, gen_c, sync=False)
            """
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "losses in a list": (
        "stylegan2-ada",
        LOSS,
        {
            GMAIN_BACKWARD: """
            losses = []
            losses.append(loss_Gmain)
            sum(losses).mean().backward()
            """
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "losses in a dict": (
        "stylegan2-ada",
        LOSS,
        {
            GMAIN_BACKWARD: """
            losses = {}
            losses['G'] = loss_Gmain
            sum(losses.values()).mean().backward()
            """
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "a loss that goes on under another name": (
        "stylegan2-ada",
        LOSS,
        {
            GMAIN_BACKWARD: """
            total = loss_Gmain.mean()
            total = total * gain
            total.backward()
            """
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


ONE_CALL = "fake_image, divergence = self.generate_fake(1, 2)"

# What a fork of SPADE makes of its losses, and the line right above the statement that adds the term.
SPADE_APPLIED: dict[str, tuple[Replacements, str]] = {
    "either of two calls": (
        {GENERATE: TWICE.format("else")},
        "fake_image, divergence = self.generate_fake(input_semantics, real_image)",
    ),
    "one of two calls, or an error": (
        {GENERATE: TWICE.format("elif self.opt.small") + "else:\n    raise ValueError('size')\n"},
        "raise ValueError('size')",
    ),
    "a call that is always made": (
        {GENERATE: f"if True:\n    {ONE_CALL}"},
        ONE_CALL,
    ),
    "the background first": (
        {GENERATE: "background, fake_image, divergence = self.generate_fake(1, 2)"},
        "background, fake_image, divergence = self.generate_fake(1, 2)",
    ),
    "a dict made from the losses": (
        {RETURN: "return {**G_losses, **self.more}, fake_image", GENERATE: ONE_CALL},
        ONE_CALL,
    ),
    "losses of a second pass beside them, and a mode that nobody asks for": (
        {**SECOND_PASS, GENERATE: ONE_CALL},
        ONE_CALL,
    ),
    "losses bound again as a dict of them all": (
        {RETURN: "G_losses = {k: v for k, v in G_losses.items()}\n" + RETURN, GENERATE: ONE_CALL},
        ONE_CALL,
    ),
}


@pytest.mark.parametrize(("replacements", "above"), SPADE_APPLIED.values(), ids=SPADE_APPLIED)
def test_applied_to_what_forks_of_spade_do(
    make_clone: MakeClone, replacements: Replacements, above: str
) -> None:
    clone = make_clone("spade")
    replace(clone / MODEL, replacements)
    change = next(c for c in plan_apply(all_recipes()["spade"], clone).changes if c.name == MODEL)
    lines = [line.strip() for line in change.new.decode().splitlines() if line.strip()]
    assert lines[lines.index("ffl.add_term(self, G_losses, fake_image, real_image)") - 1] == above
