"""Image sources, features, Fréchet distance and spectral metrics.

Public names are imported from their modules on first use (PEP 562): the Fréchet distance loads NumPy, but no
network.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ffl_plugin.metrics.basis import Basis
    from ffl_plugin.metrics.distribution import inception_score, kid, precision_recall
    from ffl_plugin.metrics.features import Extractor, Features
    from ffl_plugin.metrics.frechet import Statistics, frechet_distance, frechet_from_statistics
    from ffl_plugin.metrics.generators import sample_generator
    from ffl_plugin.metrics.measurement import Measurement, fid, load_feature_file
    from ffl_plugin.metrics.metric import Metric
    from ffl_plugin.metrics.pair_pass import measure_pairs
    from ffl_plugin.metrics.pairs import PairScores, log_frequency_distance, mse, psnr, ssim
    from ffl_plugin.metrics.perceptual import Lpips, find_lpips
    from ffl_plugin.metrics.progress import progress_bar
    from ffl_plugin.metrics.protocols import DEFAULT_PROTOCOL, PROTOCOLS, Protocol, find_protocol
    from ffl_plugin.metrics.results import ImagePairs, is_result_folder, open_images, open_pairs
    from ffl_plugin.metrics.segmentation import measure_segmentation
    from ffl_plugin.metrics.sides import Sides
    from ffl_plugin.metrics.sources import ImageSource
    from ffl_plugin.metrics.spectra import SpectralDistances, SpectralStatistics, spectral_distances
    from ffl_plugin.metrics.spectral_pass import measure_spectra
    from ffl_plugin.metrics.uncertainty import (
        FEATURE_METRICS,
        Difference,
        compare_features,
        compare_pairs,
        compare_segmentation,
        compare_spectra,
        compare_values,
        frechet_influence,
    )
    from ffl_plugin.metrics.weights import Weights, WeightsMissing, find_weights

__all__ = [
    "DEFAULT_PROTOCOL",
    "FEATURE_METRICS",
    "PROTOCOLS",
    "Basis",
    "Difference",
    "Extractor",
    "Features",
    "ImagePairs",
    "ImageSource",
    "Lpips",
    "Measurement",
    "Metric",
    "PairScores",
    "Protocol",
    "Sides",
    "SpectralDistances",
    "SpectralStatistics",
    "Statistics",
    "Weights",
    "WeightsMissing",
    "compare_features",
    "compare_pairs",
    "compare_segmentation",
    "compare_spectra",
    "compare_values",
    "fid",
    "find_lpips",
    "find_protocol",
    "find_weights",
    "frechet_distance",
    "frechet_from_statistics",
    "frechet_influence",
    "inception_score",
    "is_result_folder",
    "kid",
    "load_feature_file",
    "log_frequency_distance",
    "measure_pairs",
    "measure_segmentation",
    "measure_spectra",
    "mse",
    "open_images",
    "open_pairs",
    "precision_recall",
    "progress_bar",
    "psnr",
    "sample_generator",
    "spectral_distances",
    "ssim",
]

# Module -> the public names that it defines, as above.
_PUBLIC = {
    "basis": ("Basis",),
    "distribution": ("inception_score", "kid", "precision_recall"),
    "features": ("Extractor", "Features"),
    "frechet": ("Statistics", "frechet_distance", "frechet_from_statistics"),
    "generators": ("sample_generator",),
    "measurement": ("Measurement", "fid", "load_feature_file"),
    "metric": ("Metric",),
    "pair_pass": ("measure_pairs",),
    "pairs": ("PairScores", "log_frequency_distance", "mse", "psnr", "ssim"),
    "perceptual": ("Lpips", "find_lpips"),
    "progress": ("progress_bar",),
    "protocols": ("DEFAULT_PROTOCOL", "PROTOCOLS", "Protocol", "find_protocol"),
    "results": ("ImagePairs", "is_result_folder", "open_images", "open_pairs"),
    "segmentation": ("measure_segmentation",),
    "sides": ("Sides",),
    "sources": ("ImageSource",),
    "spectra": ("SpectralDistances", "SpectralStatistics", "spectral_distances"),
    "spectral_pass": ("measure_spectra",),
    "uncertainty": (
        "FEATURE_METRICS",
        "Difference",
        "compare_features",
        "compare_pairs",
        "compare_segmentation",
        "compare_spectra",
        "compare_values",
        "frechet_influence",
    ),
    "weights": ("Weights", "WeightsMissing", "find_weights"),
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    for module, names in _PUBLIC.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted(__all__)
