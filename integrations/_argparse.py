"""The flags on an argparse command line, as the pix2pix family has it."""

from __future__ import annotations

import argparse
from typing import Any, Callable, Optional

from ffl_plugin.integrations._flags import Flag, SettingsError
from ffl_plugin.integrations._opt import settings_of
from ffl_plugin.integrations._settings import Settings, Upstream

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


Check = Callable[[argparse.Namespace, Settings], None]


def add_options(
    parser: argparse.ArgumentParser, upstream: Upstream, is_train: bool = True, check: Optional[Check] = None
) -> None:
    """Add every flag to the options of a training, and none to those of a test.

    Each is spelt with dashes and with the family's underscores; values land in ``ffl_*``.

    What is parsed is also checked, all settings together and against the crop size, so that a value that
    cannot train ends in the parser's own error, before anything is written.

    Args:
        parser: of the upstream's own options.
        upstream: which upstream this is.
        is_train: whether the options are those of a training.
        check: raises `SettingsError` for options of the upstream under which the settings cannot train.
    """
    if not is_train:
        return
    group = parser.add_argument_group("Focal Frequency Loss")
    for flag in upstream.flags():
        _add(group, flag, getattr(upstream.defaults, flag.setting))
    _check_what_is_parsed(parser, upstream, check)


def _add(group: Any, flag: Flag, default: object) -> None:
    keywords: dict[str, Any] = {"default": default, "help": flag.help, "dest": f"ffl_{flag.setting}"}
    if flag.kind.choices:
        keywords.update(choices=flag.kind.choices)
    else:
        keywords.update(type=flag.kind.type, metavar=flag.kind.type.__name__.upper())
    if flag.kind.alone is not None:
        keywords.update(nargs="?", const=flag.kind.alone)
    if flag.kind.type is bool:
        keywords.update(type=_boolean, metavar="BOOL")
    group.add_argument(flag.name, f"--ffl_{flag.setting}", **keywords)


def _boolean(text: str) -> bool:
    try:
        return WORDS[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"takes true or false, not {text!r}") from None


def _check_what_is_parsed(
    parser: argparse.ArgumentParser, upstream: Upstream, check: Optional[Check]
) -> None:
    """Make the parser end in its own error where a value passes its type and still cannot train."""
    parse = parser.parse_known_args

    def parse_and_check(args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        options, rest = parse(args, namespace)
        try:
            settings = settings_of(options, upstream)
            size = cropped_size(options)
            if settings.on and size is not None:
                settings.check_image_size(size, size)
            if check is not None:
                check(options, settings)
        except SettingsError as refusal:
            parser.error(str(refusal))
        return options, rest

    setattr(parser, "parse_known_args", parse_and_check)  # noqa: B010  (mypy: a method assigned)


def cropped_size(options: object) -> Optional[int]:
    """Height and width of the training images where the options tell, as they do for square crops."""
    how = getattr(options, "preprocess", getattr(options, "preprocess_mode", ""))
    size = getattr(options, "crop_size", None)
    return size if isinstance(size, int) and "crop" in str(how) else None
