"""``ffl-patch doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import click

from ffl_plugin.as_text import aligned, json_text


@click.command()
@click.argument("repo", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(repo: Optional[Path], as_json: bool) -> None:
    """Check this machine, and the clone REPO, for what training needs, and suggest fixes.

    REPO defaults to the current folder if that is a clone of a supported family.
    Nothing is changed or downloaded. The exit code is always 0.
    """
    from ffl_plugin.doctor import examine

    findings = examine(repo)
    problems = [finding for finding in findings if finding.fix is not None]
    if as_json:
        report = {
            "findings": [
                {"name": finding.name, "found": finding.found, "mend": finding.fix} for finding in findings
            ],
            "problems": len(problems),
        }
        click.echo(json_text(report, indent=2))
        return
    rows = []
    for finding in findings:
        rows.append((f"{'!' if finding.fix else ' '} {finding.name}", finding.found))
        rows += [("", finding.fix)] if finding.fix else []
    click.echo("\n".join(aligned(rows)))
    click.echo(f"{len(problems) or 'No'} problem{'' if len(problems) == 1 else 's'} found.")
