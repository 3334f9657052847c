"""``ffl-patch``: one module per command, imported when the command runs, so that ``--help`` is fast."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn, Optional

import click

from ffl_plugin import __version__
from ffl_plugin.errors import FFLError, readable

# Command name -> (module, one-line help). The module defines a click command named `command`.
COMMANDS = {
    "list": ("ffl_plugin.cli.list_targets", "List the repositories that can be patched."),
    "apply": ("ffl_plugin.cli.apply", "Patch a clone."),
    "detect": ("ffl_plugin.cli.detect", "Show which targets a clone matches, and why."),
    "status": ("ffl_plugin.cli.status", "Show what is applied in a clone."),
    "diff": ("ffl_plugin.cli.diff", "Show what apply would change, or has changed."),
    "revert": ("ffl_plugin.cli.revert", "Remove the patch from a clone."),
    "doctor": ("ffl_plugin.cli.doctor", "Check this machine and a clone for what training needs."),
    "upgrade": ("ffl_plugin.cli.upgrade", "Replace an older version of the patch by the current one."),
    "fid": ("ffl_plugin.cli.fid", "Fréchet Inception Distance between two sets of images."),
    "compare": ("ffl_plugin.cli.compare", "Compare a training with a baseline, with pictures."),
    "sweep": ("ffl_plugin.cli.sweep", "Train at several weights and seeds, and recommend a weight."),
    "spectrum": ("ffl_plugin.cli.spectrum", "Plot spectra of images or sets, and band-limited images."),
    "cache": ("ffl_plugin.cli.cache", "Show the cache, and remove entries."),
    "demo": ("ffl_plugin.cli.demo", "Patch, train twice and compare, on an embedded example."),
    "reproduce": ("ffl_plugin.cli.reproduce", "Run one of the paper's experiments."),
}


class LazyGroup(click.Group):
    """A click group that imports each command's module only when the command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the command names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Optional[click.Command]:
        """Import and return a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ffl-patch")
def group() -> None:
    """Focal Frequency Loss for the repositories you already train: patch, train, compare."""


def main(arguments: Optional[list[str]] = None) -> NoReturn:
    """Run ``ffl-patch`` and exit: 0 done, 1 refused (one sentence on standard error), 2 usage."""
    try:
        group.main(args=arguments, prog_name="ffl-patch", standalone_mode=True)
    except FFLError as error:
        click.echo(f"Error: {readable(error)}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:  # an I/O error that no command handles
        place = "" if error.filename is None else f"{error.filename}: "
        click.echo(f"Error: {readable(place)}{error.strerror or error}", err=True)
        sys.exit(FFLError.exit_code)
    sys.exit(0)


if __name__ == "__main__":
    main()
