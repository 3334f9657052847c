"""A training step on the CPU, unpatched and patched: is weight 0 the same bits, and is the rest only FFL?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional, Union

import torch

from forks.entries import Entry
from forks.worker import Check, beside, run_worker

WEIGHTS = (None, 0.0, 1.0, 2.0)
IMAGE_MODELS = {
    "bicyclegan": "bicycle_gan",
    "cut": "cut",
    "cyclegan": "cycle_gan",
    "pix2pix": "pix2pix",
    "pix2pixhd": "pix2pixHD",
    "spade": "spade",
    "tsit": "tsit",
}
# Those whose step starts at the repository's own options.
FROM_OPTIONS = frozenset({*IMAGE_MODELS, "llamagen", "stargan-v2", "stylegan2-rosinality"})
REPORTS = {
    "autoencoder": {"train/ffl_loss"},
    "bicyclegan": {"G_FFL"},
    "cut": {"G_FFL"},
    "cyclegan": {"FFL_A", "FFL_B"},
    "llamagen": {"ffl_loss"},
    "pix2pix": {"G_FFL"},
    "pix2pixhd": {"G_FFL"},
    "spade": {"FFL"},
    "stargan-v2": {"G/latent_ffl"},
    "stylegan2-rosinality": {"ffl"},
    "tsit": {"FFL"},
}
# Of a difference of float64 gradients that are larger than it.
TOLERANCE = 1e-8


def check_step(
    entry: Entry, integration: str, unpatched: Path, patched: Path, files: list[str], scratch: Path
) -> Check:
    """Run the same step in both trees and compare the gradients of the generator.

    The patched tree must give the bits of the unpatched one without a flag and at weight 0, twice the
    difference at twice the weight, and as that difference the gradient of FFL between the generated and the
    real images, computed apart, times the gain of the step's own loss (or 1, where the loss knows none).
    """
    if "skip" in entry.step:
        return Check("not run", entry.step["skip"])
    before = run_step(entry, "", unpatched, files, (None,), scratch)
    if isinstance(before, str):
        return Check("not run", f"the unpatched step does not run here: {before}")
    after = run_step(entry, integration, patched, files, WEIGHTS, scratch)
    if isinstance(after, str):
        return Check("wrong", f"the patched step does not run: {after}")
    reports = REPORTS.get(entry.target, {"Loss/G/ffl"})
    judged = compare(before["steps"][0], after["steps"], reports, before["stand_ins"])
    if judged.outcome == "wrong":
        again = run_step(entry, "", unpatched, files, (None,), scratch)
        if not isinstance(again, str) and not same_bits(
            *(run["steps"][0]["gradients"] for run in (before, again))
        ):
            return Check("not run", "the unpatched step gives other gradients every time")
    return judged if entry.target in FROM_OPTIONS else with_hand_made_loss(judged)


def compare(plain: Any, steps: list[Any], reports: set[str], stand_ins: list[str]) -> Check:
    """Judge the step without, at weight 0, 1 and 2 against the unpatched one."""
    silent, zero, one, two = steps
    for name, step in (("without a flag", silent), ("at weight 0", zero)):
        if not same_bits(plain["gradients"], step["gradients"]):
            return Check("wrong", f"{name} the gradient is not bitwise that of the unpatched step")
        if plain["reports"].keys() != step["reports"].keys():
            return Check("wrong", f"{name} the step reports other names than the unpatched one")
    new = one["reports"].keys() - plain["reports"].keys()
    if new != reports:
        return Check("wrong", f"at weight 1 the step also reports {sorted(new)}, not {sorted(reports)}")
    single, double = (
        subtract(one["gradients"], plain["gradients"]),
        subtract(two["gradients"], plain["gradients"]),
    )
    size = norm(single)
    if size == 0:
        return Check(
            "wrong", "at weight 1 the gradient is the unpatched one: FFL does not reach the generator"
        )
    linear = norm(subtract(double, {name: 2 * value for name, value in single.items()})) / size
    if linear > TOLERANCE:
        return Check(
            "wrong", f"weight 2 does not give twice the difference of weight 1 (off by {linear:.0e})"
        )
    error, gain = min(
        (norm(subtract(single, scaled(one["expected"], g))) / size, g) for g in {1.0, one["gain"]}
    )
    if error > TOLERANCE:
        return Check(
            "wrong", f"the difference is not the gradient of FFL of the two images (off by {error:.0e})"
        )
    factor = "gain × " if gain != 1.0 else ""
    return Check(
        "right", f"weight 0 bitwise, linear, = {factor}∇FFL to {max(error, linear):.0e}{beside(stand_ins)}"
    )


def with_hand_made_loss(check: Check) -> Check:
    """Say of a step that is right that the benchmark made the loss, and not the repository's launcher."""
    text = f"{check.text}; loss made by hand" if check.outcome == "right" else check.text
    return Check(check.outcome, text)


def same_bits(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of gradients agree in every bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def subtract(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """First minus second; a parameter that one of them lacks counts as 0 there."""
    names = first.keys() | second.keys()
    nothing = torch.zeros(())
    return {name: first.get(name, nothing).double() - second.get(name, nothing).double() for name in names}


def scaled(values: dict[str, torch.Tensor], factor: float) -> dict[str, torch.Tensor]:
    """Each times a factor."""
    return {name: factor * value.double() for name, value in values.items()}


def norm(values: dict[str, torch.Tensor]) -> float:
    """The Euclidean norm of everything together."""
    return sum(float(value.square().sum()) for value in values.values()) ** 0.5


def run_step(
    entry: Entry,
    integration: str,
    tree: Path,
    files: list[str],
    weights: tuple[Optional[float], ...],
    scratch: Path,
) -> Union[dict[str, Any], str]:
    """Run the step of a tree once per weight, in a process of its own."""
    job = {"integration": integration, "weights": weights}
    if entry.target in IMAGE_MODELS:
        model_file = next(name for name in files if Path(name).parent.name == "models")
        job.update(
            root=str(tree / Path(model_file).parent.parent),
            model=IMAGE_MODELS[entry.target],
            arguments=entry.step.get("arguments", []),
            size=entry.step.get("size", 32),
            data=entry.step.get("data", {}),
            scratch=str(scratch),
        )
        return run_worker("worker_image_to_image.py", job, scratch)
    if entry.target == "stargan-v2":
        job.update(
            root=str(tree / Path(next(name for name in files if Path(name).name == "main.py")).parent),
            arguments=entry.step.get("arguments", []),
            size=entry.step.get("size", 32),
            scratch=str(scratch),
        )
        return run_worker("worker_stargan.py", job, scratch)
    if entry.target == "stylegan2-rosinality":
        script = tree / files[0]
        job.update(root=str(script.parent), script=script.name, arguments=entry.step.get("arguments", []))
        return run_worker("worker_rosinality.py", job, scratch)
    if entry.target == "llamagen":
        script = next(name for name in files if "loss" not in Path(name).name)
        arguments, values = entry.step.get("arguments", []), entry.step.get("values", 2)
        job.update(root=str(tree), script=script, arguments=arguments, values=values)
        return run_worker("worker_llamagen.py", job, scratch)
    if entry.target == "autoencoder":
        name = entry.step.get("file", files[0])
        job.update(
            root=str(tree / entry.step.get("below", "")),
            module=Path(name)
            .relative_to(entry.step.get("below", ""))
            .with_suffix("")
            .as_posix()
            .replace("/", "."),
            frames=entry.step.get("frames", 0),
            **{"class": entry.step.get("class", "VQLPIPSWithDiscriminator")},
        )
        return run_worker("worker_autoencoder.py", job, scratch)
    loss_file = Path(next(name for name in files if "loss" in Path(name).name))
    classes = {"projected-gan": "ProjectedGANLoss", "r3gan": "R3GANLoss"}
    job.update(
        {
            "root": str(tree / loss_file.parent.parent),
            "module": f"{loss_file.parent.name}.{loss_file.stem}",
            "class": classes.get(entry.target, "StyleGAN2Loss"),
            "construct": entry.step.get("construct", {}),
            "call": entry.step.get("call", {}),
            "logits": entry.step.get("logits", 1),
            "images": entry.step.get("images", 1),
        }
    )
    return run_worker("worker_stylegan.py", job, scratch)
