"""Options shared by the measuring commands, and the parser of ``--metrics fid,kid``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, Optional

import click

from ffl_plugin.errors import FFLError


def interruptible(ending: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that turns Ctrl-C into a one-sentence error ending with ``ending``."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(*arguments: Any, **options: Any) -> None:
            try:
                function(*arguments, **options)
            except KeyboardInterrupt:
                raise FFLError(f"interrupted; {ending}") from None

        return command

    return decorate


RESUMABLE = "features, spectra, scores and samples are cached; run the same command again to continue"


def chosen_of(
    known: Sequence[str],
) -> Callable[[click.Context, click.Parameter, Optional[str]], Optional[tuple[str, ...]]]:
    """Return a click callback that parses a comma-separated list and rejects unknown names."""

    def split(
        ctx: click.Context, parameter: click.Parameter, value: Optional[str]
    ) -> Optional[tuple[str, ...]]:
        if value is None:
            return None
        chosen = tuple(dict.fromkeys(name.strip().lower() for name in value.split(",")))
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(known)}.")
        return chosen

    return split


OF_FEATURES = ("fid", "kid", "cmmd", "is", "pr")


OPTIONS = (
    click.option(
        "--features",
        default="inception",
        show_default=True,
        type=click.Choice(["inception", "dinov2", "clip", "alexnet"]),
        help="Network whose features are measured; the numbers are named after it.",
    ),
    click.option(
        "--inception", metavar="PATH", help="Inception weights, instead of a download. [env: FFL_INCEPTION]"
    ),
    click.option(
        "--lpips",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="AlexNet weights for LPIPS, instead of a download. [env: FFL_LPIPS]",
    ),
    click.option(
        "--no-download", is_flag=True, help="Skip FID and LPIPS if their weights are not available locally."
    ),
    click.option(
        "--protocol",
        type=click.Choice(["pytorch-fid", "stylegan2-ada", "clean"]),
        help="Resizing and covariance of FID; only numbers of one protocol compare. [default: pytorch-fid, "
        "as in the FFL paper]",
    ),
)


def measuring_options(
    *weights: str, others: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the options for measuring, passed as ``settings: MeasurementSettings``.

    Mutually exclusive options are refused before the function is called.

    Args:
        weights: further names of ``--feature-weights``.
        others: values of ``--metrics`` that are not measured on features; the chosen ones are passed as the
            keyword ``others``.
    """
    known = (*OF_FEATURES, *others)
    of_weights = click.option(
        *weights,
        "--feature-weights",
        "feature_weights",
        metavar="PATH",
        help="Weights of the network of --features, instead of a download.",
    )
    of_metrics = click.option(
        "--metrics",
        metavar="LIST",
        callback=chosen_of(known),
        help=f"Any of {','.join(known)} (fid, kid: on another network FD, KD; cmmd: of CLIP; is: Inception "
        "Score, of Inception; pr: precision and recall). [default: fid; with CLIP cmmd]",
    )

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(
            *, feature_weights: Optional[str], lpips: Optional[Path], no_download: bool, **options: Any
        ) -> None:
            from ffl_plugin.metrics.feature_choice import choose_features
            from ffl_plugin.report import MeasurementSettings

            names = ("features", "inception", "protocol", "metrics")
            chosen = {name: options.pop(name) for name in names}
            if others:
                options["others"] = tuple(metric for metric in chosen["metrics"] or () if metric in others)
            features = choose_features(weights=feature_weights, **chosen)
            function(
                settings=MeasurementSettings(features=features, lpips=lpips, download=not no_download),
                **options,
            )

        decorated: Callable[..., None] = command
        for option in (of_metrics, of_weights, *reversed(OPTIONS)):
            decorated = option(decorated)
        return decorated

    return decorate
