"""TSIT has a target in one of its tasks only; BicycleGAN compares what its target's own code gives."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ffl_plugin.integrations import bicyclegan, tsit
from ffl_plugin.loss import focal_frequency_loss


@pytest.mark.parametrize("flag", ["--ffl-weight=1", "--ffl-share=0.1"])
@pytest.mark.parametrize("task", ["AST", "MMIS"])
def test_tsit_without_a_target_is_refused(flag: str, task: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", default="AST")
    tsit.add_options(parser)
    assert parser.parse_args([f"--task={task}"]).ffl_weight == 0
    assert parser.parse_args(["--task=SIS", flag]).task == "SIS"
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([f"--task={task}", flag])
    assert ended.value.code == 2
    assert f"--task {task}" in capsys.readouterr().err


def test_bicyclegan_compares_each_image_with_its_own_target(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    bicyclegan.add_options(parser)
    opt = parser.parse_args(["--ffl-weight=2"])
    opt = argparse.Namespace(**vars(opt), isTrain=True, checkpoints_dir=str(tmp_path), name="run")
    model = SimpleNamespace(opt=opt, loss_names=["G_GAN"], loss_G_GAN=torch.tensor(0.0))
    bicyclegan.setup(model)
    generator = torch.Generator().manual_seed(0)
    fake, real = (torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    fake.requires_grad_()
    total = bicyclegan.add_term(model, torch.tensor(1.0), fake, real)
    torch.testing.assert_close(total, 1 + 2 * focal_frequency_loss(fake, real))
    assert model.loss_names == ["G_GAN", "G_FFL"]
