"""FID in a comparison, on a stand-in for the network: the metric itself is tested with the metrics."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from report_material import write_set

from ffl_plugin import metrics
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import features, frechet_distance, perceptual, weights
from ffl_plugin.metrics.feature_choice import choose_features
from ffl_plugin.metrics.metric import Metric
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.uncertainty import compare_fid, compare_values, of_features
from ffl_plugin.metrics.weights import Weights, WeightsMissing
from ffl_plugin.report import Difference, MeasurementSettings, compare, to_text
from ffl_plugin.report.page import to_html
from ffl_plugin.report.verdict import reach_verdict


class MeanColours(features.Extractor):
    """Takes the means of 8x8 parts of an image: 192 numbers."""

    def __init__(self, weights: Weights, network: str = "inception") -> None:
        super().__init__(weights, network=network, device="cpu")

    def _run(self, images: torch.Tensor) -> torch.Tensor:
        parts = torch.nn.functional.adaptive_avg_pool2d((images + 1) * 127.5, 8)
        return parts.permute(0, 2, 3, 1).flatten(1)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(features, "Extractor", MeanColours)
    file = Weights(tmp_path / "weights.pth", "0123456789abcdef", published=False)
    monkeypatch.setattr(weights, "find_weights", lambda path=None, **_: file)


def test_fid_decides_where_there_are_images_enough(
    network: None, sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_limit(*sets: Any, **options: Any) -> list[Difference]:
        (row,) = compare_fid(*sets, **options)
        return [row, replace(row, metric="fid_limit", name="FID, bias-reduced")]

    monkeypatch.setattr(of_features, "compare_fid", with_limit)
    found = compare(
        real=sets / "real",
        before=sets / "before",
        after=sets / "after",
        settings=MeasurementSettings(download=False),
    )
    assert [row.metric for row in found.rows[:2]] == ["fid", "fid_limit"]
    assert found.verdict.metric == "fid_limit"
    assert found.verdict.sentence.startswith("Improved: FID, bias-reduced ")
    assert found.row("fid").note.startswith("For this number of images")
    assert found.verdict.outcome == "improved"
    assert "Too few" not in " ".join(found.verdict.caveats)
    assert any("not the published Inception file" in note for note in found.notes)
    assert not any("FID" in sentence for sentence in found.missing)
    # The images shown are those whose share in FID moved most, for the better and for the worse.
    gains = [image.change for image in found.changed]
    assert {image.metric for image in found.changed} == {"fid"}
    assert gains[0] <= gains[1] < 0 < gains[3] <= gains[2]
    assert [sample.name for sample in found.pictures.changed] == [image.name for image in found.changed]


def test_too_few_images_leave_the_answer_to_another_metric(
    network: None, sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compare(
        real=sets / "real",
        before=sets / "before",
        after=sets / "after",
        settings=MeasurementSettings(download=False),
    )
    assert found.rows[0].metric == "fid"
    assert found.verdict.metric == "lfd"
    too_few = "Too few images for FID to decide: 8 are fewer than the 2,560 required for its 2,048 dimensions"
    assert any(caveat.startswith(too_few) for caveat in found.verdict.caveats)
    assert any("FID does not decide" in caveat for caveat in found.verdict.caveats)
    assert {image.metric for image in found.changed} == {"lfd"}  # nor does it choose the images shown
    found = compare(
        real=sets / "real",
        before=sets / "before",
        after=sets / "after",
        settings=MeasurementSettings(
            features=choose_features(metrics=("fid", "kid", "pr")), pairs=False, download=False
        ),
    )
    assert found.verdict.metric == "profile_distance"
    assert [row.decides for row in found.rows[:2]] == [False, False]
    too_few = "Too few images for KID to decide: its interval was validated for 32 or more, not for 8."
    assert found.row("kid").note == too_few
    monkeypatch.setattr(of_features, "ENOUGH_FOR_KID", 8)
    found = compare(
        real=sets / "real",
        before=sets / "before",
        after=sets / "after",
        settings=MeasurementSettings(
            features=choose_features(metrics=("fid", "kid", "pr")), pairs=False, download=False
        ),
    )
    assert found.verdict.metric == "kid"
    assert "Precision and recall were not measured: every set needs at least 32 images." in found.missing


def test_a_set_too_small_for_fid_is_told_of_kid(network: None, tmp_path: Path) -> None:
    for side, radius in (("real", 0), ("before", 2), ("after", 1)):
        write_set(tmp_path / side, radius, count=32)
    sides = {side: tmp_path / side for side in ("real", "before", "after")}
    hint = "FID does not decide on 32 images; KID, which needs 32, is measured with --metrics fid,kid."
    assert hint in compare(**sides, settings=MeasurementSettings(pairs=False, download=False)).notes
    assert (
        hint
        not in compare(
            **sides,
            settings=MeasurementSettings(
                features=choose_features(metrics=("fid", "kid")), pairs=False, download=False
            ),
        ).notes
    )
    (tmp_path / "after" / "00.png").unlink()
    assert not any(
        "--metrics" in note
        for note in compare(**sides, settings=MeasurementSettings(pairs=False, download=False)).notes
    )


def test_files_of_features_are_compared_without_images_and_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_weights", None)
    random = np.random.default_rng(0)
    rows = {name: np.zeros((60, 2048)) for name in ("real", "a", "b")}
    for (name, values), scale in zip(rows.items(), (1, 0.5, 0.9)):
        values[:, :8] = random.normal(size=(60, 8)) * scale
        np.savez(tmp_path / f"{name}.npz", features=values)
    found = compare(
        real=tmp_path / "real.npz",
        before=tmp_path / "a.npz",
        after=tmp_path / "b.npz",
        settings=MeasurementSettings(features=choose_features(metrics=("fid", "kid"))),
    )
    assert [row.metric for row in found.rows] == ["fid", "kid"]
    assert found.rows[0].after == pytest.approx(frechet_distance(rows["b"], rows["real"]), rel=1e-5)
    assert found.rows[0].verdict == "improved"
    basis = found.rows[0].basis
    assert (basis.counts, basis.weights) == ({"real": 60, "generated": 60}, "unknown")
    assert any("contain no images" in note for note in found.notes)
    assert found.after[0].digest == hashlib.sha256((tmp_path / "b.npz").read_bytes()).hexdigest()
    text = to_text(found)
    assert "b.npz (features)" in text
    fid, kid = (line for line in text.splitlines() if line.startswith(("FID ↓", "KID ↓")))
    assert fid.endswith("too few images")  # whatever its interval says
    assert kid.endswith(found.row("kid").verdict)
    assert "<html" in to_html(found)


def test_the_progress_of_every_stage_ends_at_its_total(network: None, sets: Path) -> None:
    stages: dict[str, list[tuple[int, int]]] = {}
    compare(
        real=sets / "real",
        before=sets / "before",
        after=sets / "after",
        settings=MeasurementSettings(
            pairs=False,
            download=False,
            progress=lambda done, total, what: stages.setdefault(what, []).append((done, total)),
        ),
    )
    assert "images that changed most" in stages
    for steps in stages.values():
        assert all(done <= total for done, total in steps) and steps[-1][0] == steps[-1][1]


def test_images_are_compared_with_features_of_the_reals(network: None, sets: Path, tmp_path: Path) -> None:
    source = metrics.open_images(sets / "real")
    reals = (
        MeanColours(Weights(tmp_path / "weights.pth", "0123456789abcdef", published=False))
        .extract(source, metrics.find_protocol("pytorch-fid"))
        .pool()
    )
    np.savez(tmp_path / "real.npz", features=np.pad(reals, ((0, 0), (0, 2048 - reals.shape[1]))))
    with pytest.raises(FFLError, match="differ in dimension"):  # the stand-in has 192 of them
        compare(
            real=tmp_path / "real.npz",
            before=sets / "before",
            after=sets / "after",
            settings=MeasurementSettings(download=False),
        )


def test_statistics_alone_give_no_interval_and_are_refused(sets: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "real.npz", mu=np.zeros(2048), sigma=np.eye(2048))
    with pytest.raises(FFLError, match=r"real\.npz contains statistics, but an interval needs"):
        compare(
            real=tmp_path / "real.npz",
            before=sets / "before",
            after=sets / "after",
            settings=MeasurementSettings(download=False),
        )
    with pytest.raises(FFLError, match=r"none\.npz does not exist"):
        compare(
            real=tmp_path / "none.npz",
            before=sets / "before",
            after=sets / "after",
            settings=MeasurementSettings(download=False),
        )


def test_rows_that_may_not_decide_leave_no_evidence() -> None:
    row = compare_values(
        Metric("fid", "FID"), Sides([3.0], [1.0]), sampling=lambda weights: 0.1, note="Too few images."
    )
    assert row.verdict == "improved"
    found = reach_verdict([replace(row, decides=False)])
    assert (found.outcome, found.metric) == ("no evidence", "")
    assert found.sentence == "No evidence of a change: There are too few images."
    assert found.caveats == ("Too few images.",)


def test_without_weights_the_rest_is_measured_and_one_sentence_says_how_to_get_them(sets: Path) -> None:
    found = compare(
        real=sets / "real",
        before=sets / "before",
        after=sets / "after",
        settings=MeasurementSettings(download=False),
    )
    assert found.row("fid") is None
    assert found.row("lfd") is not None
    (sentence,) = (one for one in found.missing if "FID" in one)
    assert sentence.startswith("FID was not measured")
    assert "--inception" in sentence
    assert any("FID was not measured" in caveat for caveat in found.verdict.caveats)


def test_a_failed_download_is_told_and_not_fatal(monkeypatch: pytest.MonkeyPatch, sets: Path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise WeightsMissing("the weights cannot be downloaded; get them elsewhere")

    monkeypatch.setattr(weights, "find_weights", fail)
    monkeypatch.setattr(perceptual, "find_weights", fail)
    found = compare(real=sets / "real", before=sets / "before", after=sets / "after")
    reason = "the weights cannot be downloaded; get them elsewhere."
    assert found.missing == (f"FID was not measured: {reason}", f"LPIPS was not measured: {reason}")


def test_a_named_weights_file_that_is_not_there_is_refused(sets: Path, tmp_path: Path) -> None:
    with pytest.raises(FFLError, match="does not exist"):
        compare(
            real=sets / "real",
            before=sets / "before",
            after=sets / "after",
            settings=MeasurementSettings(features=choose_features(inception=tmp_path / "no.pth")),
        )
