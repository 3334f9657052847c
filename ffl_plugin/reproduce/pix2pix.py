"""Table 4: pix2pix (junyanz/pytorch-CycleGAN-and-pix2pix) with and without FFL."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from ffl_plugin.demo.repositories import FLAGS_OF_SOME_VERSIONS, flags_of_version
from ffl_plugin.errors import FFLError
from ffl_plugin.reproduce import paper
from ffl_plugin.reproduce.pipeline import Pipeline, Setup, run_pipeline

EPOCHS = {True: 200, False: 20}  # with --paper, the upstream's; half of them with decaying learning rate
# The reduced run has a quarter of the pixels and half the channels.
SMALL = ("--load_size", "143", "--crop_size", "128", "--netG", "unet_128", "--ngf", "32")


def check(clone: Path, data: Path) -> None:
    """Check for the model file and aligned pairs."""
    if not (clone / "models" / "pix2pix_model.py").is_file():
        raise FFLError(
            f"{clone} has no models/pix2pix_model.py; --clone needs a clone of pytorch-CycleGAN-and-pix2pix."
        )
    for phase in ("train", "test"):
        if not (data / phase).is_dir():
            raise FFLError(
                f"{data} has no folder {phase}; --data needs train and test, with A and B side by side in "
                "each image, as made by the clone's datasets/download_pix2pix_dataset.sh."
            )


def commands(setup: Setup) -> list[list[str]]:
    """Return training, half of its epochs with decaying learning rate, and the test on all test images."""
    flags = [name for name in FLAGS_OF_SOME_VERSIONS if name != "--gpu_ids" or not torch.cuda.is_available()]
    shared = ["--name", "pix2pix", "--model", "pix2pix", "--dataroot", str(setup.data)]
    shared += ["--checkpoints_dir", "{out}/checkpoints"]
    if setup.data.name == "facades":  # the photograph is on the left
        shared += ["--direction", "BtoA"]
    shared += flags_of_version(setup.clone, "base_options.py", flags)
    if not setup.paper:
        shared += SMALL
    epochs = setup.epochs or EPOCHS[setup.paper]
    constant = (epochs + 1) // 2
    length = ["--n_epochs", str(constant), "--n_epochs_decay", str(epochs - constant)]
    length += flags_of_version(setup.clone, "train_options.py", flags)
    length += ["--save_epoch_freq", str(epochs)]  # the latest network is saved no more often than this
    images = sum(1 for path in (setup.data / "test").iterdir() if path.is_file())
    return [
        ["train.py", *shared, *length],
        ["test.py", *shared, "--results_dir", "{out}/results", "--num_test", str(images)],
    ]


PIPELINE = Pipeline(
    name="pix2pix",
    targets=("pix2pix",),
    check=check,
    commands=commands,
    table=paper.PIX2PIX,
    notes=(
        "The paper's weight for pix2pix is not public. --paper trains upstream's 200 epochs at 256 x 256; "
        "the reduced run is at 128 x 128 with half the channels.",
    ),
)

pix2pix = partial(run_pipeline, PIPELINE)
