"""The page on adding a target is true: its recipe makes its diff of its example."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from ffl_plugin import focal_frequency_loss, integrations
from ffl_plugin.patching import PatchError, Recipe, plan_apply, plan_revert

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-target.md"


def block(name: str) -> str:
    found = re.search(
        rf"^```\w+ name={re.escape(name)}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
    assert found is not None, name
    return found[1]


@pytest.fixture
def documented() -> Recipe:
    names: dict[str, Any] = {}
    exec(block("recipe"), names)
    recipe: Recipe = names["RECIPE"]
    return recipe


def test_the_recipe_makes_the_diff(documented: Recipe, tmp_path: Path) -> None:
    train = tmp_path / "train.py"
    train.write_text(block("train.py"), encoding="utf-8")
    plan = plan_apply(documented, tmp_path)
    assert plan.diff().decode() == block("diff")
    plan.write()
    plan_revert(documented, tmp_path).write()
    assert train.read_text(encoding="utf-8") == block("train.py")


def test_the_patched_example_trains_with_the_documented_integration(
    documented: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ModuleType("ffl_plugin.integrations.small")
    exec(block("integration"), vars(small))
    monkeypatch.setitem(sys.modules, small.__name__, small)
    monkeypatch.setattr(integrations, "small", small, raising=False)
    (tmp_path / "train.py").write_text(block("train.py"), encoding="utf-8")
    before = losses(tmp_path, [])
    plan_apply(documented, tmp_path).write()
    assert losses(tmp_path, []) == losses(tmp_path, ["--ffl-weight=0"]) == before
    once, twice = losses(tmp_path, ["--ffl-weight=1"]), losses(tmp_path, ["--ffl_weight=2"])
    generator = torch.Generator().manual_seed(0)
    fake, real = (torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2))
    term = float(focal_frequency_loss(fake, real))
    assert (once - before, twice - before) == (pytest.approx(term), pytest.approx(2 * term))


def test_the_documented_integration_reports_to_the_monitor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = ModuleType("ffl_plugin.integrations.small")
    exec(block("integration"), vars(small))
    trainer = SimpleNamespace(options=SimpleNamespace(ffl_weight=1.0, ffl_monitor=1, ffl_spectrum="image"))
    small.setup(trainer)  # type: ignore[attr-defined]
    fake, real = torch.zeros(2, 3, 8, 8, requires_grad=True), torch.rand(2, 3, 8, 8) - 0.5
    small.add_term(trainer, fake.square().mean(), fake, real).backward()  # type: ignore[attr-defined]
    printed = capsys.readouterr().out
    assert "gradient of FFL" in printed and "gradient of rest" in printed


def losses(folder: Path, flags: list[str]) -> float:
    """The generator's loss of the example on two batches, with flags on its command line."""
    names: dict[str, Any] = {}
    exec((folder / "train.py").read_text(encoding="utf-8"), names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train.py", "--l1", *flags])
        trainer = names["Trainer"](names["parse"]())
    trainer.discriminator = lambda images: images.mean()
    generator = torch.Generator().manual_seed(0)
    return float(
        trainer.generator_loss(*(torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1 for _ in range(2)))
    )


def test_its_guards_refuse(documented: Recipe, tmp_path: Path) -> None:
    text = block("train.py").replace("self.discriminator(fake)", "self.critic")
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    with pytest.raises(PatchError, match="trains without a discriminator"):
        plan_apply(documented, tmp_path)


def test_the_page_explains_every_word() -> None:
    from ffl_plugin.patching import recipe

    words = {
        name
        for name, value in vars(recipe).items()
        if isinstance(value, type) and value.__module__ == recipe.__name__
    }
    text = PAGE.read_text(encoding="utf-8")
    assert [word for word in sorted(words) if word not in text] == []
