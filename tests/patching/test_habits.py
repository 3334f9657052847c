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
IMAGES = "                gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)\n"
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
    "a share of a step, as accumulation has it": (
        "pix2pix",
        MODEL,
        {SUM: SUM + "        self.loss_G = self.loss_G / self.opt.accumulate\n"},
        SUM.strip(),
    ),
    "a share in place": ("pix2pix", MODEL, {SUM: SUM + "        self.loss_G /= 4\n"}, SUM.strip()),
    "a share by option": (
        "pix2pix",
        MODEL,
        {SUM: SUM + "        if self.opt.accumulate > 1:\n            self.loss_G = self.loss_G / 4\n"},
        SUM.strip(),
    ),
    "a number kept for printing": (
        "pix2pix",
        MODEL,
        {BACKWARD: BACKWARD + "        self.loss_G = self.loss_G.item()\n"},
        SUM.strip(),
    ),
    "a loss that another method backpropagates": (
        "pix2pix",
        MODEL,
        {BACKWARD: STEP + "        self.backward_G()\n        self.scaler.scale(self.loss_G).backward()\n"},
        SUM.strip(),
    ),
    "images from either of two calls": (
        "stylegan2-ada",
        LOSS,
        {
            IMAGES: "                if self.pl_weight:\n                    gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)\n"
            "                else:\n                    gen_img, _ = self.run_G(gen_z, gen_c, sync=False)\n"
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "a bonus taken off after the report": (
        "stylegan2-ada",
        LOSS,
        {GMAIN_BACKWARD: "            loss_Gmain -= self.bonus\n" + GMAIN_BACKWARD},
        "training_stats.report('Loss/G/loss', loss_Gmain)",
    ),
    "a phase of its own that returns": (
        "stylegan2-ada",
        LOSS,
        {
            "        generator_step =": "        if phase == 'AE':\n            self.encode(real_img).mean().backward()\n"
            "            return\n        generator_step ="
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
            "            loss_D.mean()": "            penalty = self.grads[0].sum([1, 2, 3]) + self.grads[1].sum([1, 2, 3, 4])\n"
            "            (loss_D + penalty).mean()"
        },
        "training_stats.report('Loss/G/loss', loss_Gmain)",
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


GENERATE = "        fake_image, divergence = self.generate_fake(\n            input_semantics, real_image)\n"
RETURN = "        return G_losses, fake_image\n"
WARM = "\n    def warm(self, label, image):\n        return {'L1': (self.generate_fake(label, image)[0] - image).abs().mean()}, image\n"
TWICE = (
    "        if self.opt.large:\n            fake_image, divergence = self.generate_fake(input_semantics, real_image)\n"
    "        {}:\n            fake_image, divergence = self.generate_fake(input_semantics, real_image)\n"
)

ONE_CALL = "        fake_image, divergence = self.generate_fake(1, 2)\n"

# What a fork of SPADE makes of its losses, and the line right above the statement that adds the term.
SPADE_APPLIED: dict[str, tuple[Replacements, str]] = {
    "either of two calls": (
        {GENERATE: TWICE.format("else")},
        "fake_image, divergence = self.generate_fake(input_semantics, real_image)",
    ),
    "one of two calls, or an error": (
        {
            GENERATE: TWICE.format("elif self.opt.small")
            + "        else:\n            raise ValueError('size')\n"
        },
        "raise ValueError('size')",
    ),
    "a call that is always made": (
        {GENERATE: "        if True:\n            fake_image, divergence = self.generate_fake(1, 2)\n"},
        "fake_image, divergence = self.generate_fake(1, 2)",
    ),
    "the background first": (
        {GENERATE: "        background, fake_image, divergence = self.generate_fake(1, 2)\n"},
        "background, fake_image, divergence = self.generate_fake(1, 2)",
    ),
    "a dict made from the losses": (
        {RETURN: "        return {**G_losses, **self.more}, fake_image\n", GENERATE: ONE_CALL},
        ONE_CALL.strip(),
    ),
    "losses bound again as a dict of them all": (
        {RETURN: "        G_losses = {k: v for k, v in G_losses.items()}\n" + RETURN, GENERATE: ONE_CALL},
        ONE_CALL.strip(),
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


LOST = r"does not use G_losses after `fake_image, divergence = self.generate_fake\("

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
    "a helper that trains in its place": (
        "pix2pix",
        MODEL,
        {
            "        judged =": "        if self.warm:\n            return self.backward_warm()\n        judged =",
            BACKWARD: BACKWARD + "\n    def backward_warm(self):\n        self.loss_G_L1.backward()\n",
        },
        r"leaves backward_G before the loss is made, with `self.backward_warm\(\)`",
    ),
    "a return in the generator's phase": (
        "stylegan2-ada",
        LOSS,
        {
            "                loss_Gmain =": "                if self.pl_weight == 0:\n                    scores.mean().backward()\n"
            "                    return\n                loss_Gmain ="
        },
        r"leaves accumulate_gradients before the loss is made, with `scores.mean\(\).backward\(\)`",
    ),
    "a phase that is a method": (
        "stylegan2-ada",
        LOSS,
        {
            "        generator_step =": "        if phase == 'Gmain':\n            return self.train_G(gen_z)\n        generator_step ="
        },
        r"leaves accumulate_gradients before the loss is made, with `self.train_G\(gen_z\)`",
    ),
    "the step backpropagates other losses": (
        "pix2pix",
        MODEL,
        {
            BACKWARD: STEP
            + "        self.backward_G()\n        (self.loss_G_GAN + self.loss_G_L1).backward()\n"
            "\n    def shown(self):\n        return self.loss_G\n"
        },
        "does not use self.loss_G after",
    ),
    "images from either of two calls, one normalised": (
        "stylegan2-ada",
        LOSS,
        {
            IMAGES: "                if self.pl_weight:\n                    gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)\n"
            "                    gen_img = gen_img.add(1)\n"
            "                else:\n                    gen_img, _ = self.run_G(gen_z, gen_c, sync=False)\n"
        },
        r"there are 2 \(lines 36 and 39\) of what there has to be one",
    ),
    "images from one of three branches not made": (
        "spade",
        MODEL,
        {GENERATE: TWICE.format("elif self.opt.small")},
        r"there are 2 \(lines 24 and 26\) of what there has to be one",
    ),
    "the gain in the mean": (
        "stylegan2-ada",
        LOSS,
        {
            GMAIN_BACKWARD: "            loss_Gmain = (loss_Gmain * gain).mean()\n            loss_Gmain.backward()\n"
        },
        "the gain is folded into loss_Gmain",
    ),
    "a dict of some of the losses": (
        "spade",
        MODEL,
        {RETURN: "        return {'GAN': G_losses['GAN']}, fake_image\n"},
        LOST,
    ),
    "a dict of the losses by name": (
        "spade",
        MODEL,
        {RETURN: "        return {name: G_losses[name] for name in self.names}, fake_image\n"},
        LOST,
    ),
    "a loss taken out": (
        "spade",
        MODEL,
        {RETURN: "        gan = G_losses.pop('GAN')\n        return {'GAN': gan}, fake_image\n"},
        LOST,
    ),
    "losses bound again without the rest": (
        "spade",
        MODEL,
        {RETURN: "        G_losses = {'GAN': G_losses['GAN']}\n" + RETURN},
        "G_losses is bound again after",
    ),
    "losses of a warm-up": (
        "spade",
        MODEL,
        {
            "        G_losses = {}\n": "        if self.opt.warm:\n            return self.warm(input_semantics, real_image)\n"
            "        G_losses = {}\n",
            RETURN: RETURN + WARM,
        },
        r"leaves compute_generator_loss before the loss is made, with `self.warm\(",
    ),
    "a list of images": (
        "spade",
        MODEL,
        {
            RETURN: "        if isinstance(fake_image, list):\n            fake_image = fake_image[-1]\n"
            + RETURN
        },
        r"generate_fake returns more than one image, .* \(`fake_image = fake_image\[-1\]`\)",
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
    listed = "values = list(losses.values())\n        sum(values)"
    trainer.write_text(text.format(listed), encoding="utf-8")
    assert plan_apply(all_recipes()["spade"], clone).changes
    trainer.write_text(text.format("(losses['GAN'] + losses['VGG'])"), encoding="utf-8")
    with pytest.raises(PatchError, match=r"trainers/pix2pix_trainer.py:3: does not sum up all losses"):
        plan_apply(all_recipes()["spade"], clone)


LAUNCH = "    launch_training(c=c, desc=desc, outdir=opts.outdir, dry_run=opts.dry_run)\n"


def test_a_launcher_that_launches_in_two_ways(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan3")
    replace(clone / TRAIN, {LAUNCH: f"    if opts.desc:\n    {LAUNCH}    else:\n    {LAUNCH}"})
    (change, _) = plan_apply(all_recipes()["stylegan3"], clone).changes
    assert b"click.ClickException)\n\n    # Off it goes.\n    if opts.desc:\n" in change.new


def test_a_launcher_whose_options_another_function_makes(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan3")
    text = (clone / TRAIN).read_text(encoding="utf-8")
    made = text[text.index("    c = dnnlib") : text.index("    # Off it goes.")]
    text = text.replace(made, "    c, desc = made_from(opts)\n")
    text = text.replace(
        "@click.command()", f"def made_from(opts):\n{made}    return c, desc\n\n\n@click.command()"
    )
    (clone / TRAIN).write_text(text, encoding="utf-8")
    (change, _) = plan_apply(all_recipes()["stylegan3"], clone).changes
    assert b"    c, desc = made_from(opts)\n    desc += ffl.configure(c, opts.ffl_options" in change.new


def test_a_launcher_that_makes_the_options_anew_is_refused(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan3")
    start = "def launch_training(c, desc, outdir, dry_run):\n"
    replace(clone / TRAIN, {start: f"{start}    c.loss_kwargs = dnnlib.EasyDict(r1_gamma=1)\n"})
    with pytest.raises(PatchError, match=r"train.py:10: launch_training replaces c.loss_kwargs"):
        plan_apply(all_recipes()["stylegan3"], clone)


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
