from __future__ import annotations

from typing import Optional

import numpy as np
import pytest
import scipy.stats

from ffl_plugin.reproduce.autoencoder import VANILLA_AE
from ffl_plugin.reproduce.scores import Scores
from ffl_plugin.reproduce.study import Outcome, Run
from ffl_plugin.reproduce.tables import mean_interval, numbers, sections


def test_the_interval_is_students() -> None:
    values = [20.1, 20.4, 19.9, 20.2]
    low, high = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.95)
    mean, half = mean_interval(values)
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_it_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [mean_interval(rng.normal(0, 1, 3).tolist()) for _ in range(2000)]
    assert 0.935 < sum(abs(mean) <= half for mean, half in found) / 2000 < 0.965


def test_one_seed_has_no_interval() -> None:
    assert mean_interval([5.0]) == (5.0, None)
    assert mean_interval([]) == (None, None)


def outcome(scores: dict[str, list[Scores]]) -> Outcome:
    """Runs of the vanilla autoencoder on CelebA: method -> scores seed by seed."""
    runs = [
        Run("mine", "CelebA", 7, method, seed, of_seed, [])
        for method, by_seed in scores.items()
        for seed, of_seed in enumerate(by_seed)
    ]
    return Outcome(VANILLA_AE, {}, runs)


def psnr(*values: Optional[float]) -> list[Scores]:
    return [{"psnr": value, "high": (value or 0) / 10, "fid": None} for value in values]


def test_ours_stand_beside_the_papers_and_differences_are_paired_by_seed() -> None:
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


def test_a_metric_that_was_not_asked_for_or_measured_has_no_column() -> None:
    _, scores, *_ = sections(outcome({"baseline": psnr(20), "FFL": psnr(21)}), ("lfd", "psnr"))
    assert scores.splitlines()[0] == "| method | PSNR ↑ |"
    assert scores.splitlines()[-1] == "| FFL | 21.000 / 21.703 |"


def test_the_paper_is_named_only_where_it_has_numbers() -> None:
    heading, scores, sentence, _ = sections(outcome({"baseline": psnr(20), "FFL": psnr(21)}), ("high",))
    assert heading == "## vanilla-ae on mine: ours over 1 seed(s), 7 test images"
    assert sentence == "Difference from the baseline: ours, paired by seed"
    assert scores.splitlines()[-1] == "| FFL | 2.100 |"


def test_the_json_has_every_mean_with_the_number_of_images() -> None:
    rows = numbers(outcome({"baseline": psnr(20, 30, 40), "FFL": psnr(21, 31.5, 42)}))["summary"]
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


def test_pairing_takes_out_what_the_seeds_share() -> None:
    rows = numbers(outcome({"baseline": psnr(10, 20, 30), "FFL": psnr(11, 21.1, 30.9)}))["summary"]
    assert rows[2]["difference"] == pytest.approx(1.0)
    assert rows[2]["difference_half_width"] < 0.3 < rows[2]["half_width"]


def test_a_seed_without_a_number_on_one_side_is_left_out_of_the_difference() -> None:
    """As the infinite PSNR of an exact reconstruction: the rest stays paired by seed."""
    rows = numbers(outcome({"baseline": psnr(10, None, 30), "FFL": psnr(11, 25, 32)}))["summary"]
    ffl = next(row for row in rows if (row["method"], row["metric"]) == ("FFL", "psnr"))
    assert (ffl["mean"], ffl["difference"]) == (pytest.approx(68 / 3), 1.5)
