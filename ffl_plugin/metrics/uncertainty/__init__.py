"""How sure a change is: every metric before and after, with its confidence interval.

The page is docs/uncertainty.md. ``difference`` makes the interval, ``random_effects`` adds what seeds do, and
``of_*`` estimate the sampling error of each metric: by the ``jackknife``, whose influence functions of the
Fréchet distance are in ``influence``, as a ``u_statistic``, or from half-samples. The public names are listed
in ``__init__.pyi``, as in ``ffl_plugin.metrics``.
"""

from __future__ import annotations

from ffl_plugin.metrics.lazy import public_names

__all__, __getattr__, __dir__ = public_names(__name__)
