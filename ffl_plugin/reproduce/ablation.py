"""Table 8 and Figure 11: the focal frequency loss without each of its parts, on the vanilla autoencoder."""

from __future__ import annotations

from dataclasses import replace

from ffl_plugin import variants
from ffl_plugin.loss import focal_frequency_loss
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, paper, vanilla_ae
from ffl_plugin.reproduce.objectives import ImageLoss, Reconstruction
from ffl_plugin.reproduce.report import report_study
from ffl_plugin.reproduce.vanilla_ae import FFL_WEIGHT

LOSSES: dict[str, ImageLoss] = {
    "FFL": focal_frequency_loss,
    "w/o frequency": variants.without_frequency,
    "w/o phase": variants.without_phase,
    "w/o amplitude": variants.without_amplitude,
    "w/o focal": variants.without_focal,
}

STUDY = replace(
    vanilla_ae.STUDY,
    name="ablation",
    methods={
        "baseline": Reconstruction(),
        **{name: Reconstruction(extra={name: (FFL_WEIGHT, loss)}) for name, loss in LOSSES.items()},
    },
    tables=(paper.ABLATION,),
    stand_ins={"CelebA": "faces"},
    notes=(
        "Every method but the baseline is MSE 1 plus 100 times the named loss. The paper gives neither the "
        "exact form of its ablations nor their weights; the forms used are in ffl_plugin.variants.",
    ),
)


def run(options: Options, progress: Progress) -> Result:
    """Run the study."""
    return report_study(STUDY, options, progress)
