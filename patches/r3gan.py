"""R3GAN: StyleGAN3's launcher, and a trainer class that computes and backpropagates the generator's loss."""

from __future__ import annotations

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patches._checks import (
    carries_gradient,
    no_frequency_loss_of_its_own,
    requires,
    unchanged,
)
from ffl_plugin.patches._stylegan import launcher_file
from ffl_plugin.patching.recipe import File, Import, Last, Only, Param, Recipe, Statement, Version

IMPORT = Import("from ffl_plugin.integrations import r3gan as ffl")
GENERATOR = "AdversarialTraining.AccumulateGeneratorGradients"

IMAGES_GENERATED = Only(("FakeSamples = self.Generator(...)",))
LOSS_COMPLETE = Last(("AdversarialLoss = ...", "AdversarialLoss += ..."))
# A term added to the loss of every image is in their mean once.
BACKWARD = Only(("(... * AdversarialLoss.mean()).backward()",))

SUM = """\
if self.ffl is not None:
    AdversarialLoss = self.ffl.add_to(AdversarialLoss, FakeSamples, RealSamples)"""
APART = """\
if self.ffl is not None:
    AdversarialLoss = self.ffl.take_from(AdversarialLoss)"""

LOSS = File(
    path="training/loss.py",
    defines=("R3GANLoss.__init__", "R3GANLoss.accumulate_gradients"),
    edits=(
        IMPORT,
        Param("R3GANLoss.__init__", "ffl_options=None"),
        Statement(
            "R3GANLoss.__init__",
            "self.trainer.ffl = ffl.term(ffl_options)",
            after=Only(("self.trainer = AdversarialTraining(...)",)),
        ),
    ),
    checks=(
        requires(
            "R3GANLoss.accumulate_gradients",
            ("self.trainer.AccumulateGeneratorGradients(...)",),
            because="R3GANLoss.accumulate_gradients does not train the generator with "
            "self.trainer.AccumulateGeneratorGradients, where the term is added",
        ),
    ),
)

TRAINER = File(
    path="R3GAN/Trainer.py",
    defines=("AdversarialTraining.__init__", GENERATOR),
    edits=(
        Statement(
            "AdversarialTraining.__init__",
            "self.ffl = None",
            after=Last(("... = ...",)),
            comment="Set by R3GANLoss where --ffl-weight or --ffl-share is given.",
        ),
        Statement(GENERATOR, SUM, before=BACKWARD),
        Statement(GENERATOR, APART, after=BACKWARD),
    ),
    checks=(
        loss_reaches_backward(GENERATOR, LOSS_COMPLETE, "AdversarialLoss"),
        carries_gradient(GENERATOR, "FakeSamples", IMAGES_GENERATED),
        unchanged(GENERATOR, "FakeSamples", since=IMAGES_GENERATED, until=("self.Discriminator(...)",)),
    ),
)

RECIPE = Recipe(
    name="r3gan",
    upstream="brownvc/R3GAN",
    summary="R3GAN, and its forks",
    train="python train.py --outdir=runs --data=images.zip --gpus=8 --batch=256 --preset=FFHQ-64 --mirror=1 "
    "--ffl-weight=1",
    files=(launcher_file(IMPORT, "R3GANLoss", "--preset"), LOSS, TRAINER),
    checks=(no_frequency_loss_of_its_own,),
    versions=(
        Version(
            "19a7ddf",
            (
                ("train.py", "b611c98192622f4ab70fd04a00694088ed66a01e"),
                ("training/loss.py", "defbfa732c1ee6c0a3a5a5568186f5c05d98472c"),
                ("R3GAN/Trainer.py", "f636ce2cb32d4cf16ddf5b242fba2d75bc3d5676"),
            ),
        ),
    ),
)
