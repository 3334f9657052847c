"""Table 5: SPADE (NVlabs/SPADE) with and without FFL."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import torch
from PIL import Image

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.weights import load_state
from ffl_plugin.reproduce import Options, Result, paper
from ffl_plugin.reproduce.data import SUFFIXES, read_image
from ffl_plugin.reproduce.networks import SPADE_LOSS
from ffl_plugin.reproduce.pipeline import Pipeline, Training, run_pipeline

NAME = "spade"
EPOCHS = {True: 200, False: 20}
SMALL_SIZE = 128
SYNCHRONIZED = "https://github.com/vacancy/Synchronized-BatchNorm-PyTorch"
# Data set of the clone (--dataset_mode) -> the folder that identifies it, and its test photographs.
LAYOUTS = {
    "coco": ("train_label", "val_img"),
    "cityscapes": ("gtFine", "leftImg8bit/val"),
    "ade20k": ("annotations", "images/validation"),
}


def check(clone: Path, data: Path) -> None:
    """Check for the model file, the package its README requires, and a known data set."""
    if not (clone / "models" / "networks" / "architecture.py").is_file():
        raise FFLError(
            f"{clone} has no models/networks/architecture.py; --clone must be a clone of NVlabs/SPADE."
        )
    if not (clone / "models" / "networks" / "sync_batchnorm").is_dir():
        raise FFLError(
            f"{clone}/models/networks has no sync_batchnorm, which SPADE requires; clone "
            f"{SYNCHRONIZED} and copy its folder sync_batchnorm there."
        )
    if not any((data / folder).is_dir() for folder, _ in LAYOUTS.values()):
        wanted = ", ".join(f"{folder} ({name})" for name, (folder, _) in LAYOUTS.items())
        raise FFLError(f"{data} contains none of {wanted}; lay it out as described in the clone's README.")
    weights = SPADE_LOSS.find()
    if weights and "classifier.6.weight" not in load_state(weights, SPADE_LOSS.release):
        raise FFLError(
            f"{weights.path} lacks VGG19's classifier, which the clone's torchvision also loads; use "
            f"{SPADE_LOSS.release.name}, from {SPADE_LOSS.release.url}"
        )


def _mode(training: Training) -> str:
    return next(mode for mode, (folder, _) in LAYOUTS.items() if (training.data / folder).is_dir())


def _shared(training: Training) -> list[str]:
    """Return the options that train.py and test.py share."""
    folders = ["--dataroot", str(training.data), "--checkpoints_dir", str(training.folder / "checkpoints")]
    cpu = [] if torch.cuda.is_available() else ["--gpu_ids", "-1"]
    size = [] if training.paper else ["--crop_size", str(SMALL_SIZE), "--ngf", "16"]
    return ["--name", NAME, "--dataset_mode", _mode(training), *folders, *cpu, *size]


def train(training: Training) -> list[str]:
    """Return the training command: half of the epochs decaying; no VGG loss if weights are missing."""
    epochs = training.epochs or EPOCHS[training.paper]
    constant = (epochs + 1) // 2
    length = ["--niter", str(constant), "--niter_decay", str(epochs - constant)]
    small = [] if training.paper else ["--load_size", "143", "--ndf", "16", "--print_freq", "4"]
    vgg = [] if SPADE_LOSS.find() else ["--no_vgg_loss"]
    return ["train.py", *_shared(training), *length, *small, *vgg, "--no_html"]


def environment(training: Training) -> dict[str, str]:
    """Point the clone's torchvision, which searches torch's folder for VGG19, to the file that was found."""
    weights = SPADE_LOSS.find()
    if weights is None:
        return {}
    home = training.folder.parent / "torch"
    expected = home / "hub" / "checkpoints" / SPADE_LOSS.release.name
    expected.parent.mkdir(parents=True, exist_ok=True)
    if not expected.exists():
        expected.symlink_to(weights.path.resolve())
    return {"TORCH_HOME": str(home)}


def test(training: Training) -> Optional[list[str]]:
    """Return the command that processes all test images."""
    small = [] if training.paper else ["--load_size", str(SMALL_SIZE)]
    return ["test.py", *_shared(training), *small, "--results_dir", str(training.folder / "results")]


def results(training: Training) -> Path:
    """Return the folder for ``ffl-patch compare``."""
    return training.folder / "results" / NAME / "test_latest" / "images" / "synthesized_image"


def real(training: Training) -> Optional[Path]:
    """Write the test photographs at the size of the generated images, paired by name."""
    out = training.folder.parent / "real"
    out.mkdir(exist_ok=True)
    photographs = {
        path.stem: path
        for path in (training.data / LAYOUTS[_mode(training)][1]).rglob("*")
        if path.suffix.lower() in SUFFIXES
    }
    for generated in sorted(results(training).glob("*.png")):
        with Image.open(generated) as image:
            size = image.size
        photograph = read_image(photographs[generated.stem])
        photograph.resize(size, Image.Resampling.BICUBIC).save(out / generated.name)
    return out


PIPELINE = Pipeline(
    name="spade",
    target="spade",
    check=check,
    train=train,
    test=test,
    results=results,
    real=real,
    table=paper.SPADE,
    notes=(
        "The paper's weight for SPADE is not public. mIoU and accuracy need your own segmentation network "
        "(the paper's: DRN-D-105 for Cityscapes, UperNet101 for ADE20K). The reduced run is at 128 x 128 "
        "with a quarter of the channels.",
    ),
    networks=(SPADE_LOSS,),
    environment=environment,
)


def run(options: Options, progress: Progress) -> Result:
    """Run the pipeline."""
    return run_pipeline(PIPELINE, options, progress)
