"""Table 6: StyleGAN2 (NVlabs/stylegan2-ada-pytorch, without augmentation) with and without FFL."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ffl_plugin.errors import FFLError
from ffl_plugin.reproduce import narrow_stylegan2, paper, sample_stylegan2
from ffl_plugin.reproduce.pipeline import Pipeline, Setup, run_pipeline

WIDTH = 32  # maximum channels of the reduced run
SAMPLES = 256


def check(clone: Path, data: Path) -> None:
    """Check for the trainer and a data set."""
    if not (clone / "training" / "training_loop.py").is_file():
        raise FFLError(
            f"{clone} has no training/training_loop.py; --clone must be a clone of stylegan2-ada-pytorch."
        )
    if not data.exists():
        raise FFLError(
            f"There is no {data}; --data must be a folder or zip made by the clone's dataset_tool.py."
        )


def commands(setup: Setup) -> list[list[str]]:
    """Return training without augmentation, as in the paper, and sampling of the reduced run.

    FID and Inception Score of the paper's setting are the upstream's.
    """
    training = ["--outdir={out}/runs", f"--data={setup.data}", "--gpus=1", "--seed={seed}", "--aug=noaug"]
    if setup.epochs is not None or not setup.paper:
        training.append(f"--kimg={setup.epochs or 1}")
    if setup.paper:
        return [["train.py", *training, "--cfg=paper256", "--mirror=1", "--metrics=fid50k_full,is50k"]]
    narrow = [narrow_stylegan2.__file__, "--width", str(WIDTH), str(setup.clone)]
    training += ["--batch=16", "--workers=1", "--metrics=none", "--snap=1"]
    sampling = ["{out}/runs", "--outdir={out}/samples", f"--seeds=0-{SAMPLES - 1}"]
    return [[*narrow, *training], [sample_stylegan2.__file__, *sampling]]


PIPELINE = Pipeline(
    name="stylegan2",
    targets=("stylegan2-ada", "torch2"),
    check=check,
    commands=commands,
    # The run with the upstream's own measurements is found, and needs no images.
    results=lambda setup: None if setup.paper else "{out}/samples",
    real=lambda setup, results: None if setup.paper else setup.data,
    table=paper.STYLEGAN2,
    notes=(
        "The paper's weight for StyleGAN2 is not public. --epochs counts thousands of images (kimg); --paper "
        "trains paper256 without augmentation and uses the upstream's FID and IS over 50,000 images; the "
        f"reduced run has at most {WIDTH} channels and compares {SAMPLES} samples with the training images.",
    ),
)

stylegan2 = partial(run_pipeline, PIPELINE)
