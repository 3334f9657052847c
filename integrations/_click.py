"""The flags on a click command line, as NVIDIA's launchers have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional, TypeVar

import click

from ffl_plugin.integrations import _process
from ffl_plugin.integrations._settings import FLAGS, Flag, Settings, SettingsError, flags_without_effect

Command = TypeVar("Command", bound=Callable[..., Any])


def options(defaults: Settings) -> Callable[[Command], Command]:
    """Decorator for a click command: adds every flag.

    The command gets them as one keyword, ``ffl_options``: a dict of the settings that were given.
    """

    def decorate(command: Command) -> Command:
        # Decorators closest to the function come last in --help, so that the last flag goes on first.
        for flag in reversed(FLAGS):
            command = _option(flag, defaults)(command)
        return command

    return decorate


def _option(flag: Flag, defaults: Settings) -> Callable[[Command], Command]:
    def collect(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        given = context.params.setdefault("ffl_options", {})
        if value is not None:
            given[flag.setting] = value

    kinds: dict[type, Any] = {float: float, int: int, bool: bool, str: click.Choice(flag.choices)}
    default = getattr(defaults, flag.setting)
    shown = str(default).lower() if flag.type is bool else f"{default:g}" if flag.type is float else default
    keywords: dict[str, Any] = {
        "help": f"{flag.help[0].upper()}{flag.help[1:]} [default: {shown}]",
        "type": kinds[flag.type],
        "callback": collect,
        "expose_value": False,
    }
    if flag.type is bool:  # both `--flag` and the launchers' own `--flag=1`
        keywords.update(is_flag=False, flag_value=True, metavar="BOOL")
    return click.option(flag.name, f"ffl_{flag.setting}", **keywords)


def configure(
    arguments: Any,
    given: Optional[Mapping[str, Any]],
    error: Callable[[str], Exception],
    defaults: Settings,
) -> str:
    """Check the given settings and put them into the launcher's ``loss_kwargs``.

    Args:
        arguments: the launcher's EasyDict of training options, with ``loss_kwargs`` in it.
        given: what `options` collected; None as from a caller that knows nothing of FFL.
        error: the launcher's own exception for a bad option, raised with one sentence.
        defaults: the settings of this upstream.

    Returns:
        What the run description gains, such as ``-ffl1``; empty, and nothing put anywhere, at weight 0.
    """
    try:
        settings = Settings.from_json(given or {}, defaults)
        resolution = arguments.get("training_set_kwargs", {}).get("resolution")
        if settings.weight > 0 and resolution is not None:
            settings.check_image_size(resolution, resolution)
    except SettingsError as refusal:
        raise error(str(refusal)) from None
    idle = flags_without_effect(settings, defaults)
    if idle:
        _process.warn(idle)
    if settings.weight == 0:
        return ""
    arguments["loss_kwargs"]["ffl_options"] = settings.to_json()
    return _description(settings, defaults)


def _description(settings: Settings, defaults: Settings) -> str:
    """``-ffl<weight>``, and behind it each setting that is not the default."""
    parts = [f"ffl{settings.weight:g}"]
    for flag, value, _ in settings.changes(defaults):
        if flag.setting == "weight":
            continue
        short = "".join(word[0] for word in flag.setting.split("_"))
        parts.append(value if flag.type is str else short if flag.type is bool else f"{short}{value:g}")
    return "-" + "-".join(parts)
