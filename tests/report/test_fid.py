"""FID in a comparison, on a stand-in for the network: the metric itself is tested with the metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import feature_difference, features, perceptual, weights
from ffl_plugin.metrics.difference import compare_values
from ffl_plugin.metrics.weights import Weights, WeightsMissing
from ffl_plugin.report import compare
from ffl_plugin.report.verdict import reach_verdict


class MeanColours:
    """Extracts the means of 4x4 blocks: 192 numbers an image of 32x32."""

    def __init__(self, weights):
        self.weights = weights

    def extract(self, source, protocol, *, cache=None, progress=None):
        images = [source.read(index).reshape(8, 4, 8, 4, 3).mean(axis=(1, 3)) for index in range(len(source))]
        rows = np.stack(images).reshape(len(images), -1).astype(np.float32)
        return features.Features(source.names, protocol, self.weights, (rows,))


@pytest.fixture
def network(monkeypatch, tmp_path):
    monkeypatch.setattr(features, "Extractor", MeanColours)
    file = Weights(tmp_path / "weights.pth", "0123456789abcdef", published=False)
    monkeypatch.setattr(weights, "find_weights", lambda path=None, **_: file)


def test_fid_decides_where_there_are_images_enough(network, sets, monkeypatch):
    monkeypatch.setattr(feature_difference, "ENOUGH", 8)
    found = compare(real=sets / "real", before=sets / "before", after=sets / "after", download=False)
    assert found.rows[0].metric == found.verdict.metric == "fid"
    assert found.verdict.outcome == "improved"
    assert "Too few" not in " ".join(found.verdict.caveats)
    assert any("not the published Inception file" in note for note in found.notes)
    assert not any("FID" in sentence for sentence in found.missing)
    # The images shown are those whose share in FID moved most, for the better and for the worse.
    gains = [image.change for image in found.changed]
    assert {image.metric for image in found.changed} == {"fid"}
    assert gains[0] <= gains[1] < 0 < gains[3] <= gains[2]
    assert [sample.name for sample in found.pictures.changed] == [image.name for image in found.changed]


def test_too_few_images_leave_the_answer_to_another_metric(network, sets):
    found = compare(real=sets / "real", before=sets / "before", after=sets / "after", download=False)
    assert found.rows[0].metric == "fid"
    assert found.verdict.metric == "lfd"
    too_few = "Too few images for FID to decide: 8 are fewer than its 2,048 dimensions"
    assert any(caveat.startswith(too_few) for caveat in found.verdict.caveats)
    assert any("FID does not decide" in caveat for caveat in found.verdict.caveats)
    found = compare(
        real=sets / "real", before=sets / "before", after=sets / "after", pairs=False,
        metrics=("fid", "kid", "pr"), download=False,
    )  # fmt: skip
    assert found.verdict.metric == "kid"
    assert "Precision and recall were not measured: every set needs at least 40 images." in found.missing


def test_rows_that_may_not_decide_leave_no_evidence():
    row = compare_values("fid", "FID", "lower", [3.0], [1.0], sampling=0.1, note="Too few images.")
    assert row.verdict == "improved"
    found = reach_verdict([replace(row, decides=False)])
    assert (found.outcome, found.metric) == ("no evidence", "")
    assert "too few images" in found.sentence
    assert found.caveats == ("Too few images.",)


def test_without_weights_the_rest_is_measured_and_one_sentence_says_how_to_get_them(sets):
    found = compare(real=sets / "real", before=sets / "before", after=sets / "after", download=False)
    assert found.row("fid") is None
    assert found.row("lfd") is not None
    (sentence,) = (one for one in found.missing if "FID" in one)
    assert sentence.startswith("FID was not measured")
    assert "--inception" in sentence
    assert any("FID was not measured" in caveat for caveat in found.verdict.caveats)


def test_a_failed_download_is_told_and_not_fatal(monkeypatch, sets):
    def fail(*_, **__):
        raise WeightsMissing("the weights cannot be downloaded; get them elsewhere")

    monkeypatch.setattr(weights, "find_weights", fail)
    monkeypatch.setattr(perceptual, "find_weights", fail)
    found = compare(real=sets / "real", before=sets / "before", after=sets / "after")
    reason = "the weights cannot be downloaded; get them elsewhere."
    assert found.missing == (f"FID was not measured: {reason}", f"LPIPS was not measured: {reason}")


def test_a_named_weights_file_that_is_not_there_is_refused(sets, tmp_path):
    with pytest.raises(FFLError, match="does not exist"):
        compare(
            real=sets / "real", before=sets / "before", after=sets / "after", inception=tmp_path / "no.pth"
        )
