"""One generator step of a pix2pix-, CycleGAN- or SPADE-like model with tiny networks, once per given weight.

A job is a JSON object on standard input: ``root`` (the folder that holds ``models``), ``model``
(``pix2pix``, ``cycle_gan`` or ``spade``), ``integration`` (empty for the unpatched tree), ``weights``,
``arguments`` (more of them for the command line), ``size`` of the images, ``data`` (the shapes of what else
the model reads), ``scratch`` (a folder to write in) and ``results`` (the file to write).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import io
import sys
from typing import Any, Optional

import numpy
import torch
import worker_common

BATCH = 2
USUAL = {
    "pix2pix": "--model pix2pix --dataset_mode aligned --netG resnet_6blocks --ngf 4 --ndf 4",
    "cycle_gan": "--model cycle_gan --dataset_mode unaligned --netG resnet_6blocks --ngf 4 --ndf 4",
    "cut": "--model cut --dataset_mode unaligned --netG resnet_6blocks --ngf 4 --ndf 4 --netF_nc 4"
    " --num_patches 8 --CUT_mode CUT --no_html --display_id -1",
    "bicycle_gan": "--model bicycle_gan --dataset_mode aligned --netG unet_128 --netE resnet_128"
    " --netD basic_128_multi --netD2 basic_128_multi --ngf 4 --ndf 4 --nef 4",
    "tsit": "--model pix2pix --task SIS --dataset_mode ade20k --croot . --sroot . --label_nc 3 --no_instance"
    " --contain_dontcare_label --ngf 4 --ndf 4 --no_vgg_loss --num_upsampling_blocks 4",
    "pix2pixHD": "--label_nc 3 --no_instance --no_vgg_loss --ngf 4 --ndf 4 --num_D 1 --n_downsample_global 1"
    " --n_blocks_global 1",
    "spade": "--model pix2pix --dataset_mode custom --label_dir . --image_dir . --label_nc 3 --no_instance"
    " --ngf 4 --ndf 4 --no_vgg_loss --norm_G spectralspadeinstance3x3 --aspect_ratio 1",
}
COMPARED = {
    "pix2pix": (("fake_B", "real_B"),),
    "cycle_gan": (("rec_A", "real_A"), ("rec_B", "real_B")),
    "cut": (("idt_B", "real_B"),),
    "bicycle_gan": (("fake_B_encoded", "real_B_encoded"),),
}


def main() -> None:
    """Run the job."""
    job = worker_common.begin()
    argparse.ArgumentParser.parse_args = leave_out_unknown  # type: ignore[method-assign]
    run_step = {"spade": spade_step, "tsit": spade_step, "pix2pixHD": hd_step}.get(job["model"], step)
    torch.set_default_dtype(torch.float64)
    torch.FloatTensor = torch.DoubleTensor  # type: ignore[misc]  # SPADE names its tensors so

    def run() -> list[dict[str, Any]]:
        with contextlib.redirect_stdout(io.StringIO()):
            return [run_step(job, weight) for weight in job["weights"]]

    worker_common.finish(job, *worker_common.with_stand_ins(run))


def leave_out_unknown(parser: argparse.ArgumentParser, args: Any = None, namespace: Any = None) -> Any:
    """Leave out the arguments that this age of the repository does not have."""
    return parser.parse_known_args(args, namespace)[0]


def create_model(job: dict[str, Any], weight: Optional[float], factory: str = "models") -> Any:
    """The model that the clone's own command line and factory make, the same for one seed."""
    size = str(job["size"])
    sys.argv = ["train.py", "--dataroot", ".", "--name", "step", "--checkpoints_dir", job["scratch"]]
    sys.argv += ["--gpu_ids", "-1", "--batch_size", str(BATCH), "--batchSize", str(BATCH)]
    sys.argv += ["--crop_size", size, "--load_size", size, *USUAL[job["model"]].split(), *job["arguments"]]
    if weight is not None and job["integration"]:
        sys.argv += ["--ffl-weight", str(weight), "--ffl-spectrum", "image"]
    opt = importlib.import_module("options.train_options").TrainOptions().parse()
    if not hasattr(opt, "device"):  # the newest upstream's train.py sets it
        opt.device = torch.device("cpu")
    torch.manual_seed(0)
    return importlib.import_module(factory).create_model(opt)


def step(job: dict[str, Any], weight: Optional[float]) -> dict[str, Any]:
    """Run backward_G once: the gradients, the losses a whole step prints, and the gradient of FFL alone."""
    model = create_model(job, weight)
    images = [torch.rand(BATCH, 3, job["size"], job["size"]) * 2 - 1 for _ in range(2)]
    data = {"A": images[0], "B": images[1], "A_paths": [""] * BATCH, "B_paths": [""] * BATCH}
    if hasattr(model, "data_dependent_initialize"):  # CUT: its feature network is made from the first images
        model.data_dependent_initialize(data)
        model.setup(model.opt)
    model.set_input(data)
    generators = [getattr(model, f"net{name}") for name in model.model_names if name.startswith("G")]
    worker_common.clear(*generators)
    forward(model)
    {"cut": cut_backward, "bicycle_gan": bicycle_backward}.get(job["model"], usual_backward)(model)
    found = worker_common.gradients(*generators)
    worker_common.clear(*generators)
    expected: dict[str, torch.Tensor] = {}
    if weight:
        forward(model)
        pairs = [(getattr(model, fake), getattr(model, real)) for fake, real in COMPARED[job["model"]]]
        ffl(pairs).backward()
        expected = worker_common.gradients(*generators)
        worker_common.clear(*generators)
    model.optimize_parameters()
    needed = [
        p for p in inspect.signature(model.get_current_losses).parameters.values() if p.default is p.empty
    ]
    losses = model.get_current_losses(*[0] * len(needed))  # some are told the iteration
    printed = {name: torch.as_tensor(value) for name, value in losses.items()}
    return {"gradients": found, "reports": printed, "expected": expected, "gain": 1.0}


def usual_backward(model: Any) -> None:
    """Take the gradient as pix2pix and CycleGAN do."""
    model.backward_G()


def bicycle_backward(model: Any) -> None:
    """Take the gradient of the generator and the encoder as BicycleGAN does."""
    model.backward_EG()


def cut_backward(model: Any) -> None:
    """Take the gradient as CUT does."""
    model.compute_G_loss().backward()


def forward(model: Any) -> None:
    """Generate, with the same dropout and sampled patches each time."""
    torch.manual_seed(1)
    numpy.random.seed(1)
    model.forward()


def ffl(pairs: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """The sum of the Focal Frequency Losses of some pairs."""
    from ffl_plugin.loss import focal_frequency_loss

    return torch.stack([focal_frequency_loss(fake, real) for fake, real in pairs]).sum()


def spade_step(job: dict[str, Any], weight: Optional[float]) -> dict[str, Any]:
    """Run the generator mode of SPADE's model once, its losses added up as its trainer does."""
    model = create_model(job, weight)
    shape = (BATCH, 3, job["size"], job["size"])
    label = torch.randint(0, 3, (BATCH, 1, *shape[2:])).float()
    data = {"label": label, "instance": label, "image": torch.rand(shape) * 2 - 1, "path": [""] * BATCH}
    data.update({name: torch.rand(shape) for name, shape in job["data"].items()})
    real = data["image"].clone()
    made: list[torch.Tensor] = []
    generate = model.generate_fake

    def generate_and_keep(*arguments: Any, **keywords: Any) -> Any:
        result = generate(*arguments, **keywords)
        made.append(result[0] if isinstance(result, tuple) else result)
        return result

    model.generate_fake = generate_and_keep
    torch.manual_seed(1)
    losses, *_ = model(data, mode="generator")
    total = sum(losses.values()).mean()
    expected: dict[str, torch.Tensor] = {}
    if weight:
        ffl([(made[0], real)]).backward(retain_graph=True)
        expected = worker_common.gradients(model.netG)
        worker_common.clear(model.netG)
    total.backward()
    reports = {name: value.detach().mean() for name, value in losses.items()}
    return {
        "gradients": worker_common.gradients(model.netG),
        "reports": reports,
        "expected": expected,
        "gain": 1.0,
    }


def hd_step(job: dict[str, Any], weight: Optional[float]) -> dict[str, Any]:
    """Run pix2pixHD's model once, its losses added up as its train.py does."""
    torch.cuda.FloatTensor = torch.DoubleTensor  # type: ignore[misc]
    model = create_model(job, weight, factory="models.models")
    shape = (BATCH, 3, job["size"], job["size"])
    label, real = torch.randint(0, 3, (BATCH, 1, *shape[2:])).float(), torch.rand(shape) * 2 - 1
    torch.manual_seed(1)
    losses, fake = model(label, label, real, label, infer=True)
    named = dict(zip(model.loss_names, losses))
    total = named["G_GAN"] + named["G_GAN_Feat"]
    expected: dict[str, torch.Tensor] = {}
    if weight:
        total = total + named["G_FFL"]
        ffl([(fake, real)]).backward(retain_graph=True)
        expected = worker_common.gradients(model.netG)
        worker_common.clear(model.netG)
    total.backward()
    reports = {name: torch.as_tensor(value).detach().mean() for name, value in named.items()}
    found = worker_common.gradients(model.netG)
    return {"gradients": found, "reports": reports, "expected": expected, "gain": 1.0}


if __name__ == "__main__":
    worker_common.run(main)
