"""Options that measuring commands share, and metrics as the user lists them: ``--metrics fid,kid``."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional

import click

from ffl_plugin.errors import FFLError

if TYPE_CHECKING:
    from ffl_plugin.metrics.feature_choice import FeatureChoice


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
) -> Callable[[click.Context, click.Parameter, Optional[str]], Optional[tuple[str, ...]]]:
    """Return a click callback that splits a list at commas and refuses names that are not known."""

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


def metrics_option(*others: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option of what to measure: metrics of features, and others by name."""
    known = (*OF_FEATURES, *others)
    return click.option(
        "--metrics",
        metavar="LIST",
        callback=chosen_of(known),
        help=f"Any of {','.join(known)} (fid, kid: on another network FD, KD; cmmd: of CLIP; is: Inception "
        "Score, of Inception; pr: precision and recall). [default: fid; with CLIP cmmd]",
    )


features_option = click.option(
    "--features",
    default="inception",
    show_default=True,
    type=click.Choice(["inception", "dinov2", "clip", "alexnet"]),
    help="The network whose features are measured; numbers are named after it.",
)
protocol_option = click.option(
    "--protocol",
    type=click.Choice(["pytorch-fid", "stylegan2-ada", "clean"]),
    help="Resize and covariance of FID; numbers compare only within one protocol. [default: pytorch-fid, "
    "which the FFL paper used]",
)


def weights_option(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option that gives the network's file, under these names and ``--feature-weights``."""
    return click.option(
        *names,
        "--feature-weights",
        "feature_weights",
        metavar="PATH",
        help="The weights of the network of --features, instead of downloading them.",
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


def measuring_options(*weights: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of metrics of trained networks; the function gets them as one keyword, ``measuring``.

    That is arguments of :func:`ffl_plugin.report.compare`. What excludes each other is refused before the
    function is called.

    Args:
        weights: further names of ``--feature-weights``.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @features_option
        @weights_option(*weights)
        @inception_option
        @lpips_option
        @no_download_option
        @protocol_option
        @metrics_option()
        @functools.wraps(function)
        def command(*, no_download: bool, feature_weights: Optional[str], **options: Any) -> None:
            names = ("features", "inception", "lpips", "protocol", "metrics")
            measuring = {name: options.pop(name) for name in names}
            measuring |= {"weights": feature_weights, "download": not no_download}
            features_chosen(measuring)
            function(measuring=measuring, **options)

        return command

    return decorate


def features_chosen(measuring: Mapping[str, Any]) -> FeatureChoice:
    """What is measured on features; raises ``FFLError`` for choices that exclude each other."""
    from ffl_plugin.metrics.feature_choice import choose_features

    names = ("features", "weights", "inception", "protocol", "metrics")
    return choose_features(**{name: measuring[name] for name in names})
