"""Shared by the recipes that run the StyleGAN3 families on current PyTorch."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from ffl_plugin.patching.recipe import File, Import, Only, Statement


class Views:
    """Imports that rebind a library in a file to a view of it.

    A patch is identified by its imports, so each recipe imports from its own module.

    Args:
        module: the module's name in ``ffl_plugin.integrations``.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def of(self, name: str) -> Import:
        """Return the import of a view: ``torch``, ``numpy as np``, ``scipy`` or ``timm``."""
        return replace(self.name(name), rebinds=True)

    def name(self, name: str) -> Import:
        """Return the import of a name that is new to the file."""
        return Import(f"from ffl_plugin.integrations.{self._module} import {name}")

    @property
    def float_betas(self) -> tuple[Import, str]:
        """An import that no other recipe inserts, and the name it gives ``float_betas``."""
        imported = Import(f"from ffl_plugin.integrations import {self._module}")
        return imported, f"{self._module}.float_betas"


def stylegan3_files(views: Views, float_betas: Optional[tuple[Import, str]] = None) -> tuple[File, ...]:
    """Return the edits of files that StyleGAN3, EG3D, Projected GAN and StyleGAN-XL have in common.

    Args:
        views: the recipe's imports.
        float_betas: the import of ``float_betas`` and its name; by default those of the module.
    """
    torch = views.of("torch")
    imported, function = float_betas or views.float_betas
    return (
        File("dnnlib/__init__.py", defines=(), edits=(views.name("removed_modules"),)),
        File("torch_utils/misc.py", defines=("InfiniteSampler",), edits=(torch,)),
        File(
            "training/training_loop.py",
            defines=("training_loop",),
            edits=(
                torch,
                imported,
                Statement(
                    "training_loop", f"{function}(G_opt_kwargs, D_opt_kwargs)", before=Only(("phases = []",))
                ),
            ),
        ),
        File("train.py", defines=("launch_training",), edits=(torch,)),
        File("metrics/metric_utils.py", defines=("MetricOptions",), edits=(torch,)),
        File("metrics/frechet_inception_distance.py", defines=("compute_fid",), edits=(views.of("scipy"),)),
        File("metrics/perceptual_path_length.py", defines=("compute_ppl",), edits=(views.of("numpy as np"),)),
        File("metrics/precision_recall.py", defines=("compute_pr",), edits=(torch,)),
        File("calc_metrics.py", defines=("calc_metrics",), edits=(torch,), optional=True),
    )


def script(views: Views, path: str, function: str, *libraries: str) -> File:
    """Return the edits of an optional script that uses the device, and more libraries."""
    edits = tuple(views.of(library) for library in (*libraries, "torch"))
    return File(path, defines=(function,), edits=edits, optional=True)
