from ffl_plugin.metrics.uncertainty.bias_reduction import fewest_for_limit as fewest_for_limit
from ffl_plugin.metrics.uncertainty.bias_reduction import frechet_limit as frechet_limit
from ffl_plugin.metrics.uncertainty.bias_reduction import limit_of_distance as limit_of_distance
from ffl_plugin.metrics.uncertainty.difference import IMPROVED as IMPROVED
from ffl_plugin.metrics.uncertainty.difference import NO_EVIDENCE as NO_EVIDENCE
from ffl_plugin.metrics.uncertainty.difference import WORSE as WORSE
from ffl_plugin.metrics.uncertainty.difference import Difference as Difference
from ffl_plugin.metrics.uncertainty.difference import compare_values as compare_values
from ffl_plugin.metrics.uncertainty.difference import student_quantile as student_quantile
from ffl_plugin.metrics.uncertainty.influence import frechet_influence as frechet_influence
from ffl_plugin.metrics.uncertainty.jackknife import delete_group_error as delete_group_error
from ffl_plugin.metrics.uncertainty.of_distribution import compare_inception_score as compare_inception_score
from ffl_plugin.metrics.uncertainty.of_distribution import (
    compare_precision_recall as compare_precision_recall,
)
from ffl_plugin.metrics.uncertainty.of_features import ENOUGH_FOR_KID as ENOUGH_FOR_KID
from ffl_plugin.metrics.uncertainty.of_features import FEATURE_METRICS as FEATURE_METRICS
from ffl_plugin.metrics.uncertainty.of_features import compare_features as compare_features
from ffl_plugin.metrics.uncertainty.of_fid import compare_fid as compare_fid
from ffl_plugin.metrics.uncertainty.of_kernels import compare_cmmd as compare_cmmd
from ffl_plugin.metrics.uncertainty.of_kernels import compare_kid as compare_kid
from ffl_plugin.metrics.uncertainty.of_pairs import compare_pairs as compare_pairs
from ffl_plugin.metrics.uncertainty.of_pairs import compare_segmentation as compare_segmentation
from ffl_plugin.metrics.uncertainty.of_spectra import compare_spectra as compare_spectra
from ffl_plugin.metrics.uncertainty.of_spectra import spectral_values as spectral_values
from ffl_plugin.metrics.uncertainty.random_effects import SamplingError as SamplingError
from ffl_plugin.metrics.uncertainty.u_statistic import Kernel as Kernel
from ffl_plugin.metrics.uncertainty.u_statistic import kernel_distances as kernel_distances
