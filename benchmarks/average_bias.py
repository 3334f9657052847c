"""Which averages pull a generator's variance down: a toy with nothing to learn.

    python benchmarks/average_bias.py [--out docs/figures/average_bias.png]

Fake and real images come from one distribution: Gaussian random fields whose amplitudes fall as 1/f, as
those of photographs do, with a standard deviation of 0.3. The generator has one gain per radial band of
frequencies, which multiplies the spectrum of its images, and starts where it should stay, at 1. Adam follows
the loss on independent batches of N fake and N real images.

For such batches E |mean F_fake - mean F_real|² = σ²(g² + 1)/N, of which the gain g only sees g² σ²/N: the
complex average is least at g = 0. Averages of amplitudes or log-powers have their own means to match.

Prints the gains at the end as a Markdown table, and draws them over the steps where --out is given.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from ffl_plugin import focal_frequency_loss
from ffl_plugin.spectrum import half_spectrum, image_of, radial_frequency

AVERAGES = ("batch", "batch-amplitude", "batch-log-power")
BATCHES = (4, 16)
SIDE = 32
BANDS = 8
STEPS = 600
LEARNING_RATE = 0.01


def main() -> None:
    """Train the gains under each average, for each size of batch."""
    parser = argparse.ArgumentParser(description="which averages pull a generator's variance down")
    parser.add_argument("--out", type=Path, help="where to draw the gains, a PNG; needs matplotlib")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    histories = {
        (average, count): train(average, count, arguments.seed) for average in AVERAGES for count in BATCHES
    }
    print(f"Gains of {BANDS} radial bands after {STEPS} steps, from the lowest frequencies to the highest\n")
    print("| average | N | " + " | ".join(str(band) for band in range(1, BANDS + 1)) + " |")
    print("|---|---|" + "---|" * BANDS)
    for (average, count), history in histories.items():
        print(f"| {average} | {count} | " + " | ".join(f"{gain:.2f}" for gain in history[-1].tolist()) + " |")
    if arguments.out:
        draw(histories, arguments.out)


def train(average: str, count: int, seed: int) -> Tensor:
    """Return the gains after each step: (STEPS + 1, BANDS)."""
    generator = torch.Generator().manual_seed(seed)
    bands = band_of_frequency()
    gains = torch.ones(BANDS, requires_grad=True)
    optimizer = torch.optim.Adam([gains], lr=LEARNING_RATE)
    history = [gains.detach().clone()]
    for _ in range(STEPS):
        fake, real = random_fields(count, generator), random_fields(count, generator)
        fake = image_of(half_spectrum(fake) * gains[bands], SIDE)
        loss = focal_frequency_loss(fake, real, spectrum=average)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(gains.detach().clone())
    return torch.stack(history)


def random_fields(count: int, generator: torch.Generator) -> Tensor:
    """Draw images of amplitudes 1/f and standard deviation 0.3: (count, 1, SIDE, SIDE)."""
    frequency = radial_frequency(SIDE, SIDE)[:, : SIDE // 2 + 1].float()
    amplitude = 1 / frequency.clamp_min(1 / SIDE)
    fields = image_of(half_spectrum(torch.randn(count, 1, SIDE, SIDE, generator=generator)) * amplitude, SIDE)
    return 0.3 * fields / power_of(amplitude).sqrt()


def power_of(amplitude: Tensor) -> Tensor:
    """Return the variance that filtering white noise by ``amplitude``, a half spectrum, gives."""
    interior = amplitude[:, 1:-1].square().sum()
    return (amplitude.square().sum() + interior) / SIDE**2


def band_of_frequency() -> Tensor:
    """Return the band, 0 to BANDS - 1, of each frequency of a half spectrum; the last takes the corners."""
    frequency = radial_frequency(SIDE, SIDE)[:, : SIDE // 2 + 1]
    return (frequency / 0.5 * BANDS).long().clamp_max(BANDS - 1)


def draw(histories: dict[tuple[str, int], Tensor], path: Path) -> None:
    """Draw the gains over the steps, a panel per average and size of batch."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(BATCHES), len(AVERAGES), figsize=(9, 4.6), sharex=True, sharey=True, layout="constrained"
    )
    colors = pyplot.get_cmap("viridis")
    for (average, count), history in histories.items():
        axis = axes[BATCHES.index(count), AVERAGES.index(average)]
        axis.axhline(1, color="0.7", linewidth=0.8)
        for band in range(BANDS):
            axis.plot(history[:, band], color=colors(band / (BANDS - 1)), linewidth=1)
        axis.set_title(f"{average}, N = {count}", fontsize=9)
        axis.set_ylim(-0.1, 1.3)
    for axis in axes[-1]:
        axis.set_xlabel("step")
    for axis in axes[:, 0]:
        axis.set_ylabel("gain")
    scale = pyplot.cm.ScalarMappable(pyplot.Normalize(1, BANDS), colors)
    figure.colorbar(scale, ax=axes, label="radial band, low to high")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
