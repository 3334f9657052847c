"""``ffl-patch doctor``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Optional

import click


@click.command()
@click.argument("repo", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(repo: Optional[Path], as_json: bool) -> None:
    """Check this machine, and the clone REPO, for what training needs, and suggest fixes.

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
        click.echo(json.dumps(report, indent=2))
        return
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        click.echo(f"{'!' if finding.fix else ' '} {finding.name.ljust(width)}  {finding.found}")
        if finding.fix:
            click.echo(f"  {' ' * width}  {finding.fix}")
    click.echo(f"{len(problems) or 'No'} problem{'' if len(problems) == 1 else 's'} found.")
