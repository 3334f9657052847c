"""The ``--ffl-*`` flags for click command lines, as in NVIDIA's launchers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable, Optional, TypeVar

import click

from ffl_plugin.as_text import shortest
from ffl_plugin.integrations import _process
from ffl_plugin.integrations._flags import OBSERVING, Flag, SettingsError
from ffl_plugin.integrations._resume import Entry, ResumedRun
from ffl_plugin.integrations._settings import Settings, Upstream

Command = TypeVar("Command", bound=Callable[..., Any])


def options(upstream: Upstream) -> Callable[[Command], Command]:
    """Decorator that adds every flag to a click command.

    The command receives one keyword, ``ffl_options``: a dict of the settings given on the command line.
    """

    def decorate(command: Command) -> Command:
        # --help lists the decorator closest to the function last, so the flags are added in reverse.
        for flag in reversed(list(upstream.flags())):
            command = _option(flag, getattr(upstream.defaults, flag.setting))(command)
        return command

    return decorate


def _option(flag: Flag, default: Any) -> Callable[[Command], Command]:
    def collect(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        given = context.params.setdefault("ffl_options", {})
        if value is not None:
            given[flag.setting] = value

    kind = flag.kind
    shown = (
        str(default).lower() if kind.type is bool else shortest(default) if kind.type is float else default
    )
    keywords: dict[str, Any] = {
        "help": f"{flag.help[0].upper()}{flag.help[1:]} [default: {shown}]",
        "type": click.Choice(kind.choices) if kind.choices else kind.type,
        "callback": collect,
        "expose_value": False,
    }
    if kind.const is not None:  # both `--flag` and the launchers' `--flag=1`
        keywords.update(cls=_OptionalValue, is_flag=False, flag_value=kind.const)
    if kind.type is bool:
        keywords.update(metavar="BOOL")
    return click.option(flag.name, f"ffl_{flag.setting}", **keywords)


class _OptionalValue(click.Option):
    """An option whose value is optional and may be negative, so that the option itself rejects it.

    Without this, click parses the -1 of ``--flag=-1`` as another option.
    """

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Treat a negative number as the value of the preceding option."""
        super().add_to_parser(parser, ctx)
        known = parser._long_opt[self.opts[0]]
        process = known.process

        def process_with_number(value: Any, state: Any) -> None:
            if not isinstance(value, str) and state.rargs and re.match(r"-\.?\d", state.rargs[0]):
                value = state.rargs.pop(0)
            process(value, state)

        known.process = process_with_number


def configure(
    arguments: Any,
    given: Optional[Mapping[str, Any]],
    error: Callable[[str], Exception],
    upstream: Upstream,
) -> str:
    """Validate the given settings and add them to the launcher's ``loss_kwargs``.

    Warns of flags without effect, and if ``--resume`` continues with settings different from the run's.

    Args:
        arguments: the launcher's EasyDict of training options, including ``loss_kwargs``.
        given: the settings collected by `options`; None if the caller does not pass them.
        error: the launcher's exception class, raised for invalid settings.
        upstream: the upstream.

    Returns:
        The suffix of the run description, such as ``-ffl1``; empty, with no side effect, at weight 0.
    """
    try:
        settings = upstream.settings(given or {})
        if settings.on:
            for height, width in _image_sizes(arguments.get("training_set_kwargs", {}).get("resolution")):
                settings.check_image_size(height, width)
    except SettingsError as refusal:
        raise error(str(refusal)) from None
    resumed = ResumedRun.of(_resumed_snapshot(), upstream.counts_on)
    _process.warn(upstream.without_effect(settings))
    _process.warn(resumed.change(settings) if resumed else None)
    if not settings.on:
        return ""
    entry = Entry(settings.to_json())
    if resumed:
        weight = resumed.weight_for(settings) if settings.share > 0 else None
        entry = replace(entry, kimg=resumed.kimg, weight=weight or None)
    arguments["loss_kwargs"]["ffl_options"] = entry.to_json()
    return _description(settings, upstream.defaults)


def _image_sizes(resolution: object) -> list[tuple[int, int]]:
    """Height and width if known: one number, or two in forks for non-square images."""
    if isinstance(resolution, int):
        return [(resolution, resolution)]
    sizes = resolution if isinstance(resolution, (list, tuple)) else ()
    return [(sizes[0], sizes[1])] if len(sizes) == 2 and all(isinstance(n, int) for n in sizes) else []


def _resumed_snapshot() -> Optional[str]:
    """The launcher's ``--resume``, which it processes after FFL's options."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.params.get("resume")


def _description(settings: Settings, defaults: Settings) -> str:
    """``-ffl<weight>``, then each non-default setting that affects training: single words in full (``sync``,
    ``start20``), several words by their initials (``lm``, ``pf4``)."""
    parts = [f"ffl{shortest(settings.weight)}" if settings.weight else "ffl"]
    for flag, value, _ in settings.changes(defaults):
        if flag.setting in ("weight", *OBSERVING):
            continue
        words = flag.setting.split("_")
        short = words[0] if len(words) == 1 else "".join(word[0] for word in words)
        kind = flag.kind.type
        parts.append(value if kind is str else short if kind is bool else f"{short}{shortest(value)}")
    return "-" + "-".join(parts)
