"""Table 6: StyleGAN2 (NVlabs/stylegan2-ada-pytorch, without augmentation) with and without FFL."""

from __future__ import annotations

from pathlib import Path

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.reproduce import Options, Result, paper
from ffl_plugin.reproduce.pipeline import Pipeline, Training, run_pipeline


def check(clone: Path, data: Path) -> None:
    """Look for the trainer and a data set."""
    if not (clone / "training" / "training_loop.py").is_file():
        raise FFLError(
            f"{clone} has no training/training_loop.py; --clone is a clone of stylegan2-ada-pytorch."
        )
    if not data.exists():
        raise FFLError(f"There is no {data}; --data is a folder or zip made by the clone's dataset_tool.py.")


def train(training: Training) -> list[str]:
    """The paper trains StyleGAN2 without augmentation; FID and IS come from upstream's own metrics."""
    arguments = ["train.py", f"--outdir={training.folder}", f"--data={training.data}", "--gpus=1"]
    arguments += [f"--seed={training.seed}", "--aug=noaug"]
    if training.paper:
        arguments += ["--cfg=paper256", "--mirror=1", "--metrics=fid50k_full,is50k"]
    else:
        arguments += ["--cfg=auto", "--metrics=none", "--snap=1"]
    if training.epochs is not None or not training.paper:
        arguments.append(f"--kimg={training.epochs or 1}")
    return arguments


def results(training: Training) -> Path:
    """Return the run folder, whose logs ``ffl-patch compare`` reads."""
    runs = sorted(path for path in training.folder.iterdir() if path.is_dir())
    if not runs:
        raise FFLError(f"{training.folder} holds no run; see its train.log.")
    return runs[-1]


PIPELINE = Pipeline(
    name="stylegan2",
    target="stylegan2-ada",
    check=check,
    train=train,
    test=lambda training: None,
    results=results,
    real=lambda training: None,
    table=paper.STYLEGAN2,
    extra_targets=("torch2",),
    notes=(
        "The paper's weight for StyleGAN2 is not public. --epochs counts thousands of images (kimg); --paper "
        "trains paper256 without augmentation and lets upstream measure FID and IS over 50,000 images.",
    ),
)


def run(options: Options, progress: Progress) -> Result:
    """Run the pipeline."""
    return run_pipeline(PIPELINE, options, progress)
