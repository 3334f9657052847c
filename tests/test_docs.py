"""What the pages for users name exists, and what exists is named there."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
from itertools import takewhile
from pathlib import Path

import click
import pytest

from ffl_plugin.cli import COMMANDS, group
from ffl_plugin.integrations import _stylegan
from ffl_plugin.integrations._flags import FLAGS
from ffl_plugin.integrations._variants import FUNCTIONS
from ffl_plugin.metrics import metric
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
        assert str(version) in row


@pytest.mark.parametrize(
    "recipe",
    [recipe for recipe in all_recipes().values() if recipe.companion_of is None],
    ids=lambda recipe: recipe.name,
)
def test_the_page_on_the_loss_gives_every_target_s_own_average(recipe: Recipe) -> None:
    integration = importlib.import_module(f"ffl_plugin.integrations.{recipe.name.replace('-', '_')}")
    upstream = getattr(integration, "UPSTREAM", _stylegan.UPSTREAM)
    page = (PROJECT / "docs" / "loss.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| `") and f"`{recipe.name}`" in line)
    assert row.endswith(f"| `{upstream.defaults.spectrum}` |")


def printed_commands(page: Path) -> list[list[str]]:
    """The command lines of a page: those behind a ``$``, and of Python those that are indented by four."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    lines = re.findall(r"^(?:\$ |    (?=python ))(.+)$", text, re.MULTILINE)
    # The brackets of what may be left out, and the braces of what a sweep fills in, are no part of a word.
    return [shlex.split(re.sub(r"[][{}]", "", line), comments=True) for line in lines]


COMMAND_LINES = [(page.name, words) for page in PAGES for words in printed_commands(page)]


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            one.name
            for one in (*vars(metric).values(), *metric.PAIR_METRICS.values())
            if isinstance(one, metric.Metric)
        }
    ),
)
def test_the_page_of_metrics_defines_every_metric(name: str) -> None:
    page = (PROJECT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{re.escape(name)}\b", page, re.IGNORECASE), f"docs/metrics.md lacks {name}"


@pytest.mark.parametrize("variant", FUNCTIONS)
def test_the_page_on_the_loss_names_every_variant_and_its_time(variant: str) -> None:
    page = (PROJECT / "docs" / "loss.md").read_text(encoding="utf-8")
    table, times = page.split("## Time and memory")
    assert f"`{variant}`" in table, f"the table of docs/loss.md, 'Other losses', lacks {variant}"
    assert f"`{variant}`" in times, (
        f"docs/loss.md lacks the time of {variant}: benchmarks/loss.py --only variants"
    )


def test_command_lines_are_found() -> None:
    assert sum(words[0] == "ffl-patch" for _, words in COMMAND_LINES) > 30
    assert sum(words[0] == "python" for _, words in COMMAND_LINES) > 20


@pytest.mark.parametrize(
    "words", [words for _, words in COMMAND_LINES if words[0] == "ffl-patch"], ids=" ".join
)
def test_a_printed_command_line_is_understood(words: list[str]) -> None:
    """Its command and its flags exist; what they name does not, here."""
    command: click.Command = group
    arguments = words[1:]
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments[0])
        assert found is not None
        command, arguments = found, arguments[1:]
    if "--help" in arguments:
        return
    context = click.Context(command)
    command.make_parser(context).parse_args(list(arguments))


@pytest.mark.parametrize("words", [words for _, words in COMMAND_LINES if words[0] == "python"], ids=" ".join)
def test_what_a_printed_line_runs_exists(words: list[str]) -> None:
    """Modules and benchmarks of ours, with the flags of the benchmarks; scripts of a clone are not here.

    What follows ``--`` is passed to another program.
    """
    if words[1] == "-m" and words[2].startswith("ffl_plugin"):
        assert importlib.util.find_spec(words[2]) is not None
    elif words[1].startswith("benchmarks/"):
        source = (PROJECT / words[1]).read_text(encoding="utf-8")
        for flag in takewhile("--".__ne__, words):
            assert not flag.startswith("--") or f'"{flag}"' in source


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    for link in links:
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link
