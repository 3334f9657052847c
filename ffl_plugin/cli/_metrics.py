"""Options that measuring commands share, and metrics as the user lists them: ``--metrics fid,kid``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Callable

import click

from ffl_plugin.errors import FFLError


def interruptible(ending: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator of a command's function, by which Ctrl-C at any time ends it in one sentence."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(*arguments: Any, **options: Any) -> None:
            try:
                function(*arguments, **options)
            except KeyboardInterrupt:
                raise FFLError(f"interrupted; {ending}") from None

        return command

    return decorate


KEPT = "features, spectra, scores and samples made so far are kept, and the same command goes on from there"


def chosen_of(
    known: Sequence[str],
) -> Callable[[click.Context, click.Parameter, str], tuple[str, ...]]:
    """Return a click callback that splits a list at commas and refuses names that are not known."""

    def split(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(name.strip().lower() for name in value.split(",")))
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(known)}.")
        return chosen

    return split


metrics_option = click.option(
    "--metrics",
    default="fid",
    show_default=True,
    metavar="LIST",
    callback=chosen_of(("fid", "kid", "is", "pr")),
    help="Of Inception features: any of fid,kid,is,pr (is: Inception Score, pr: precision and recall).",
)
protocol_option = click.option(
    "--protocol",
    default="pytorch-fid",
    show_default=True,
    type=click.Choice(["pytorch-fid", "stylegan2-ada", "clean"]),
    help="Resize and covariance; numbers compare only within one protocol. The FFL paper used pytorch-fid.",
)
inception_option = click.option(
    "--inception", metavar="PATH", help="Weights for FID, instead of downloading them. [env: FFL_INCEPTION]"
)
lpips_option = click.option(
    "--lpips",
    metavar="PATH",
    help="AlexNet's weights for LPIPS, instead of downloading them. [env: FFL_LPIPS]",
)
no_download_option = click.option(
    "--no-download", is_flag=True, help="Do without FID and LPIPS where their weights are not here."
)


def measuring_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of metrics of trained networks; the function gets them as one keyword, ``measuring``.

    That is arguments of :func:`ffl_plugin.report.compare`.
    """

    @inception_option
    @lpips_option
    @no_download_option
    @protocol_option
    @metrics_option
    @functools.wraps(function)
    def command(*, no_download: bool, **options: Any) -> None:
        measuring = {name: options.pop(name) for name in ("inception", "lpips", "protocol", "metrics")}
        function(measuring={**measuring, "download": not no_download}, **options)

    return command
