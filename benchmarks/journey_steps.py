"""The journeys: which commands a user types in each upstream, in order. Data without logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Step:
    """One command.

    Args:
        name: what it is for.
        tool: ``script`` (of the clone, by the driver), ``ffl-patch`` or ``command``.
        words: its words, in which ``{out}``, ``{data}`` and ``{clone}`` are filled in, ``{before}`` and
            ``{after}``, the run folders without FFL and with it, their networks, ``{before_network}`` and
            ``{after_network}``, and the newest network, ``{latest}``.
        leaves: a pattern of what it leaves below the journey's folder.
        says: what it has to print.
        is_silent: whether it has to print nothing.
        code: the exit code it has to end with.
    """

    name: str
    tool: str
    words: tuple[str, ...]
    leaves: Optional[str] = None
    says: Optional[str] = None
    is_silent: bool = False
    code: int = 0


@dataclass(frozen=True)
class Journey:
    """An upstream and its steps.

    Args:
        name: the row's title.
        repository: the folder that `git clone` makes.
        commit: what it is written for.
        steps: the commands.
        checkout: whether that commit has to be checked out first, since another journey is of the same clone.
        folder: where its scripts are, below the clone.
        images: how many a training takes.
    """

    name: str
    repository: str
    commit: str
    steps: tuple[Step, ...]
    checkout: bool = False
    folder: str = ""
    images: int = 64


def script(name: str, line: str, leaves: Optional[str] = None, code: int = 0) -> Step:
    """Return a step that runs a script of the clone."""
    return Step(name, "script", tuple(line.split()), leaves, code=code)


def around(target: str, between: tuple[Step, ...], *, torch2: Optional[str] = None) -> tuple[Step, ...]:
    """Return a journey's beginning, its own steps, and its end."""
    companion = ("--with", "torch2") if torch2 else ()
    names = (target, *([torch2] if torch2 else []))
    return (
        Step("detect", "ffl-patch", ("detect",), says=f"{target}:"),
        Step("doctor", "ffl-patch", ("doctor", "."), says="found."),
        Step("dry run", "ffl-patch", ("apply", target, *companion, "--dry-run"), says="would be applied"),
        Step("apply", "ffl-patch", ("apply", target, *companion), says="applied"),
        *between,
        Step("status", "ffl-patch", ("status", "--check"), says="applied"),
        *(Step(f"revert {name}", "ffl-patch", ("revert", name), says="reverted") for name in names),
        Step("clean", "command", ("git", "status", "--porcelain"), is_silent=True),
    )


def compare(before: str, after: str, *more: str, title: str = "report") -> Step:
    """Return a step that compares two trainings."""
    words = (
        "compare",
        "--before",
        before,
        "--after",
        after,
        "--out",
        f"{{out}}/{title}",
        "--no-download",
        *more,
    )
    name = "compare" if title == "report" else f"compare {title}"
    return Step(name, "ffl-patch", words, leaves=f"{title}/report.html")


def stylegan(
    options: str, more: tuple[Step, ...], *, code: int = 0, resumed: str = "00002*"
) -> tuple[Step, ...]:
    """Return StyleGAN's trainings: without the flag, with it, and on from a snapshot; then more.

    Args:
        options: of ``train.py``.
        more: steps after the trainings.
        code: the exit code of the trainings.
        resumed: the folder into which the resumed training goes.
    """
    train = f"train.py --outdir={{out}}/runs --data={{out}}/data.zip --workers=1 --snap=1 {options}"
    ffl = "--ffl-weight=1"
    return (
        script("train", f"{train} --metrics=fid50k_full", "runs/00000*/metric-fid50k_full.jsonl", code),
        script("train with FFL", f"{train} --metrics=fid50k_full {ffl}", "runs/00001*ffl*/stats.jsonl", code),
        script(
            "resume", f"{train} --metrics=none --resume={{latest}} {ffl}", f"runs/{resumed}/stats.jsonl", code
        ),
        *more,
    )


def image_trainings(train: str, test: str, leaves: str, real: tuple[str, ...] = ()) -> tuple[Step, ...]:
    """Return the trainings and tests of pix2pix, CycleGAN or SPADE, and their comparison."""
    on = "--continue_train " + ("--niter 2" if "--niter" in train else "--epoch_count 2 --n_epochs 2")
    base, ffl = "{out}/results/base/test_latest", "{out}/results/ffl/test_latest"
    return (
        script("train", f"{train} --name base", "checkpoints/base/latest_net_G*.pth"),
        script("train with FFL", f"{train} --name ffl --ffl-weight 1", "checkpoints/ffl/latest_net_G*.pth"),
        script("resume", f"{train} --name ffl --ffl-weight 1 {on}"),
        script("test", f"{test} --name base", f"results/base/test_latest/images/{leaves}"),
        script("test with FFL", f"{test} --name ffl", f"results/ffl/test_latest/images/{leaves}"),
        compare(base, ffl, *real),
    )


def pix2pix(model: str, more: str) -> tuple[Step, ...]:
    """Return the trainings of pix2pix or CycleGAN."""
    small = "--ngf 4 --ndf 4 --load_size 128 --crop_size 128 --num_threads 0"
    common = f"{model} {small} --checkpoints_dir {{out}}/checkpoints"
    once = "--n_epochs 1 --n_epochs_decay 0 --print_freq 4 --save_epoch_freq 1"
    display = "--display_id 0" if more else ""  # gone, with --gpu_ids, from the newest
    return image_trainings(
        f"train.py {common} {more} {display} {once}",
        f"test.py {common} {more} --results_dir {{out}}/results --num_test 8",
        "*fake*",
    )


PIX2PIX = "--dataroot {data}/pairs --model pix2pix --netG unet_128 --direction AtoB"
CYCLEGAN = "--dataroot {data}/unpaired --model cycle_gan --netG resnet_6blocks"

SPADE = (
    "--dataset_mode custom --label_dir {data}/labels/maps --image_dir {data}/labels/photographs --label_nc 4 "
    "--no_instance --gpu_ids -1 --ngf 4 --load_size 64 --crop_size 64 --checkpoints_dir {out}/checkpoints"
)
SPADE_TRAINING = (
    "--ndf 4 --batchSize 4 --niter 1 --no_vgg_loss --display_freq 8 --print_freq 4 --no_html "
    "--save_epoch_freq 1"
)

DATASET = script(
    "dataset_tool", "dataset_tool.py --source={data}/photographs --dest={out}/data.zip", "data.zip"
)
LARGE_DATASET = script(
    "dataset_tool", "dataset_tool.py --source={data}/large --dest={out}/data.zip", "data.zip"
)
OF_LATEST = "--network={latest}"
CALC_METRICS = script(
    "calc_metrics",
    f"calc_metrics.py {OF_LATEST} --data={{out}}/data.zip --metrics=fid50k_full,pr50k3_full --gpus=1",
)
SEEDS = "--seeds=0,1 --outdir={out}/images"
GENERATE = script("generate", f"generate.py {OF_LATEST} {SEEDS}", "images/*.png")
MIX = script(
    "style_mixing",
    f"style_mixing.py {OF_LATEST} --rows=1,2 --cols=3 --styles=0-2 --outdir={{out}}/mixed",
    "mixed/grid.png",
)
PROJECT = script(
    "projector",
    f"projector.py {OF_LATEST} --target={{data}}/photographs/00000.png --num-steps=3 "
    "--outdir={out}/projected",
    "projected/projected_w.npz",
)
GEN_IMAGES = script("gen_images", f"gen_images.py {OF_LATEST} {SEEDS}", "images/*.png")
FILM = "--grid=1x1 --w-frames=2"
GEN_VIDEO = script(
    "gen_video", f"gen_video.py {OF_LATEST} --seeds=0,1 {FILM} --output={{out}}/film.mp4", "film.mp4"
)
SPECTRUM = script(
    "avg_spectra calc",
    "avg_spectra.py calc --source={out}/data.zip --dest={out}/spectrum.npz --mean=110 --std=70",
    "spectrum.npz",
)
HEATMAP = script(
    "avg_spectra heatmap", "avg_spectra.py heatmap {out}/spectrum.npz --save={out}/heat.png", "heat.png"
)
GEN_SAMPLES = script("gen_samples", f"gen_samples.py {OF_LATEST} {SEEDS}", "images/*.png")
GEN_SHAPES = script(
    "gen_samples --shapes",
    f"gen_samples.py {OF_LATEST} --seeds=1 --outdir={{out}}/shapes --shapes=True --shape-res=16",
    "shapes/*.mrc",
)
GEN_VIDEOS = script(
    "gen_videos", f"gen_videos.py {OF_LATEST} --seeds=0 {FILM} --outdir={{out}}/films", "films/*.mp4"
)
RUNS = compare("{before}", "{after}")
SAMPLED = compare(
    "{before_network}",
    "{after_network}",
    "--real",
    "{out}/data.zip",
    "--samples",
    "8",
    "--clone",
    "{clone}",
    title="networks",
)

STYLEGAN2_ADA = (
    DATASET,
    *stylegan(
        "--kimg=1 --batch=16",
        (GENERATE, MIX, PROJECT, CALC_METRICS, RUNS, SAMPLED),
    ),
)
STYLEGAN3 = (
    DATASET,
    *stylegan(
        "--cfg=stylegan3-t --gpus=1 --batch=16 --gamma=1 --kimg=1 --tick=1 --cbase=256 --cmax=8",
        (
            GEN_IMAGES,
            GEN_VIDEO,
            CALC_METRICS,
            SPECTRUM,
            HEATMAP,
            RUNS,
            SAMPLED,
        ),
    ),
)
PROJECTED_GAN = (
    DATASET,
    *stylegan(
        "--cfg=stylegan2 --gpus=1 --batch=4 --kimg=1 --tick=1 --cbase=256 --cmax=8",
        (GEN_IMAGES, GEN_VIDEO, CALC_METRICS, RUNS),
        code=3,  # "Restart", which its launcher says where a training ends before --kimg, as ours do
        resumed="00001*",  # It goes on in the folder of the same name.
    ),
)
EG3D = (
    LARGE_DATASET,
    *stylegan(
        "--cfg=ffhq --gpus=1 --batch=4 --gamma=1 --kimg=1 --tick=1 --cbase=512 --cmax=16 "
        "--gen_pose_cond=True --neural_rendering_resolution_initial=16",
        (GEN_SAMPLES, GEN_SHAPES, GEN_VIDEOS, CALC_METRICS, RUNS),
    ),
)
OLD = "--gpu_ids -1"
PYTORCH_PIX2PIX = "pytorch-CycleGAN-and-pix2pix"

JOURNEYS = (
    Journey(
        "stylegan2-ada",
        "stylegan2-ada-pytorch",
        "d72cc7d",
        around("stylegan2-ada", STYLEGAN2_ADA, torch2="torch2"),
    ),
    Journey("stylegan3", "stylegan3", "c233a91", around("stylegan3", STYLEGAN3, torch2="torch2-stylegan3")),
    Journey(
        "projected-gan",
        "projected-gan",
        "e1c246b",
        around("projected-gan", PROJECTED_GAN, torch2="torch2-projected-gan"),
        images=16,
    ),
    Journey("eg3d", "eg3d", "7cf1fd1", around("eg3d", EG3D, torch2="torch2-eg3d"), folder="eg3d", images=16),
    Journey(
        "pix2pix 2020", PYTORCH_PIX2PIX, "f13aab8", around("pix2pix", pix2pix(PIX2PIX, OLD)), checkout=True
    ),
    Journey(
        "pix2pix 2024", PYTORCH_PIX2PIX, "c3268ed", around("pix2pix", pix2pix(PIX2PIX, OLD)), checkout=True
    ),
    Journey(
        "pix2pix 2025", PYTORCH_PIX2PIX, "2a7afba", around("pix2pix", pix2pix(PIX2PIX, "")), checkout=True
    ),
    Journey("cyclegan", PYTORCH_PIX2PIX, "2a7afba", around("cyclegan", pix2pix(CYCLEGAN, "")), checkout=True),
    Journey(
        "spade",
        "SPADE",
        "fecacc9",
        around(
            "spade",
            image_trainings(
                f"train.py {SPADE} {SPADE_TRAINING}",
                f"test.py {SPADE} --results_dir {{out}}/results",
                "synthesized_image/*.png",
                ("--real", "{data}/labels/photographs"),
            ),
        ),
    ),
)
