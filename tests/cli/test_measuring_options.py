"""The options that compare, fid and sweep share, as the ``MeasurementSettings`` that they make."""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner

from ffl_plugin.cli._metrics import measuring_options
from ffl_plugin.metrics.feature_choice import FeatureChoice
from ffl_plugin.report import MeasurementSettings


def arguments_of(*options: str) -> tuple[MeasurementSettings, tuple[str, ...], str]:
    """Return what a command's function is called with."""
    found: list[tuple[MeasurementSettings, tuple[str, ...], str]] = []

    @click.command()
    @measuring_options("--weights", others=("spectra",))
    @click.option("--other")
    def command(settings: MeasurementSettings, others: tuple[str, ...], other: str) -> None:
        found.append((settings, others, other))

    CliRunner().invoke(command, options, catch_exceptions=False, standalone_mode=False)
    return found[0]


def test_every_option_arrives() -> None:
    options = (
        "--inception=a.pth --lpips=b.pth --no-download --protocol=clean --metrics=kid,spectra,pr --other=c"
    )
    chosen = FeatureChoice("inception", Path("a.pth"), "clean", ("kid", "pr"))
    settings = MeasurementSettings(features=chosen, lpips=Path("b.pth"), download=False)
    assert arguments_of(*options.split()) == (settings, ("spectra",), "c")


def test_the_defaults_are_those_of_compare() -> None:
    assert arguments_of() == (MeasurementSettings(), (), None)
