"""What people do to their clones, where something would train without the term."""

from __future__ import annotations

import pytest
from clones import MakeClone, contents
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
from pieces import block, put

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

LOST = r"does not use G_losses after `fake_image, divergence = self.generate_fake\("

REFUSED: dict[str, tuple[str, str, Replacements, str]] = {
    "StyleGAN2's images without a gradient": (
        "stylegan2-ada",
        LOSS,
        {IMAGES: f"\nwith torch.no_grad():\n    {IMAGES}\n"},
        r"training/loss.py:36: gen_img is generated under torch.no_grad\(\)",
    ),
    "SPADE's images without a gradient": (
        "spade",
        MODEL,
        {
            GENERATE: "\nwith torch.inference_mode():\n    fake_image, _ = self.generate_fake(input_semantics, real_image)\n"
        },
        r"models/pix2pix_model.py:24: fake_image is generated under torch.inference_mode\(\)",
    ),
    "pix2pixHD's images without a gradient": (
        "pix2pixhd",
        "models/pix2pixHD_model.py",
        {"def forward(": "@torch.no_grad()\ndef forward("},
        r"models/pix2pixHD_model.py:\d+: fake_image is generated under torch.no_grad\(\)",
    ),
    "R3GAN's images without a gradient": (
        "r3gan",
        "R3GAN/Trainer.py",
        {
            """
            FakeSamples = self.Generator(Noise, Conditions)
            FakeLogits = self.Discriminator(Preprocessor(FakeSamples), Conditions)
            """: """
            with torch.set_grad_enabled(False): FakeSamples = self.Generator(Noise, Conditions)
            FakeLogits = self.Discriminator(Preprocessor(FakeSamples), Conditions)
            """
        },
        r"R3GAN/Trainer.py:\d+: FakeSamples is generated under torch.set_grad_enabled\(False\)",
    ),
    "identity images that are generated apart": (
        "cut",
        "models/cut_model.py",
        {
            "self.real = torch.cat((self.real_A, self.real_B), dim=0) if both else self.real_A": "pass",
            "self.fake = self.netG(self.real)": "self.fake = self.netG(self.real_A)",
            "self.idt_B = self.fake[len(self.real_A):]": "self.idt_B, _ = self.netG(self.real_B)",
        },
        r"models/cut_model.py:7: CUTModel does not bind self.real, ",
    ),
    "no identity images": (
        "cut",
        "models/cut_model.py",
        {"self.idt_B = self.fake[len(self.real_A):]": "self.same_B = self.fake[len(self.real_A):]"},
        r"models/cut_model.py:7: CUTModel does not bind self.idt_B, ",
    ),
    "a loss that is summed over the images, where a mean carries the term": (
        "r3gan",
        "R3GAN/Trainer.py",
        {"AdversarialLoss.mean()).backward()": "AdversarialLoss.sum()).backward()"},
        r"R3GAN/Trainer.py:12: there is no",
    ),
    "images that are changed before the discriminator sees them": (
        "r3gan",
        "R3GAN/Trainer.py",
        {
            """
            FakeLogits = self.Discriminator(Preprocessor(FakeSamples), Conditions)
            RealLogits = self.Discriminator(Preprocessor(RealSamples), Conditions)
            """: """
            FakeSamples = FakeSamples.clamp(-1, 1)
            FakeLogits = self.Discriminator(Preprocessor(FakeSamples), Conditions)
            RealLogits = self.Discriminator(Preprocessor(RealSamples), Conditions)
            """
        },
        r"R3GAN/Trainer.py:13: FakeSamples is rebound",
    ),
    "a generator that is trained by another method": (
        "r3gan",
        LOSS,
        {"self.trainer.AccumulateGeneratorGradients(": "self.trainer.Distill("},
        r"training/loss.py:12: R3GANLoss.accumulate_gradients does not train the generator",
    ),
    "a way back that is compared with something else": (
        "stargan-v2",
        "core/solver.py",
        {"x_rec - x_real": "x_rec - x_ref"},
        r"core/solver.py:58: compute_g_loss does not compare x_rec with x_real",
    ),
    "a part of the loss returned": (
        "stargan-v2",
        "core/solver.py",
        {"return loss, dict(adv": "return loss_adv, dict(adv"},
        r"core/solver.py:72: does not use loss after",
    ),
    "a branch that returns with a loss of its own": (
        "pix2pix",
        MODEL,
        {
            "self.loss_G_L1 =": """
            if self.warm:
                self.loss_G = self.loss_G_GAN
                self.loss_G.backward()
                return
            self.loss_G_L1 =
            """
        },
        r"models/pix2pix_model.py:38: returns with self.loss_G of its own",
    ),
    "a local variable backpropagated, the attribute shown": (
        "pix2pix",
        MODEL,
        {
            SUM: "total = self.loss_G_GAN + self.loss_G_L1\nself.loss_G = total",
            BACKWARD: "total.backward()\nprint(float(self.loss_G))",
        },
        r"does not use self.loss_G after `self.loss_G = total` \(line 38 backpropagates something else\)",
    ),
    "a local variable backpropagated, the attribute read elsewhere": (
        "pix2pix",
        MODEL,
        {
            f"{SUM}\n{BACKWARD}": """
                total = self.loss_G_GAN + self.loss_G_L1
                total.backward()
                self.loss_G = total

            def shown(self):
                return self.loss_G.item()
            """
        },
        r"does not use self.loss_G after `self.loss_G = total` \(line 37 backpropagates something else\)",
    ),
    "a loss bound again together with another": (
        "pix2pix",
        MODEL,
        {SUM: f"{SUM}\nself.loss_G, self.more = self.scaled(self.loss_G_GAN)"},
        "models/pix2pix_model.py:37: self.loss_G is rebound after",
    ),
    "a backward_G that nothing calls": (
        "pix2pix",
        MODEL,
        {
            BACKWARD: """
                self.loss_G.backward()

            def optimize_parameters(self):
                self.optimizer_G.zero_grad()
                self.loss_G_L1.backward()
                self.optimizer_G.step()
            """
        },
        "nothing calls Pix2PixModel.backward_G",
    ),
    "the loss taken before its report": (
        "stylegan2-ada",
        LOSS,
        {
            "training_stats.report('Loss/G/loss'": """
            total = loss_Gmain.mean()
            training_stats.report('Loss/G/loss'
            """,
            GMAIN_BACKWARD: "total.mul(gain).backward()",
        },
        r"does not use loss_Gmain after `training_stats.report\('Loss/G/loss', loss_Gmain\)` \(line 40 ",
    ),
    "a helper that trains in its place": (
        "pix2pix",
        MODEL,
        {
            JUDGED: f"if self.warm:\n    return self.backward_warm()\n{JUDGED}",
            BACKWARD: """
                self.loss_G.backward()

            def backward_warm(self):
                self.loss_G_L1.backward()
            """,
        },
        r"leaves backward_G before the loss is computed, with `self.backward_warm\(\)`",
    ),
    "a return in the generator's phase": (
        "stylegan2-ada",
        LOSS,
        {
            "loss_Gmain =": """
            if self.pl_weight == 0:
                scores.mean().backward()
                return
            loss_Gmain =
            """
        },
        r"leaves accumulate_gradients before the loss is computed, with `scores.mean\(\).backward\(\)`",
    ),
    "a phase that is a method": (
        "stylegan2-ada",
        LOSS,
        {
            GENERATOR_STEP: """
            if phase == 'Gmain':
                return self.train_G(gen_z)
            generator_step = phase in ('Gmain', 'Gboth')
            """
        },
        r"leaves accumulate_gradients before the loss is computed, with `self.train_G\(gen_z\)`",
    ),
    "the step backpropagates other losses": (
        "pix2pix",
        MODEL,
        {
            f"{SUM}\n{BACKWARD}": """
                self.loss_G = self.loss_G_GAN + self.loss_G_L1

            def optimize_parameters(self):
                self.optimizer_G.zero_grad()
                self.backward_G()
                (self.loss_G_GAN + self.loss_G_L1).backward()

            def shown(self):
                return self.loss_G
            """
        },
        "does not use self.loss_G after",
    ),
    "images from either of two calls, one normalised": (
        "stylegan2-ada",
        LOSS,
        {
            IMAGES: """
            if self.pl_weight:
                gen_img, _ = self.run_G(gen_z, gen_c, sync=sync)
                gen_img = gen_img.add(1)
            else:
                gen_img, _ = self.run_G(gen_z, gen_c, sync=False)
            """
        },
        r"found 2 \(lines 36 and 39\)",
    ),
    "images from one of three branches not made": (
        "spade",
        MODEL,
        {GENERATE: TWICE.format("elif self.opt.small")},
        r"found 2 \(lines 24 and 26\)",
    ),
    "the gain in the mean": (
        "stylegan2-ada",
        LOSS,
        {GMAIN_BACKWARD: "loss_Gmain = (loss_Gmain * gain).mean()\nloss_Gmain.backward()"},
        "the gain is included in loss_Gmain",
    ),
    "a dict of some of the losses": (
        "spade",
        MODEL,
        {RETURN: "return {'GAN': G_losses['GAN']}, fake_image"},
        LOST,
    ),
    "a dict of the losses by name": (
        "spade",
        MODEL,
        {RETURN: "return {name: G_losses[name] for name in self.names}, fake_image"},
        LOST,
    ),
    "a loss taken out": (
        "spade",
        MODEL,
        {RETURN: "gan = G_losses.pop('GAN')\nreturn {'GAN': gan}, fake_image"},
        LOST,
    ),
    "losses bound again without the rest": (
        "spade",
        MODEL,
        {RETURN: "G_losses = {'GAN': G_losses['GAN']}\n" + RETURN},
        "G_losses is rebound after",
    ),
    "losses of a warm-up": (
        "spade",
        MODEL,
        {
            "G_losses = {}": """
            if self.opt.warm:
                return self.warm(input_semantics, real_image)
            G_losses = {}
            """,
            RETURN: """
                return G_losses, fake_image

            def warm(self, label, image):
                return {'L1': (self.generate_fake(label, image)[0] - image).abs().mean()}, image
            """,
        },
        r"leaves compute_generator_loss before the loss is computed, with `self.warm\(",
    ),
    "other losses returned after the term": (
        "spade",
        MODEL,
        {
            **SECOND_PASS,
            "more = self.second_pass(input_semantics)": """
            if self.opt.late:
                return self.second_pass(real_image), fake_image
            more = self.second_pass(input_semantics)
            """,
        },
        r"models/pix2pix_model.py:33: returns without G_losses, and so without the term",
    ),
    "a list of images": (
        "spade",
        MODEL,
        {
            RETURN: """
            if isinstance(fake_image, list):
                fake_image = fake_image[-1]
            return G_losses, fake_image
            """
        },
        r"generate_fake returns more than one image, .* \(`fake_image = fake_image\[-1\]`\)",
    ),
    "photographs blurred": (
        "stylegan2-ada",
        LOSS,
        {GENERATOR_STEP: f"real_img = self.blur(real_img).to(self.device)\n{GENERATOR_STEP}"},
        "real_img is rebound",
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


ASKED_FOR = {
    "trainers/trainer.py": """
    class Trainer:
        def step(self, data):
            return self.model(data, mode='second')
    """,
    "trainers/direct.py": """
    def step(model, label):
        return sum(model.second_pass(label).values())
    """,
}


@pytest.mark.parametrize("file", ASKED_FOR)
def test_a_second_pass_that_is_trained_alone_is_refused(make_clone: MakeClone, file: str) -> None:
    clone = make_clone("spade")
    replace(clone / MODEL, SECOND_PASS)
    assert plan_apply(all_recipes()["spade"], clone).changes
    (clone / file).parent.mkdir()
    (clone / file).write_text(block(ASKED_FOR[file]), encoding="utf-8")
    with pytest.raises(PatchError, match="another function also computes generator losses"):
        plan_apply(all_recipes()["spade"], clone)


@pytest.mark.parametrize(
    "change",
    [
        ("'second'", "'generator_too'"),
        ("mode == 'second'", "self.opt.second"),
        ("more = self.second_pass(input_semantics)", "more = {}"),
    ],
    ids=["a mode that is asked for", "no mode", "not called by the first"],
)
def test_a_second_pass_that_is_no_part_of_the_first_is_refused(
    make_clone: MakeClone, change: tuple[str, str]
) -> None:
    clone = make_clone("spade")
    replace(clone / MODEL, SECOND_PASS)
    replace(clone / MODEL, {change[0]: change[1]})
    (clone / "trainer.py").write_text("MODES = ['generator', 'generator_too']\n", encoding="utf-8")
    with pytest.raises(PatchError, match="another function also computes generator losses"):
        plan_apply(all_recipes()["spade"], clone)


TRAINER = """\
class Trainer:
    def step(self, data):
        losses, _ = self.model(data, mode='generator')
        SUM.backward()
"""


def test_a_trainer_that_names_the_losses_it_sums_is_refused(make_clone: MakeClone) -> None:
    clone = make_clone("spade")
    (clone / "trainers").mkdir()
    trainer = clone / "trainers" / "pix2pix_trainer.py"
    trainer.write_text(put(TRAINER, "SUM", "sum(losses.values()).mean()"), encoding="utf-8")
    assert plan_apply(all_recipes()["spade"], clone).changes
    listed = "values = list(losses.values())\nsum(values)"
    trainer.write_text(put(TRAINER, "SUM", listed), encoding="utf-8")
    assert plan_apply(all_recipes()["spade"], clone).changes
    trainer.write_text(put(TRAINER, "SUM", "(losses['GAN'] + losses['VGG'])"), encoding="utf-8")
    with pytest.raises(PatchError, match=r"trainers/pix2pix_trainer.py:3: does not sum all losses"):
        plan_apply(all_recipes()["spade"], clone)
