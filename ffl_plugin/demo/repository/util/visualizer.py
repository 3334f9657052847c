"""Losses on the screen and in loss_log.txt; images in the results folder."""

import time
from pathlib import Path

from PIL import Image


class Visualizer:
    def __init__(self, opt):
        self.log = Path(opt.checkpoints_dir) / opt.name / "loss_log.txt"
        with self.log.open("a") as file:
            file.write(f"================ Training Loss ({time.strftime('%c')}) ================\n")

    def print_current_losses(self, epoch, iters, losses, seconds):
        values = " ".join(f"{name}: {value:.3f}" for name, value in losses.items())
        message = f"(epoch: {epoch}, iters: {iters}, time: {seconds:.3f}, data: 0.000) {values}"
        print(message, flush=True)
        with self.log.open("a") as file:
            file.write(message + "\n")


def save_images(folder, visuals, paths):
    """Write each image of a batch of one as NAME_LABEL.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for label, tensor in visuals.items():
        pixels = ((tensor[0].cpu().permute(1, 2, 0) + 1) * 127.5).clamp(0, 255).round().byte().numpy()
        Image.fromarray(pixels).save(folder / f"{Path(paths[0]).stem}_{label}.png")
