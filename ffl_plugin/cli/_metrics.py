"""Options shared by the measuring commands, and the parser of ``--metrics fid,kid``."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional

import click

from ffl_plugin.errors import FFLError

if TYPE_CHECKING:
    from ffl_plugin.metrics.feature_choice import FeatureChoice


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


def metrics_option(*others: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that selects metrics: those of features, and others by name."""
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
    help="Network whose features are measured; the numbers are named after it.",
)
protocol_option = click.option(
    "--protocol",
    type=click.Choice(["pytorch-fid", "stylegan2-ada", "clean"]),
    help="Resizing and covariance of FID; only numbers of one protocol compare. [default: pytorch-fid, "
    "as in the FFL paper]",
)


def weights_option(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option of the network's weights file, with these names and ``--feature-weights``."""
    return click.option(
        *names,
        "--feature-weights",
        "feature_weights",
        metavar="PATH",
        help="Weights of the network of --features, instead of a download.",
    )


inception_option = click.option(
    "--inception", metavar="PATH", help="Inception weights, instead of a download. [env: FFL_INCEPTION]"
)
lpips_option = click.option(
    "--lpips",
    metavar="PATH",
    help="AlexNet weights for LPIPS, instead of a download. [env: FFL_LPIPS]",
)
no_download_option = click.option(
    "--no-download", is_flag=True, help="Skip FID and LPIPS if their weights are not available locally."
)


def measuring_options(*weights: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the options for measuring, passed as one keyword, ``measuring``.

    ``measuring`` maps argument names of :func:`ffl_plugin.report.compare` to values. Mutually exclusive
    options are refused before the function is called.

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
    """Return the choice of features and metrics; raises ``FFLError`` for conflicting options."""
    from ffl_plugin.metrics.feature_choice import choose_features

    names = ("features", "weights", "inception", "protocol", "metrics")
    return choose_features(**{name: measuring[name] for name in names})
