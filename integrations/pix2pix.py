"""FFL for pytorch-CycleGAN-and-pix2pix's ``pix2pix_model.py``.

Generated and real images are pairs; the default spectrum is ``batch``, which at pix2pix's batch size of 1
equals ``image``. With larger batches, ``--ffl-spectrum image`` compares each image with its own target.
"""

from __future__ import annotations

from ffl_plugin.integrations._paired import PairedModel
from ffl_plugin.integrations._settings import Settings, Upstream

UPSTREAM = Upstream(Settings(spectrum="batch"), unit="epochs")

_model = PairedModel(UPSTREAM)
add_options, setup, add_term = _model.add_options, _model.setup, _model.add_term
