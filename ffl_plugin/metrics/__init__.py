"""Image sources, features, Fréchet distance and spectral metrics.

Every public name is imported from its module on first use (PEP 562): asking for the Fréchet distance loads
NumPy and no network.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ffl_plugin.metrics.difference import *  # noqa: F403
    from ffl_plugin.metrics.distance import *  # noqa: F403
    from ffl_plugin.metrics.distribution import *  # noqa: F403
    from ffl_plugin.metrics.feature_difference import *  # noqa: F403
    from ffl_plugin.metrics.features import *  # noqa: F403
    from ffl_plugin.metrics.frechet import *  # noqa: F403
    from ffl_plugin.metrics.generators import *  # noqa: F403
    from ffl_plugin.metrics.influence import *  # noqa: F403
    from ffl_plugin.metrics.pair_pass import *  # noqa: F403
    from ffl_plugin.metrics.pairs import *  # noqa: F403
    from ffl_plugin.metrics.perceptual import *  # noqa: F403
    from ffl_plugin.metrics.progress import *  # noqa: F403
    from ffl_plugin.metrics.protocols import *  # noqa: F403
    from ffl_plugin.metrics.results import *  # noqa: F403
    from ffl_plugin.metrics.segmentation import *  # noqa: F403
    from ffl_plugin.metrics.sources import *  # noqa: F403
    from ffl_plugin.metrics.spectra import *  # noqa: F403
    from ffl_plugin.metrics.spectral_difference import *  # noqa: F403
    from ffl_plugin.metrics.spectral_pass import *  # noqa: F403
    from ffl_plugin.metrics.weights import *  # noqa: F403

# Public name -> the module that defines it.
_PUBLIC = {
    "DEFAULT_PROTOCOL": "protocols",
    "Difference": "difference",
    "Extractor": "features",
    "FEATURE_METRICS": "feature_difference",
    "Features": "features",
    "ImagePairs": "results",
    "ImageSource": "sources",
    "Lpips": "perceptual",
    "Measurement": "distance",
    "PROTOCOLS": "protocols",
    "PairScores": "pairs",
    "Protocol": "protocols",
    "SpectralDistances": "spectra",
    "SpectralStatistics": "spectra",
    "Statistics": "frechet",
    "Weights": "weights",
    "WeightsMissing": "weights",
    "compare_features": "feature_difference",
    "compare_pairs": "difference",
    "compare_segmentation": "segmentation",
    "compare_spectra": "spectral_difference",
    "compare_values": "difference",
    "fid": "distance",
    "find_lpips": "perceptual",
    "find_protocol": "protocols",
    "find_weights": "weights",
    "frechet_distance": "frechet",
    "frechet_from_statistics": "frechet",
    "frechet_influence": "influence",
    "inception_score": "distribution",
    "is_result_folder": "results",
    "kid": "distribution",
    "load_feature_file": "distance",
    "log_frequency_distance": "pairs",
    "measure_pairs": "pair_pass",
    "measure_segmentation": "segmentation",
    "measure_spectra": "spectral_pass",
    "mse": "pairs",
    "open_images": "results",
    "open_pairs": "results",
    "precision_recall": "distribution",
    "progress_bar": "progress",
    "psnr": "pairs",
    "sample_generator": "generators",
    "spectral_distances": "spectra",
    "ssim": "pairs",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted(_PUBLIC)
