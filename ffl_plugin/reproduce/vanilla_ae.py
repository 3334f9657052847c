"""Table 1 and Figure 5: the vanilla autoencoder with and without the focal frequency loss."""

from __future__ import annotations

from torch import nn

from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, paper
from ffl_plugin.reproduce.models import VanillaAutoencoder
from ffl_plugin.reproduce.objectives import Reconstruction
from ffl_plugin.reproduce.reconstruction import score_reconstruction
from ffl_plugin.reproduce.report import report_study
from ffl_plugin.reproduce.study import Reduced, Study
from ffl_plugin.reproduce.training import Schedule

FFL_WEIGHT = 100.0  # the authors' for CelebA, beside MSE 1


def build(size: int, paper: bool) -> nn.Module:
    """Build the paper's network, which is small enough for every run."""
    return VanillaAutoencoder(size, latent=256)


STUDY = Study(
    name="vanilla-ae",
    methods={
        "baseline": Reconstruction(),
        "FFL": Reconstruction(extra={"FFL": (FFL_WEIGHT, focal_frequency_loss)}),
    },
    model=build,
    score=score_reconstruction,
    tables=(paper.VANILLA_AE,),
    stand_ins={"DTD": "leaves", "CelebA": "faces"},
    reduced=Reduced(images=1024, test_images=128, epochs=20, batch_size=32),
    schedule=Schedule(epochs=20, batch_size=128, learning_rate=1e-3),
    notes=(
        "MSE 1, FFL 100 (alpha 1), 256 latent units and Adam at 1e-3 are the authors' settings for CelebA; "
        "those for DTD are not public, so the same are used.",
    ),
)


def run(options: Options, progress: Progress) -> Result:
    """Run the study."""
    return report_study(STUDY, options, progress)
