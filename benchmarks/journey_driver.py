"""Runs a script of a clone in a small way: narrow networks, a few steps, stand-ins for what is downloaded.

    python journey_driver.py CLONE SCRIPT [argument ...]

The script parses its own options and runs its own code. Changed on the way are only numbers (steps, channels,
images of a metric, samples along a ray, images of a grid) and weights that would be fetched: a pretrained
EfficientNet is one with random weights, Inception and VGG16 are averages of pixels. SPADE's `sync_batchnorm`,
which its README has users copy from another repository, is torch's own batch norm. Nothing is written into
the clone.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import runpy
import sys
import types
from pathlib import Path
from typing import Any

import torch

IMAGES = int(os.environ.get("JOURNEY_IMAGES", "64"))  # that a training takes, and a metric
WIDTH = 8


class Averages(torch.nn.Module):
    """In place of a feature extractor: the averages of the four quarters of each image."""

    def forward(
        self,
        images: torch.Tensor,
        return_features: bool = False,
        resize_images: bool = False,
        return_lpips: bool = False,
        no_output_bias: bool = False,
    ) -> torch.Tensor:
        """Return features (N, 4·C)."""
        return torch.nn.functional.adaptive_avg_pool2d(images.to(torch.float32), 2).flatten(1)


def main() -> None:
    """Prepare, and run the script."""
    given, script, *arguments = sys.argv[1:]
    clone = Path(given).resolve()
    folder = (clone / script).parent
    os.chdir(clone)
    sys.path[0] = str(folder)
    _import_torchvision()
    if importlib.util.find_spec("timm") is not None and Path("pg_modules").is_dir():
        _without_pretrained_weights()
    if Path("models/networks/normalization.py").is_file():
        _stand_in_for_sync_batchnorm()
    if Path("training/training_loop.py").is_file() and script != "dataset_tool.py":
        _shorten_training()
        _shrink_metrics()
    sys.argv = [script, *arguments]
    # Processes that it starts run it again, from the folder in which this one was started.
    runpy.run_path(str(clone / script), run_name="__main__")


def _import_torchvision() -> None:
    """Let torchvision be imported beside a torch for the CPU, for which it has no build."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        importlib.import_module("ffl_plugin.metrics.torchvision_operators").import_torchvision()


def _without_pretrained_weights() -> None:
    timm: Any = importlib.import_module("timm")
    create = timm.create_model
    timm.create_model = lambda name, pretrained=False, **options: create(name, pretrained=False, **options)


def _stand_in_for_sync_batchnorm() -> None:
    name = "models.networks.sync_batchnorm"
    module: Any = types.ModuleType(name)
    module.SynchronizedBatchNorm2d = torch.nn.BatchNorm2d
    module.DataParallelWithCallback = torch.nn.DataParallel
    sys.modules[name] = module


def _shorten_training() -> None:
    loop: Any = importlib.import_module("training.training_loop")
    run, grid = loop.training_loop, loop.setup_snapshot_image_grid

    def small_grid(*arguments: Any, **options: Any) -> Any:
        _, images, labels = grid(*arguments, **options)
        return (2, 2), images[:4], labels[:4]

    def few_steps(**options: Any) -> Any:
        generator = options["G_kwargs"]
        if "synthesis_kwargs" in generator:  # StyleGAN2-ADA has no flags for these
            for networks in (generator["synthesis_kwargs"], options["D_kwargs"]):
                networks.update(channel_base=32 * WIDTH, channel_max=WIDTH)
            generator.update(z_dim=2 * WIDTH, w_dim=2 * WIDTH)
        if "rendering_kwargs" in generator:
            generator["rendering_kwargs"].update(depth_resolution=4, depth_resolution_importance=4)
        kimg = IMAGES / 1000
        return run(**{**options, "total_kimg": kimg, "kimg_per_tick": kimg / 2})

    loop.setup_snapshot_image_grid, loop.training_loop = small_grid, few_steps


def _shrink_metrics() -> None:
    metrics: Any = importlib.import_module("metrics.metric_utils")
    util: Any = importlib.import_module("dnnlib.util")
    open_url = util.open_url

    def open_or_stand_in(url: str, *arguments: Any, **options: Any) -> Any:
        if "vgg16" not in str(url):
            return open_url(url, *arguments, **options)
        file = io.BytesIO()
        torch.jit.save(torch.jit.script(Averages()), file)
        file.seek(0)
        return file

    util.open_url = open_or_stand_in
    metrics.get_feature_detector = lambda **options: Averages().to(options.get("device", "cpu"))
    for name in ("compute_feature_stats_for_dataset", "compute_feature_stats_for_generator"):
        compute = getattr(metrics, name)
        setattr(metrics, name, lambda compute=compute, **options: compute(**{**options, "max_items": 32}))


if __name__ == "__main__":
    main()
