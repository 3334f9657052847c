"""Train a real StyleGAN2-ADA or StyleGAN3 clone with networks narrow enough for a CPU.

    python -m ffl_plugin.reproduce.narrow_stylegan2 --width 64 CLONE --outdir=runs --data=64.zip --kimg=4 ...

The clone's own ``train.py`` parses the options after the clone, and its own training loop runs; only the
numbers of channels, the reporting interval and the number of sample images are overridden, because
StyleGAN2-ADA's command line has no flags for them.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

SAMPLES = 64


def narrow(options: dict[str, Any], width: int) -> dict[str, Any]:
    """Return the options of ``training_loop`` for networks of at most ``width`` channels."""
    generator, discriminator = options["G_kwargs"], options["D_kwargs"]
    for kwargs in (generator.get("synthesis_kwargs", generator), discriminator):
        kwargs.update(channel_base=32 * width, channel_max=width)
    generator.update(z_dim=2 * width, w_dim=2 * width)
    return {**options, "kimg_per_tick": 1}


def main() -> None:
    """Parse this module's options and pass the rest to the clone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("clone")
    parser.add_argument("--width", type=int, default=64, help="maximum channels per layer [default: 64]")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="options of the clone's train.py")
    arguments = parser.parse_args()

    install(arguments.clone, arguments.width)
    importlib.import_module("train").main(arguments.options)


def install(clone: str, width: int) -> None:
    """Make the clone's training loop, in this process, train narrow networks.

    The upstream starts fresh processes for several GPUs: a script that wants narrow networks there calls this
    at its top level, which those processes also run.
    """
    sys.path.insert(0, clone)
    loop: Any = importlib.import_module("training.training_loop")
    run, grid = loop.training_loop, loop.setup_snapshot_image_grid

    def small_grid(*grid_arguments: Any, **keywords: Any) -> Any:
        _, images, labels = grid(*grid_arguments, **keywords)
        return (8, SAMPLES // 8), images[:SAMPLES], labels[:SAMPLES]

    loop.setup_snapshot_image_grid = small_grid
    loop.training_loop = lambda **options: run(**narrow(options, width))


if __name__ == "__main__":
    main()
