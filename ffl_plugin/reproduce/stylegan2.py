"""Table 6: StyleGAN2 (NVlabs/stylegan2-ada-pytorch, without augmentation) with and without FFL."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, narrow_stylegan2, paper
from ffl_plugin.reproduce.pipeline import Pipeline, Training, run_pipeline

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


def train(training: Training) -> list[str]:
    """Return the training command, without augmentation as in the paper; FID and IS are the upstream's."""
    arguments = [f"--outdir={training.folder / 'runs'}", f"--data={training.data}", "--gpus=1"]
    arguments += [f"--seed={training.seed}", "--aug=noaug"]
    if training.epochs is not None:
        arguments.append(f"--kimg={training.epochs}")
    if training.paper:
        return ["train.py", *arguments, "--cfg=paper256", "--mirror=1", "--metrics=fid50k_full,is50k"]
    if training.epochs is None:
        arguments.append("--kimg=1")
    narrow = [narrow_stylegan2.__file__, "--width", str(WIDTH), str(training.clone)]
    return [*narrow, *arguments, "--batch=16", "--workers=1", "--metrics=none", "--snap=1"]


def test(training: Training) -> Optional[list[str]]:
    """Return the command that samples the last snapshot; None for the paper's setting."""
    if training.paper:
        return None
    snapshots = sorted(_run(training).glob("network-snapshot-*.pkl"))
    if not snapshots:
        raise FFLError(f"{_run(training)} contains no snapshot; see {training.folder / 'train.log'}.")
    seeds = f"--seeds=0-{SAMPLES - 1}"
    return ["generate.py", f"--network={snapshots[-1]}", seeds, f"--outdir={_samples(training)}"]


def results(training: Training) -> Path:
    """Return the input of ``ffl-patch compare``: the run's logs, or the samples of the reduced run."""
    return _run(training) if training.paper else _samples(training)


def real(training: Training) -> Optional[Path]:
    """Return the training images to compare samples with; None if the upstream has measured already."""
    return None if training.paper else training.data


def _samples(training: Training) -> Path:
    return training.folder / "samples"


def _run(training: Training) -> Path:
    """Return the last run; an interrupted one leaves a folder too."""
    runs = sorted((training.folder / "runs").glob("*"))
    if not runs:
        raise FFLError(f"{training.folder} contains no run; see its train.log.")
    return runs[-1]


PIPELINE = Pipeline(
    name="stylegan2",
    target="stylegan2-ada",
    check=check,
    train=train,
    test=test,
    results=results,
    real=real,
    table=paper.STYLEGAN2,
    extra_targets=("torch2",),
    notes=(
        "The paper's weight for StyleGAN2 is not public. --epochs counts thousands of images (kimg); --paper "
        "trains paper256 without augmentation and uses the upstream's FID and IS over 50,000 images; the "
        f"reduced run has at most {WIDTH} channels and compares {SAMPLES} samples with the training images.",
    ),
)


def run(options: Options, progress: Progress) -> Result:
    """Run the pipeline."""
    return run_pipeline(PIPELINE, options, progress)
