"""What a patched BicycleGAN imports in ``bicycle_gan_model.py``.

The image that is generated from the code of its own target is compared with that target, each with its own.
The images from random codes have no target.
"""

from __future__ import annotations

from ffl_plugin.integrations._paired import PairedModel
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="image"), unit="epochs")

_model = PairedModel(UPSTREAM)
add_options, setup, add_term = _model.add_options, _model.setup, _model.add_term
