"""The change of every metric from before to after, with its confidence interval (docs/uncertainty.md).

``difference`` computes the interval, ``random_effects`` the variance between seeds, ``of_*`` the sampling
error of each metric: by the ``jackknife``, with the influence functions of the Fréchet distance in
``influence``, as a ``u_statistic``, or from half-samples. The public names are listed in ``__init__.pyi``, as
in ``ffl_plugin.metrics``.
"""

from __future__ import annotations

from ffl_plugin.metrics.lazy import public_names

__all__, __getattr__, __dir__ = public_names(__name__)
