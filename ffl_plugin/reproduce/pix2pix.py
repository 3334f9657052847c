"""Table 4: pix2pix (junyanz/pytorch-CycleGAN-and-pix2pix) with and without FFL."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import torch

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, paper
from ffl_plugin.reproduce.pipeline import Pipeline, Training, run_pipeline

NAME = "pix2pix"
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


def _shared(training: Training) -> list[str]:
    """Return the options that train.py and test.py share."""
    folders = ["--dataroot", str(training.data), "--checkpoints_dir", str(training.folder / "checkpoints")]
    # CMP Facades has the photograph on the left, so the direction is reversed.
    direction = ["--direction", "BtoA"] if training.data.name == "facades" else []
    cpu = ["--gpu_ids", "-1"] if training.has_option("--gpu_ids") and not torch.cuda.is_available() else []
    size = [] if training.paper else SMALL
    return ["--name", NAME, "--model", "pix2pix", *folders, *direction, *cpu, *size]


def train(training: Training) -> list[str]:
    """Return the training command: half of the epochs at a constant learning rate, half decaying."""
    epochs = training.epochs or EPOCHS[training.paper]
    constant = (epochs + 1) // 2
    length = ["--n_epochs", str(constant), "--n_epochs_decay", str(epochs - constant)]
    length += ["--save_epoch_freq", str(epochs)]  # the latest network is saved no more often than this
    display = ["--display_id", "-1"] if training.has_option("--display_id") else []
    display += ["--no_html"] if training.has_option("--no_html") else []
    return ["train.py", *_shared(training), *length, *display]


def test(training: Training) -> Optional[list[str]]:
    """Return the command that processes all test images."""
    count = sum(1 for path in (training.data / "test").iterdir() if path.is_file())
    return [
        "test.py",
        *_shared(training),
        "--results_dir",
        str(training.folder / "results"),
        "--num_test",
        str(count),
    ]


def results(training: Training) -> Path:
    """Return the folder for ``ffl-patch compare``, with generated beside real images."""
    return training.folder / "results" / NAME


PIPELINE = Pipeline(
    name="pix2pix",
    target="pix2pix",
    check=check,
    train=train,
    test=test,
    results=results,
    real=lambda training: None,
    table=paper.PIX2PIX,
    notes=(
        "The paper's weight for pix2pix is not public. --paper trains upstream's 200 epochs at 256 x 256; "
        "the reduced run is at 128 x 128 with half the channels.",
    ),
)


def run(options: Options, progress: Progress) -> Result:
    """Run the pipeline."""
    return run_pipeline(PIPELINE, options, progress)
