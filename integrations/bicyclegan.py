"""FFL for BicycleGAN's ``bicycle_gan_model.py``.

The image generated from a target's own code is compared with that target. Images from random codes have no
target.
"""

from __future__ import annotations

from ffl_plugin.integrations._paired import PairedModel
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="image"), unit="epochs")

_model = PairedModel(UPSTREAM)
add_options, setup, add_term = _model.add_options, _model.setup, _model.add_term
