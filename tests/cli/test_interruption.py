"""Ctrl-C ends every measuring command in one sentence, wherever it strikes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ffl_plugin.cli import main
from ffl_plugin.cli._metrics import RESUMABLE

# Command line -> what it calls that may take long, and how to go on.
COMMANDS = {
    "compare": (["--before", "a", "--after", "b"], "ffl_plugin.report.compare", RESUMABLE),
    "fid": (["a", "b"], "ffl_plugin.metrics.evaluation.evaluate", RESUMABLE),
    "spectrum": (["a"], "ffl_plugin.report.spectrum_report.measure", "run the same command again"),
    "sweep": (
        ["--report-only", "--out", "a"],
        "ffl_plugin.cli.sweep.read_plan",
        "completed trainings are kept; run the same command again to continue",
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_an_interruption_is_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, place, ending = COMMANDS[name]

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    monkeypatch.setattr(place, interrupted)
    with pytest.raises(SystemExit) as stopped:
        main([name, *arguments])
    out, errors = capsys.readouterr()
    assert (stopped.value.code, out) == (1, "")
    assert errors == f"Error: interrupted; {ending}\n"
