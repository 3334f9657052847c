"""Beyond the paper: a stationary-wavelet loss beside the focal frequency loss, on the vanilla autoencoder."""

from __future__ import annotations

from dataclasses import replace

from ffl_plugin import variants
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, vanilla_ae
from ffl_plugin.reproduce.objectives import Reconstruction
from ffl_plugin.reproduce.report import report_study

# As strong as FFL at 100: on photographs of flowers, FFL's gradient at the baseline's reconstructions is 2.2
# times the wavelet loss's after 800 and 1,600 steps (2.8 after 200, 2.1 after 3,200).
WAVELET_WEIGHT = 220.0

STUDY = replace(
    vanilla_ae.STUDY,
    name="wavelet",
    methods={
        **vanilla_ae.STUDY.methods,
        "wavelet": Reconstruction(extra={"wavelet": (WAVELET_WEIGHT, variants.stationary_wavelet)}),
    },
    notes=(
        *vanilla_ae.STUDY.notes,
        f"The wavelet loss is WGSR's (arXiv 2402.19215); at weight {WAVELET_WEIGHT:g} its gradient at the "
        "images is as large as FFL's at 100, on photographs.",
    ),
)


def run(options: Options, progress: Progress) -> Result:
    """Run the study."""
    return report_study(STUDY, options, progress)
