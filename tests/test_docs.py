"""What the pages for users name exists, and what exists is named there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ffl_plugin.cli import COMMANDS
from ffl_plugin.integrations._flags import FLAGS
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching.recipe import Recipe

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_names_every_command(command: str) -> None:
    assert f"ffl-patch {command}" in README


@pytest.mark.parametrize("flag", [flag.name for flag in FLAGS])
def test_the_readme_explains_every_flag(flag: str) -> None:
    assert f"`{flag}`" in README


@pytest.mark.parametrize("recipe", all_recipes().values(), ids=all_recipes())
def test_the_readme_lists_every_target_with_the_commits_it_was_tried_on(recipe: Recipe) -> None:
    row = next((line for line in README.splitlines() if line.startswith(f"| `{recipe.name}` ")), None)
    assert row is not None
    for version in recipe.versions:
        assert version.commit in row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    for link in links:
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link
