"""The real pytorch-CycleGAN-and-pix2pix, on the CPU: FFL_PIX2PIX=/path/to/clone pytest -m upstream"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import torch
from real_clone import Clone, CloneOf

from ffl_plugin.demo.scenes import write_data_set

pytestmark = [pytest.mark.upstream, pytest.mark.timeout(1800)]

SMALL = [
    "--netG",
    "resnet_6blocks",
    "--ngf",
    "4",
    "--load_size",
    "64",
    "--crop_size",
    "64",
    "--num_threads",
    "0",
]


@pytest.fixture
def clone(clone_of: CloneOf) -> Clone:
    return clone_of("pix2pix", "FFL_PIX2PIX")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    write_data_set(tmp_path / "pairs", 64, train=4, test=2, seed=0)
    return tmp_path / "pairs"


def cpu_flags(clone: Clone, training: bool) -> list[str]:
    """Flags that older versions need to train on a CPU, alone."""
    base = (clone.folder / "options" / "base_options.py").read_text()
    train = (clone.folder / "options" / "train_options.py").read_text()
    flags = ["--gpu_ids", "-1"] if "--gpu_ids" in base else []
    return flags + (["--display_id", "0"] if training and "--display_id" in train else [])


def train(clone: Clone, pairs: Path, *flags: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    epochs = [
        "--n_epochs",
        "2",
        "--n_epochs_decay",
        "0",
        "--save_epoch_freq",
        "1",
        "--print_freq",
        "1",
        "--name",
        "run",
        "--model",
        "pix2pix",
    ]
    return clone.seeded(
        "train.py", "--dataroot", str(pairs), *SMALL, *epochs, *cpu_flags(clone, True), *flags, expect=expect
    )


@pytest.mark.parametrize("flag", [[], ["--ffl-weight", "1"], ["--ffl_weight=1"]], ids=str)
def test_two_epochs_and_a_test(clone: Clone, pairs: Path, flag: list[str]) -> None:
    clone.ffl_patch("apply")
    result = train(clone, pairs, *flag)
    assert ("G_FFL: " in result.stdout) == bool(flag)
    folder = clone.folder / "checkpoints" / "run"
    assert (folder / "ffl_opt.jsonl").exists() == bool(flag)
    assert ("G_FFL" in (folder / "loss_log.txt").read_text()) == bool(flag)
    clone.seeded(
        "test.py", "--dataroot", str(pairs), *SMALL, "--name", "run", "--model", "pix2pix",
        *cpu_flags(clone, False),
    )  # fmt: skip
    assert len(list((clone.folder / "results").rglob("*_fake_B.png"))) == 2
    clone.ffl_patch("revert")
    changed = [line for line in clone.status().splitlines() if not line.startswith("??")]
    assert changed == []


GRADIENTS = r"grad_FFL: ([\d.]+)[ ,]+grad_GAN: ([\d.]+)[ ,]+grad_rest: ([\d.]+)"  # with commas or not


def test_the_monitor_prints_the_gradients_and_trains_the_same_network(clone: Clone, pairs: Path) -> None:
    clone.ffl_patch("apply")
    networks = []
    for flags in ([], ["--ffl-monitor=2"]):
        printed = train(clone, pairs, "--ffl-weight=100", *flags).stdout
        networks.append(torch.load(clone.folder / "checkpoints" / "run" / "latest_net_G.pth"))
        found = re.findall(GRADIENTS, printed)
        assert len(found) == (8 if flags else 0)  # 2 epochs of 4 images
    plain, monitored = networks
    assert all(torch.equal(plain[name], monitored[name]) for name in plain)
    for ours, adversarial, rest in found:
        assert float(ours) > 0 and float(adversarial) > 0
        assert 90 < float(rest) < 110 + float(adversarial)  # L1, with its weight of 100, and the adversarial


def test_a_share_trains_bitwise_as_without_it_until_its_weight_is_found(clone: Clone, pairs: Path) -> None:
    clone.ffl_patch("apply")
    folder = clone.folder / "checkpoints" / "run"
    networks = []
    for flags in ([], ["--ffl-share=0.1", "--ffl-share-steps=4"]):  # an epoch of 4 images, of 2
        printed = train(clone, pairs, *flags).stdout
        networks.append([torch.load(folder / f"{epoch}_net_G.pth") for epoch in (1, 2)])
    same = [all(torch.equal(plain[name], other[name]) for name in plain) for plain, other in zip(*networks)]
    assert same == [True, False]
    [said] = re.findall(r"^--ffl-share 0.1: weight (\S+) from here on", printed, re.MULTILINE)
    entries = [json.loads(line) for line in (folder / "ffl_opt.jsonl").read_text().splitlines()]
    assert [entry["weight"] for entry in entries if "weight" in entry] == [float(said)]
    resumed = train(clone, pairs, *flags, "--continue_train").stdout
    assert f"--ffl-share 0.1 continues at weight {said}, found before" in resumed


def test_continuing_without_the_flag_is_warned_of(clone: Clone, pairs: Path) -> None:
    clone.ffl_patch("apply")
    assert "Warning: --" not in train(clone, pairs, "--ffl-weight=1").stderr
    result = train(clone, pairs, "--continue_train")
    assert "Warning: --continue_train changes --ffl-weight from 1.0 to 0.0" in result.stderr
    lines = (clone.folder / "checkpoints" / "run" / "ffl_opt.jsonl").read_text().splitlines()
    assert [json.loads(line)["settings"]["weight"] for line in lines] == [1.0, 0.0]


@pytest.mark.parametrize(
    "flag",
    [
        "--ffl-weight=-1",
        "--ffl-weight=nan",
        "--ffl_weight=inf",
        "--ffl-patch-factor=0",
        "--ffl-patch-factor=3",
    ],
)
def test_what_cannot_train_is_argparses_own_error(clone: Clone, pairs: Path, flag: str) -> None:
    clone.ffl_patch("apply")
    result = train(clone, pairs, "--ffl-weight=1", flag, expect=2)
    assert "Traceback" not in result.stderr
    name = flag.split("=")[0].replace("_", "-")
    assert result.stderr.splitlines()[-1].startswith(f"train.py: error: {name} ")
    assert not (clone.folder / "checkpoints" / "run").exists()


def gradients(clone: Clone, tmp_path: Path, model: str, *steps: list[str]) -> list[list[torch.Tensor]]:
    out = tmp_path / "gradients.pt"
    flags = [[*cpu_flags(clone, True), *step] for step in steps]
    clone.script("pix2pix_step.py", str(out), model, json.dumps(flags))
    return torch.load(out)


@pytest.mark.parametrize(("target", "model"), [("pix2pix", "pix2pix"), ("cyclegan", "cycle_gan")])
def test_one_step_of_the_real_model(clone: Clone, tmp_path: Path, target: str, model: str) -> None:
    """Weight 0 is bitwise upstream; the gradient is linear in the weight."""
    [upstream] = gradients(clone, tmp_path, model, [])
    clone.target = target
    clone.ffl_patch("apply")
    flags = [[], ["--ffl-weight=0"], ["--ffl-weight=10"], ["--ffl_weight=100"]]
    *off, once, tenfold = gradients(clone, tmp_path, model, *flags)
    for step in off:
        assert all(torch.equal(patched, gradient) for patched, gradient in zip(step, upstream))
    assert not all(torch.equal(patched, gradient) for patched, gradient in zip(once, upstream))
    # Biases before a normalisation have no gradient but rounding, so the tolerance is of the largest one.
    largest = max(float(gradient.abs().max()) for gradient in tenfold)
    for gradient, at_10, at_100 in zip(upstream, once, tenfold):
        expected = gradient + 10 * (at_10 - gradient)
        torch.testing.assert_close(at_100, expected, rtol=1e-3, atol=1e-4 * largest)
