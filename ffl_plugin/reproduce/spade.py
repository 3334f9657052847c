"""Table 5: SPADE (NVlabs/SPADE) with and without FFL."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from PIL import Image

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import open_images
from ffl_plugin.reproduce import paper
from ffl_plugin.reproduce.pipeline import Pipeline, Setup, run_pipeline

EPOCHS = {True: 200, False: 20}
SMALL_SIZE = 128
VGG19 = "vgg19-dcbb9e9d.pth"  # torchvision's name of the file
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


def _mode(setup: Setup) -> str:
    return next(mode for mode, (folder, _) in LAYOUTS.items() if (setup.data / folder).is_dir())


def commands(setup: Setup) -> list[list[str]]:
    """Return training, half of its epochs with decaying learning rate, and the test on all test images.

    Without VGG19's weights, which the clone's torchvision would download, the VGG loss is omitted.
    """
    shared = ["--name", "spade", "--dataset_mode", _mode(setup), "--dataroot", str(setup.data)]
    shared += ["--checkpoints_dir", "{out}/checkpoints"]
    if not torch.cuda.is_available():
        shared += ["--gpu_ids", "-1"]
    epochs = setup.epochs or EPOCHS[setup.paper]
    constant = (epochs + 1) // 2
    training = ["--niter", str(constant), "--niter_decay", str(epochs - constant), "--no_html"]
    test = ["--results_dir", "{out}/results"]
    if not setup.paper:
        shared += ["--crop_size", str(SMALL_SIZE), "--ngf", "16"]
        training += ["--load_size", "143", "--ndf", "16", "--print_freq", "4"]
        test += ["--load_size", str(SMALL_SIZE)]
    if not (Path(torch.hub.get_dir()) / "checkpoints" / VGG19).is_file():
        training.append("--no_vgg_loss")
    return [["train.py", *shared, *training], ["test.py", *shared, *test]]


def real(setup: Setup, results: Path) -> Path:
    """Write the test photographs at the size of the generated images, paired by name."""
    out = setup.out / "real"
    out.mkdir(exist_ok=True)
    photographs = open_images(setup.data / LAYOUTS[_mode(setup)][1], role="real")
    place = {Path(name).stem: index for index, name in enumerate(photographs.names)}
    for generated in sorted(results.glob("*.png")):
        with Image.open(generated) as image:
            size = image.size
        photograph = Image.fromarray(photographs.read(place[generated.stem]))
        photograph.resize(size, Image.Resampling.BICUBIC).save(out / generated.name)
    return out


PIPELINE = Pipeline(
    name="spade",
    targets=("spade",),
    check=check,
    commands=commands,
    results=lambda setup: "{out}/results/spade/test_latest/images/synthesized_image",
    real=real,
    table=paper.SPADE,
    notes=(
        "The paper's weight for SPADE is not public. mIoU and accuracy need your own segmentation network "
        "(the paper's: DRN-D-105 for Cityscapes, UperNet101 for ADE20K). The reduced run is at 128 x 128 "
        "with a quarter of the channels.",
        f"SPADE's VGG loss is omitted (--no_vgg_loss) unless {VGG19} is in torch's folder of checkpoints.",
    ),
)

spade = partial(run_pipeline, PIPELINE)
