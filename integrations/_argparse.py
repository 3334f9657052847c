"""The ``--ffl-*`` flags for argparse command lines, as in the pix2pix family."""

from __future__ import annotations

import argparse
from typing import Any, Callable, Optional

from ffl_plugin.integrations._flags import Flag, SettingsError
from ffl_plugin.integrations._opt import settings_of
from ffl_plugin.integrations._settings import Settings, Upstream

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Check = Callable[[argparse.Namespace, Settings], None]


def add_options(
    parser: argparse.ArgumentParser, upstream: Upstream, is_train: bool = True, check: Optional[Check] = None
) -> None:
    """Add every flag to a training's options; add nothing to a test's.

    Each flag can be spelled with dashes or, like the family's own, with underscores; values go to ``ffl_*``.
    Parsing also validates the settings, together and against the crop size, so an invalid value is reported
    by the parser before anything is written.

    Args:
        parser: the upstream's parser.
        upstream: the upstream.
        is_train: whether these are training options.
        check: raises `SettingsError` if the upstream's options are incompatible with the settings.
    """
    if not is_train:
        return
    group = parser.add_argument_group("Focal Frequency Loss")
    for flag in upstream.flags():
        _add(group, flag, getattr(upstream.defaults, flag.setting))
    _validate_parsed(parser, upstream, check)


def _add(group: Any, flag: Flag, default: object) -> None:
    keywords: dict[str, Any] = {"default": default, "help": flag.help, "dest": f"ffl_{flag.setting}"}
    if flag.kind.choices:
        keywords.update(choices=flag.kind.choices)
    else:
        keywords.update(type=flag.kind.type, metavar=flag.kind.type.__name__.upper())
    if flag.kind.const is not None:
        keywords.update(nargs="?", const=flag.kind.const)
    if flag.kind.type is bool:
        keywords.update(type=_boolean, metavar="BOOL")
    group.add_argument(flag.name, f"--ffl_{flag.setting}", **keywords)


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}") from None


def _validate_parsed(parser: argparse.ArgumentParser, upstream: Upstream, check: Optional[Check]) -> None:
    """Make the parser report values that have the right type but are invalid."""
    parse = parser.parse_known_args

    def parse_and_validate(args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        options, rest = parse(args, namespace)
        try:
            settings = settings_of(options, upstream)
            size = _cropped_size(options)
            if settings.on and size is not None:
                settings.check_image_size(size, size)
            if check is not None:
                check(options, settings)
        except SettingsError as refusal:
            parser.error(str(refusal))
        return options, rest

    setattr(parser, "parse_known_args", parse_and_validate)  # noqa: B010  (mypy: a method assigned)


def _cropped_size(options: object) -> Optional[int]:
    """Height and width of the training images if the options define a square crop; else None."""
    how = getattr(options, "preprocess", getattr(options, "preprocess_mode", ""))
    size = getattr(options, "crop_size", None)
    return size if isinstance(size, int) and "crop" in str(how) else None
