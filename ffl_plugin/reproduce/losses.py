"""Table 7: the focal frequency loss beside other losses, on the VAE."""

from __future__ import annotations

from dataclasses import replace

from ffl_plugin import variants
from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, paper, vae
from ffl_plugin.reproduce.objectives import EvidenceLowerBound, ImageLoss, Reconstruction
from ffl_plugin.reproduce.perceptual import perceptual_loss
from ffl_plugin.reproduce.report import report_study
from ffl_plugin.reproduce.weights import VGG16

# Row of the table -> weight beside MSE 1, and loss. The paper's weights are not public; ours make each term
# of the order of the MSE in the first epochs, but for FFL, which has the vanilla AE's, and its DCT form.
LOSSES: dict[str, tuple[float, ImageLoss]] = {
    "perceptual": (0.1, perceptual_loss),
    "spectral regularization": (0.1, variants.spectral_regularization),
    "FFL (DCT)": (vae.FFL_WEIGHT, variants.dct_loss),
    "FFL": (vae.FFL_WEIGHT, focal_frequency_loss),
}

STUDY = replace(
    vae.STUDY,
    name="losses",
    methods={
        "baseline": EvidenceLowerBound(Reconstruction(), vae.KL_WEIGHT),
        **{
            name: EvidenceLowerBound(Reconstruction(extra={name: term}), vae.KL_WEIGHT)
            for name, term in LOSSES.items()
        },
    },
    tables=(paper.LOSSES_RECONSTRUCTION, paper.LOSSES_SYNTHESIS),
    stand_ins={"CelebA": "faces"},
    notes=(
        "The paper's VAE and all weights of Table 7 are not public; ours are the constants of "
        "ffl_plugin.reproduce.vae and .losses. The KL weight is the same for all, so every added loss also "
        "weakens the KL beside the reconstruction: see the experiment vae. Table 7's pix2pix column needs a "
        "clone: ffl-patch reproduce pix2pix.",
    ),
)


def run(options: Options, progress: Progress) -> Result:
    """Run the study, without the perceptual loss where VGG16's weights are not at hand."""
    missing = VGG16.missing("The perceptual loss")
    if missing is None:
        return report_study(STUDY, options, progress)
    methods = {name: objective for name, objective in STUDY.methods.items() if name != "perceptual"}
    return report_study(replace(STUDY, methods=methods, notes=(*STUDY.notes, missing)), options, progress)
