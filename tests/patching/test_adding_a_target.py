"""The page on adding a target is true: its recipe makes its diff of its example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

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
