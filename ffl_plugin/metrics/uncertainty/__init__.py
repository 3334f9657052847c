"""How sure a change is: every metric before and after, with its confidence interval.

The page is docs/uncertainty.md. ``difference`` makes the interval, ``random_effects`` adds what seeds do, and
``of_*`` estimate the sampling error of each metric: by the ``jackknife``, whose influence functions of the
Fréchet distance are in ``influence``, as a ``u_statistic``, or from half-samples. Names are imported
from their modules on first use, as in ``ffl_plugin.metrics``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ffl_plugin.metrics.uncertainty.bias_reduction import (
        fewest_for_limit,
        frechet_limit,
        limit_of_distance,
    )
    from ffl_plugin.metrics.uncertainty.difference import (
        IMPROVED,
        NO_EVIDENCE,
        WORSE,
        Difference,
        compare_values,
        student_quantile,
    )
    from ffl_plugin.metrics.uncertainty.influence import frechet_influence
    from ffl_plugin.metrics.uncertainty.jackknife import delete_group_error
    from ffl_plugin.metrics.uncertainty.of_distribution import (
        compare_inception_score,
        compare_precision_recall,
    )
    from ffl_plugin.metrics.uncertainty.of_features import (
        ENOUGH_FOR_KID,
        FEATURE_METRICS,
        compare_features,
    )
    from ffl_plugin.metrics.uncertainty.of_fid import compare_fid
    from ffl_plugin.metrics.uncertainty.of_kernels import compare_cmmd, compare_kid
    from ffl_plugin.metrics.uncertainty.of_pairs import compare_pairs, compare_segmentation
    from ffl_plugin.metrics.uncertainty.of_spectra import compare_spectra, spectral_values
    from ffl_plugin.metrics.uncertainty.random_effects import SamplingError
    from ffl_plugin.metrics.uncertainty.u_statistic import Kernel, kernel_distances

__all__ = [
    "ENOUGH_FOR_KID",
    "FEATURE_METRICS",
    "IMPROVED",
    "NO_EVIDENCE",
    "WORSE",
    "Difference",
    "Kernel",
    "SamplingError",
    "compare_cmmd",
    "compare_features",
    "compare_fid",
    "compare_inception_score",
    "compare_kid",
    "compare_pairs",
    "compare_precision_recall",
    "compare_segmentation",
    "compare_spectra",
    "compare_values",
    "delete_group_error",
    "fewest_for_limit",
    "frechet_influence",
    "frechet_limit",
    "kernel_distances",
    "limit_of_distance",
    "spectral_values",
    "student_quantile",
]

# Module -> the public names that it defines, as above.
_PUBLIC = {
    "difference": ("IMPROVED", "NO_EVIDENCE", "WORSE", "Difference", "compare_values", "student_quantile"),
    "influence": ("frechet_influence",),
    "bias_reduction": ("fewest_for_limit", "frechet_limit", "limit_of_distance"),
    "jackknife": ("delete_group_error",),
    "of_distribution": ("compare_inception_score", "compare_precision_recall"),
    "of_features": ("ENOUGH_FOR_KID", "FEATURE_METRICS", "compare_features"),
    "of_fid": ("compare_fid",),
    "of_kernels": ("compare_cmmd", "compare_kid"),
    "of_pairs": ("compare_pairs", "compare_segmentation"),
    "of_spectra": ("compare_spectra", "spectral_values"),
    "random_effects": ("SamplingError",),
    "u_statistic": ("Kernel", "kernel_distances"),
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    for module, names in _PUBLIC.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
