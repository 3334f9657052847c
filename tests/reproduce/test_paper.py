"""The paper's numbers, checked against each other: a slip in copying one breaks a relation."""

from __future__ import annotations

import math

import pytest

from ffl_plugin.reproduce import paper

SIZES = {"DTD": 64, "CelebA": 64, "CelebA-HQ": 256}
RECONSTRUCTIONS = [
    pytest.param(SIZES[data], dict(zip(table.metrics, row)), id=f"table {table.number}, {data}, {method}")
    for table in (paper.VANILLA_AE, paper.VAE_RECONSTRUCTION, paper.LOSSES, paper.ABLATION)
    for (data, method), row in table.rows.items()
]


@pytest.mark.parametrize(("size", "row"), RECONSTRUCTIONS)
def test_lfd_follows_from_psnr(size: int, row: dict[str, float]) -> None:
    """LFD is ln(H W MSE + 1): their means over images agree to the second digit or so."""
    mean_squared_error = 255**2 / 10 ** (row["psnr"] / 10)
    assert row["lfd"] == pytest.approx(math.log(size**2 * mean_squared_error + 1), abs=0.03)


def test_tables_agree_where_they_repeat_each_other() -> None:
    for method in ("baseline", "FFL"):
        key = ("CelebA", method)
        assert paper.ABLATION.rows[key] == paper.VANILLA_AE.rows[key]
        assert paper.LOSSES.rows[key] == paper.VAE_RECONSTRUCTION.rows[key] + paper.VAE_SYNTHESIS.rows[key]


def test_every_row_has_a_score_per_metric() -> None:
    tables = [value for value in vars(paper).values() if isinstance(value, paper.Table)]
    assert len(tables) == 8
    for table in tables:
        assert all(len(row) == len(table.metrics) for row in table.rows.values())


def test_a_score_that_the_paper_lacks_is_none() -> None:
    assert paper.SPADE.score("ADE20K", "FFL", "psnr") is None
    assert paper.ABLATION.score("DTD", "FFL", "psnr") is None
    assert paper.ABLATION.score("CelebA", "FFL", "psnr") == 21.703
