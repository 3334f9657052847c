from __future__ import annotations

import pytest

from ffl_plugin.reproduce import vanilla_ae
from ffl_plugin.reproduce.study import Outcome, Run
from ffl_plugin.reproduce.tables import sections, summary


def outcome(scores):
    """Runs of the vanilla autoencoder on CelebA: method -> scores seed by seed."""
    runs = [
        Run("mine", "CelebA", 7, method, seed, of_seed, [])
        for method, by_seed in scores.items()
        for seed, of_seed in enumerate(by_seed)
    ]
    return Outcome(vanilla_ae.STUDY, {}, runs)


def psnr(*values):
    return [{"psnr": value, "high": value / 10, "fid": None} for value in values]


def test_ours_stand_beside_the_papers_and_differences_are_paired_by_seed():
    heading, scores, sentence, differences = sections(
        outcome({"baseline": psnr(20, 30, 40), "FFL": psnr(21, 31.5, 42)}), ("psnr", "high", "fid")
    )
    assert heading == "## vanilla-ae on mine: ours over 3 seed(s), 7 test images / the paper's on CelebA"
    assert sentence.endswith("paired by seed / the paper's on CelebA")
    assert scores.splitlines() == [
        "| method | PSNR ↑ | high band | FID ↓ |",
        "| --- | --- | --- | --- |",
        "| baseline | 30.000 ± 24.841 / 20.044 | 3.000 ± 2.484 | – / 97.03 |",
        "| FFL | 31.500 ± 26.083 / 21.703 | 3.150 ± 2.608 | – / 83.80 |",
    ]
    # Student's t with 2 degrees of freedom is 4.303; the standard deviation of 1, 1.5 and 2 is 0.5.
    assert differences.splitlines()[2:] == [
        "| FFL | **+1.500 ± 1.242** / +1.659 | **+0.150 ± 0.124** | – / -13.23 |"
    ]


def test_a_metric_that_was_not_asked_for_or_measured_has_no_column():
    _, scores, *_ = sections(outcome({"baseline": psnr(20), "FFL": psnr(21)}), ("lfd", "psnr"))
    assert scores.splitlines()[0] == "| method | PSNR ↑ |"
    assert scores.splitlines()[-1] == "| FFL | 21.000 / 21.703 |"


def test_the_paper_is_named_only_where_it_has_numbers():
    heading, scores, sentence, _ = sections(outcome({"baseline": psnr(20), "FFL": psnr(21)}), ("high",))
    assert heading == "## vanilla-ae on mine: ours over 1 seed(s), 7 test images"
    assert sentence == "Difference from the baseline: ours, paired by seed"
    assert scores.splitlines()[-1] == "| FFL | 2.100 |"


def test_the_json_has_every_mean_with_the_number_of_images():
    rows = summary(outcome({"baseline": psnr(20, 30, 40), "FFL": psnr(21, 31.5, 42)}))
    assert [(row["method"], row["metric"]) for row in rows] == [
        ("baseline", "psnr"),
        ("baseline", "high"),
        ("FFL", "psnr"),
        ("FFL", "high"),
    ]
    ffl = rows[2]
    assert (ffl["mean"], ffl["difference"], ffl["test_images"]) == (31.5, 1.5, 7)
    assert ffl["difference_half_width"] == pytest.approx(4.302653 * 0.5 / 3**0.5)
    assert (ffl["paper"], round(ffl["paper_difference"], 3)) == (21.703, 1.659)
