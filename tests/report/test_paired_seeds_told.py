"""Trainings paired by seed, or not: what the report says of it, and which pairs are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_material import write_run

from ffl_plugin.cli import main
from ffl_plugin.errors import FFLError
from ffl_plugin.report import Comparison, MeasurementSettings, compare, to_csv, to_text
from ffl_plugin.report.compare import INDEPENDENT, PAIRED
from ffl_plugin.report.page import to_html

FID = {"before": (20.0, 30.0, 25.0), "after": (18.0, 28.5, 23.0)}
COLUMN = "between changes"


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, list[Path]]:
    """Three run folders a side, with the seeds 0, 1 and 2 in their records."""
    return {
        side: [
            write_run(tmp_path / f"{side}-{seed}", {200: value}, float(side == "after"), seed)
            for seed, value in enumerate(values)
        ]
        for side, values in FID.items()
    }


def comparison(runs: dict[str, list[Path]], count: int, paired: bool) -> Comparison:
    return compare(
        before=runs["before"][:count],
        after=runs["after"][:count],
        settings=MeasurementSettings(paired_seeds=paired),
    )


@pytest.mark.parametrize(
    ("count", "paired", "told", "untold"),
    [(3, True, {PAIRED}, {INDEPENDENT}), (3, False, {INDEPENDENT}, {PAIRED}), (1, False, set(), {PAIRED})],
)
def test_the_report_says_how_trainings_were_compared(
    runs: dict[str, list[Path]], count: int, paired: bool, told: set[str], untold: set[str]
) -> None:
    found = comparison(runs, count, paired)
    assert found.to_json()["paired_seeds"] is paired
    assert (COLUMN in to_html(found)) == paired
    assert to_csv(found).splitlines()[0].endswith("change_spread")
    for text in (to_text(found), to_html(found), "\n".join(found.to_json()["notes"])):
        assert all(sentence in text for sentence in told)
        assert not any(sentence in text for sentence in untold)


def test_pairs_of_seeds_find_what_independent_trainings_do_not(runs: dict[str, list[Path]]) -> None:
    verdicts = {paired: comparison(runs, 3, paired).verdict.outcome for paired in (True, False)}
    assert verdicts == {True: "improved", False: "no evidence"}


def test_recorded_seeds_that_differ_are_no_pair(runs: dict[str, list[Path]]) -> None:
    swapped = {**runs, "after": runs["after"][1::-1]}
    assert comparison(swapped, 2, False).rows
    with pytest.raises(FFLError) as refused:
        comparison(swapped, 2, True)
    assert str(runs["before"][0]) in str(refused.value) and str(runs["after"][1]) in str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(3, 2, "3 trainings before and 2 after"), (1, 1, "one training per side has no seeds to pair")],
)
def test_numbers_of_trainings_that_make_no_pairs_are_refused_in_one_sentence(
    runs: dict[str, list[Path]],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    before: int,
    after: int,
    words: str,
) -> None:
    sides = ["--before", *map(str, runs["before"][:before]), "--after", *map(str, runs["after"][:after])]
    with pytest.raises(SystemExit) as end:
        main(["compare", *sides, "--paired-seeds", "--out", str(tmp_path / "report")])
    told = capfd.readouterr()
    assert end.value.code == 1
    assert words in told.err and "Traceback" not in told.err
    assert not told.out and not (tmp_path / "report").exists()


def test_the_option_of_the_command_pairs(
    runs: dict[str, list[Path]], capfd: pytest.CaptureFixture[str]
) -> None:
    sides = ["--before", *map(str, runs["before"]), "--after", *map(str, runs["after"])]
    found = []
    for option in ([], ["--paired-seeds"], ["--no-paired-seeds"]):
        with pytest.raises(SystemExit):
            main(["compare", *sides, *option, "--json"])
        found.append(json.loads(capfd.readouterr().out)["paired_seeds"])
    assert found == [False, True, False]
