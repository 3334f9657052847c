from __future__ import annotations

import numpy as np
import pytest
from features_material import draw, made

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.metric import FID, FID_LIMIT
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import (
    Difference,
    compare_features,
    compare_fid,
    compare_values,
    of_features,
)


def test_features_carry_their_conditions_and_pair_by_name() -> None:
    real, before, after = draw(np.random.default_rng(8), 60)
    (found,) = compare_features(made(real), Sides([made(before)], [made(after)]))
    assert found.metric == "fid"
    assert found.basis.protocol == "pytorch-fid"
    assert found.basis.counts == {"real": 60, "generated": 60}
    assert found.basis.weights == "00000000"
    assert found.note.startswith("Too few images for FID to decide: 60 are fewer than the 2,560")
    assert not found.decides
    (other,) = compare_features(made(real), Sides([made(before)], [made(after, name="other")]))
    assert (other.sampling or 0) > (found.sampling or 0)
    assert found.sampling == pytest.approx(
        compare_fid(real, Sides([before], [after]), paired=True)[0].sampling, rel=1e-4
    )


@pytest.mark.parametrize(
    ("change", "verdict"), [(-7.0, "improved"), (-5.0, "no evidence"), (5.0, "no evidence"), (7.0, "worse")]
)
def test_a_change_within_what_is_left_of_the_bias_is_no_evidence(
    monkeypatch: pytest.MonkeyPatch, change: float, verdict: str
) -> None:
    """20 are taken off before and 18 after, so 6 more may be left; the interval excludes 0."""

    def found(real: np.ndarray, trainings: Sides[np.ndarray], **options: object) -> list[Difference]:
        plain = compare_values(FID, Sides([30.0], [28.0 + change]), sampling=lambda weights: 0.1)
        limit = Sides([10.0], [10.0 + change])
        return [plain, compare_values(FID_LIMIT, limit, sampling=lambda weights: 0.1)]

    monkeypatch.setattr(of_features, "compare_fid", found)
    real, before, after = draw(np.random.default_rng(8), 60)
    _, limit = compare_features(made(real), Sides([made(before)], [made(after)]))
    assert limit.verdict == verdict
    assert limit.decides
    assert ("6 may remain" in limit.note) == (verdict == "no evidence")


def test_unfit_features_are_refused() -> None:
    real, before, after = draw(np.random.default_rng(9), 60)
    with pytest.raises(FFLError, match="at least 4 images"):
        compare_features(made(real), Sides([made(before[:3])], [made(after)]))
