"""Image sources, features, Fréchet distance and spectral metrics.

Public names are imported from their modules on first use (PEP 562): the Fréchet distance loads NumPy, but no
network.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ffl_plugin.metrics.basis import Basis
    from ffl_plugin.metrics.difference import Difference, Metric, compare_pairs, compare_values
    from ffl_plugin.metrics.distribution import inception_score, kid, precision_recall
    from ffl_plugin.metrics.feature_difference import FEATURE_METRICS, compare_features
    from ffl_plugin.metrics.features import Extractor, Features
    from ffl_plugin.metrics.frechet import Statistics, frechet_distance, frechet_from_statistics
    from ffl_plugin.metrics.generators import sample_generator
    from ffl_plugin.metrics.influence import frechet_influence
    from ffl_plugin.metrics.measurement import Measurement, fid, load_feature_file
    from ffl_plugin.metrics.pair_pass import measure_pairs
    from ffl_plugin.metrics.pairs import PairScores, log_frequency_distance, mse, psnr, ssim
    from ffl_plugin.metrics.perceptual import Lpips, find_lpips
    from ffl_plugin.metrics.progress import progress_bar
    from ffl_plugin.metrics.protocols import DEFAULT_PROTOCOL, PROTOCOLS, Protocol, find_protocol
    from ffl_plugin.metrics.results import ImagePairs, is_result_folder, open_images, open_pairs
    from ffl_plugin.metrics.segmentation import compare_segmentation, measure_segmentation
    from ffl_plugin.metrics.sides import Sides
    from ffl_plugin.metrics.sources import ImageSource
    from ffl_plugin.metrics.spectra import SpectralDistances, SpectralStatistics, spectral_distances
    from ffl_plugin.metrics.spectral_difference import compare_spectra
    from ffl_plugin.metrics.spectral_pass import measure_spectra
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

# Public name -> the module that defines it, as above.
_PUBLIC = {
    "Basis": "basis",
    "DEFAULT_PROTOCOL": "protocols",
    "Difference": "difference",
    "Extractor": "features",
    "FEATURE_METRICS": "feature_difference",
    "Features": "features",
    "ImagePairs": "results",
    "ImageSource": "sources",
    "Lpips": "perceptual",
    "Measurement": "measurement",
    "Metric": "difference",
    "PROTOCOLS": "protocols",
    "PairScores": "pairs",
    "Protocol": "protocols",
    "Sides": "sides",
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
    "fid": "measurement",
    "find_lpips": "perceptual",
    "find_protocol": "protocols",
    "find_weights": "weights",
    "frechet_distance": "frechet",
    "frechet_from_statistics": "frechet",
    "frechet_influence": "influence",
    "inception_score": "distribution",
    "is_result_folder": "results",
    "kid": "distribution",
    "load_feature_file": "measurement",
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
    """Import a public name on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted(__all__)
