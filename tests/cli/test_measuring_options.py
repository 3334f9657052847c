"""The options that compare and sweep share, as the arguments of ``report.compare`` that they are."""

from __future__ import annotations

import inspect
from typing import Any

import click
from click.testing import CliRunner

from ffl_plugin.cli._metrics import measuring_options
from ffl_plugin.report import compare


def arguments_of(*options: str) -> dict[str, Any]:
    """Return what a command's function is called with."""
    found: list[dict[str, Any]] = []

    @click.command()
    @measuring_options("--weights")
    @click.option("--other")
    def command(measuring: dict[str, Any], other: str) -> None:
        found.append({**measuring, "other": other})

    CliRunner().invoke(command, options, catch_exceptions=False, standalone_mode=False)
    return found[0]


def test_every_option_arrives() -> None:
    options = "--inception=a.pth --lpips=b.pth --no-download --protocol=clean --metrics=kid,pr --other=c"
    assert arguments_of(*options.split()) == {
        "features": "inception",
        "weights": None,
        "inception": "a.pth",
        "lpips": "b.pth",
        "download": False,
        "protocol": "clean",
        "metrics": ("kid", "pr"),
        "other": "c",
    }


def test_the_defaults_are_those_of_compare() -> None:
    defaults = {name: of.default for name, of in inspect.signature(compare).parameters.items()}
    found = arguments_of()
    assert found.pop("other") is None
    assert {name: defaults[name] for name in found} == found
