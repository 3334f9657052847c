"""Share of the FFL term in StyleGAN2-ADA's Gmain phase, on a real clone with `torch2` applied.

    python benchmarks/ffl_share.py CLONE --resolution 256 --batch 4

Times, in one process and on one thread: the Gmain phase of the clone's own loss with the networks of its
`auto` configuration, and the FFL term with its gradient at the generated images. Processor time, medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch

from ffl_plugin.loss import SPECTRA, focal_frequency_loss


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median processor time of some work, after one run that does not count."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def gmain_phase(clone: str, resolution: int, batch: int) -> Callable[[], object]:
    """Return one Gmain phase of the clone's loss, augmentation included."""
    sys.path.insert(0, clone)
    from training.augment import AugmentPipe  # type: ignore[import-not-found]
    from training.loss import StyleGAN2Loss  # type: ignore[import-not-found]
    from training.networks import Discriminator, Generator  # type: ignore[import-not-found]

    channels = {"channel_base": 32768 if resolution >= 512 else 16384, "channel_max": 512}
    shape = {"c_dim": 0, "img_resolution": resolution, "img_channels": 3}
    generator = Generator(
        z_dim=512, w_dim=512, mapping_kwargs={"num_layers": 2}, synthesis_kwargs=channels, **shape
    ).train()
    discriminator = Discriminator(**channels, **shape).train().requires_grad_(False)
    loss = StyleGAN2Loss(
        torch.device("cpu"),
        generator.mapping,
        generator.synthesis,
        discriminator,
        AugmentPipe(xflip=1, scale=1),
    )
    labels, real = torch.zeros(batch, 0), torch.rand(batch, 3, resolution, resolution) * 2 - 1

    def phase() -> None:
        generator.zero_grad(set_to_none=True)
        latents = torch.randn(batch, 512)
        loss.accumulate_gradients("Gmain", real, labels, latents, labels, sync=True, gain=1)

    return phase


def main() -> None:
    """Read the command line, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("clone")
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)

    phase = median_seconds(
        gmain_phase(arguments.clone, arguments.resolution, arguments.batch), arguments.repeats
    )
    print(f"{arguments.batch} images of {arguments.resolution} x {arguments.resolution}")
    print(f"Gmain without FFL  {phase * 1e3:10.1f} ms")
    fake = (
        torch.rand(arguments.batch, 3, arguments.resolution, arguments.resolution) * 2 - 1
    ).requires_grad_()
    real = torch.rand_like(fake) * 2 - 1
    for spectrum in SPECTRA:

        def term(spectrum: str = spectrum) -> None:
            torch.autograd.grad(focal_frequency_loss(fake, real, spectrum=spectrum), fake)

        seconds = median_seconds(term, 10 * arguments.repeats)
        print(f"{spectrum:<17}  {seconds * 1e3:10.1f} ms  {100 * seconds / phase:6.3f} % of it")


if __name__ == "__main__":
    main()
