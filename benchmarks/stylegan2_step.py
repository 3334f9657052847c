"""Time per kimg of StyleGAN2-ADA with and without FFL, on a real, patched clone.

    python benchmarks/stylegan2_step.py CLONE --resolution 64 --batch 16 --width 64

The clone has `stylegan2-ada` and `torch2` applied. All sides train the same networks, in one process, on one
thread, taking turns step by step, so that whatever else the machine does meets all of them. A step is the
upstream's: Gmain and Dmain with ADA, path length every 4 and R1 every 16 steps, and the optimizers. Processor
time; medians over rounds of 16 steps.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import torch

ROUND = 16  # steps until every phase has had its turn
INTERVALS = {"Gmain": 1, "Greg": 4, "Dmain": 1, "Dreg": 16}


class Training:
    """The networks, their optimizers, and the upstream's losses by name."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        sys.path.insert(0, arguments.clone)
        from training.augment import AugmentPipe  # type: ignore[import-not-found]
        from training.loss import StyleGAN2Loss  # type: ignore[import-not-found]
        from training.networks import Discriminator, Generator  # type: ignore[import-not-found]

        channels = {"channel_base": 32 * arguments.width, "channel_max": arguments.width}
        shape = {"c_dim": 0, "img_resolution": arguments.resolution, "img_channels": 3}
        latent = {"z_dim": 2 * arguments.width, "w_dim": 2 * arguments.width}
        self.batch, self.shape = arguments.batch, (3, arguments.resolution, arguments.resolution)
        self.networks = {
            "G": Generator(
                **latent, mapping_kwargs={"num_layers": 2}, synthesis_kwargs=channels, **shape
            ).train(),
            "D": Discriminator(**channels, **shape).train(),
        }
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=0.0025, betas=(0.0, 0.99))
            for name, network in self.networks.items()
        }
        for network in self.networks.values():
            network.requires_grad_(False)
        augment = AugmentPipe(xflip=1, rotate90=1, xint=1, scale=1, rotate=1, aniso=1, xfrac=1, brightness=1)
        augment.p.fill_(0.3)
        generator = self.networks["G"]
        self.z_dim = latent["z_dim"]
        self.losses = {
            name: StyleGAN2Loss(
                torch.device("cpu"),
                generator.mapping,
                generator.synthesis,
                self.networks["D"],
                augment,
                ffl_options=options,
            )
            for name, options in (
                ("without FFL", None),
                *((name, {"weight": 1.0, "spectrum": name}) for name in arguments.spectra),
            )
        }

    def step(self, loss: Any, index: int) -> float:
        """Train one step, and return its seconds of processor time."""
        real, labels = torch.rand(self.batch, *self.shape) * 2 - 1, torch.zeros(self.batch, 0)
        start = time.process_time()
        for phase, interval in INTERVALS.items():
            if index % interval:
                continue
            network, optimizer = self.networks[phase[0]], self.optimizers[phase[0]]
            optimizer.zero_grad(set_to_none=True)
            network.requires_grad_(True)
            latents = torch.randn(self.batch, self.z_dim)
            loss.accumulate_gradients(phase, real, labels, latents, labels, sync=True, gain=interval)
            network.requires_grad_(False)
            optimizer.step()
        return time.process_time() - start


def main() -> None:
    """Read the command line, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("clone")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--width", type=int, default=64, help="the most channels a layer has [default: 64]")
    parser.add_argument("--rounds", type=int, default=5, help=f"of {ROUND} steps [default: 5]")
    parser.add_argument("--spectra", nargs="+", default=["batch", "batch-amplitude"])
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)

    training = Training(arguments)
    for loss in training.losses.values():
        training.step(loss, 0)  # does not count
    rounds: dict[str, list[float]] = {name: [] for name in training.losses}
    for _ in range(arguments.rounds):
        seconds = dict.fromkeys(training.losses, 0.0)
        for index in range(ROUND):
            turns = list(training.losses) if index % 2 else list(reversed(training.losses))
            for name in turns:
                seconds[name] += training.step(training.losses[name], index)
        for name, spent in seconds.items():
            rounds[name].append(spent)

    size = arguments.resolution
    print(f"{arguments.batch} images of {size} x {size}, at most {arguments.width} channels")
    without = statistics.median(rounds["without FFL"])
    for name, spent in rounds.items():
        kimg = statistics.median(spent) / (ROUND * arguments.batch) * 1000
        ratios = [each / base for each, base in zip(spent, rounds["without FFL"])]
        print(
            f"{name:<17} {kimg:8.1f} s/kimg   ratio of medians {statistics.median(spent) / without:.4f}"
            f"   by round {min(ratios):.4f} to {max(ratios):.4f}"
        )


if __name__ == "__main__":
    main()
