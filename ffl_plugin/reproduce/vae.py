"""Tables 2 and 3, Figures 6 and 7: the VAE with and without the focal frequency loss.

Four methods, because adding any term to the reconstruction also reduces the relative weight of the KL
divergence: the baseline, FFL as usually added, FFL with the ratio of KL to reconstruction held constant, and
the baseline with its MSE scaled by what FFL would have added (``objectives.EvidenceLowerBound``).
"""

from __future__ import annotations

from torch import nn

from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, paper
from ffl_plugin.reproduce.models import ConvolutionalVAE
from ffl_plugin.reproduce.objectives import EvidenceLowerBound, Reconstruction
from ffl_plugin.reproduce.report import report_study
from ffl_plugin.reproduce.study import Reduced, Study
from ffl_plugin.reproduce.synthesis import score_vae
from ffl_plugin.reproduce.training import Schedule

FFL_WEIGHT = 100.0
# MSE + KL_WEIGHT · KL per dimension is the evidence lower bound of a Gaussian decoder with variance
# KL_WEIGHT · pixels / (2 · latent dimensions): 0.024 at 64 x 64 x 3 and 256, in units of [-1, 1].
KL_WEIGHT = 1e-3

WITH_FFL = Reconstruction(extra={"FFL": (FFL_WEIGHT, focal_frequency_loss)})


def build(size: int, paper: bool) -> nn.Module:
    """Build the VAE; the reduced run has a quarter of the channels."""
    return ConvolutionalVAE(size, latent=256, width=64 if paper else 16)


STUDY = Study(
    name="vae",
    methods={
        "baseline": EvidenceLowerBound(Reconstruction(), KL_WEIGHT),
        "FFL": EvidenceLowerBound(WITH_FFL, KL_WEIGHT),
        "FFL, KL in ratio": EvidenceLowerBound(WITH_FFL, KL_WEIGHT, "kl-in-ratio"),
        "MSE scaled": EvidenceLowerBound(WITH_FFL, KL_WEIGHT, "mse-scaled"),
    },
    model=build,
    score=score_vae,
    tables=(paper.VAE_RECONSTRUCTION, paper.VAE_SYNTHESIS),
    stand_ins={"CelebA": "faces", "CelebA-HQ": None},
    reduced=Reduced(images=1024, test_images=128, epochs=10, batch_size=32),
    schedule=Schedule(epochs=20, batch_size=128, learning_rate=1e-3),
    notes=(
        "The paper's VAE, its weights and its schedule are not public. Used here: DCGAN's layers, 256 latent "
        "dimensions, MSE 1, KL 0.001 per dimension, FFL 100 (the vanilla AE's), Adam 1e-3. 'KL in ratio' "
        "keeps the ratio of KL to reconstruction at the baseline's; 'MSE scaled' is the control: no FFL, but "
        "the MSE multiplied by what FFL would have added.",
    ),
)


def run(options: Options, progress: Progress) -> Result:
    """Run the study."""
    return report_study(STUDY, options, progress)
