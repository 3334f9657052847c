from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
from PIL import Image
from report_material import scene, write_results, write_run, write_set
from torch import Tensor

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import Weights, perceptual
from ffl_plugin.report import Comparison, MeasurementSettings, compare, formatting, to_csv, to_text

PAIR_METRICS = ["psnr", "ssim", "lfd", "mse"]


def compared(pairs: Optional[bool] = None, **arguments: Any) -> Comparison:
    return compare(**arguments, settings=MeasurementSettings(pairs=pairs, download=False))


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(float)


def test_pairs_are_measured_against_the_real_image_of_their_name(sets: Path, comparison: Comparison) -> None:
    assert comparison.paired
    for side in ("before", "after"):
        errors = [
            np.mean((read(p) - read(sets / "real" / p.name)) ** 2) for p in sorted((sets / side).iterdir())
        ]
        assert getattr(comparison.row("mse"), side) == pytest.approx(np.mean(errors))
        assert getattr(comparison.row("lfd"), side) == pytest.approx(
            np.mean(np.log(32 * 32 * np.array(errors) + 1))
        )
    row = comparison.row("psnr")
    assert row.verdict == comparison.verdict.outcome == "improved"
    assert (row.direction, row.delta) == ("higher", row.after - row.before)
    assert row.delta > 0


def test_sets_of_other_names_are_compared_as_sets(sets: Path, tmp_path: Path) -> None:
    before = write_set(tmp_path / "before", 2, name="seed{:04d}.png", shift=50)
    after = write_set(tmp_path / "after", 1, name="seed{:04d}.png", shift=50)
    found = compared(real=sets / "real", before=before, after=after)
    assert not found.paired
    assert found.row("psnr") is None
    assert found.row("profile_distance").delta < 0
    assert any(note.startswith("Compared as sets") for note in found.notes)
    assert found.changed == ()
    assert [sample.images.keys() for sample in found.pictures.samples] == [
        {"real": 0, "before": 0, "after": 0}.keys()
    ] * 4


def test_the_user_may_say_whether_images_pair(sets: Path, tmp_path: Path) -> None:
    assert not compared(real=sets / "real", before=sets / "before", after=sets / "after", pairs=False).paired
    other = write_set(tmp_path / "other", 2, name="seed{:04d}.png")
    with pytest.raises(FFLError, match="has no partner of the same name"):
        compared(real=sets / "real", before=sets / "before", after=other, pairs=True)


def test_result_folders_of_pix2pix_hold_their_own_reals(tmp_path: Path) -> None:
    before = write_results(tmp_path / "results" / "base", 2)
    after = write_results(tmp_path / "results" / "ffl", 1)
    for name in ("base", "ffl"):
        training = tmp_path / "checkpoints" / name
        training.mkdir(parents=True)
        losses = " G_FFL: 0.125 " if name == "ffl" else ""
        (training / "loss_log.txt").write_text(
            f"(epoch: 1, iters: 8, time: 0.1, data: 0.1) G_L1: 3.0{losses}\n"
        )
        weight = "1.0                           \t[default: 0.0]" if name == "ffl" else "0.0"
        (training / "train_opt.txt").write_text(f"               ffl_weight: {weight}\n  name: {name}\n")
    found = compared(before=before, after=after)
    assert found.paired
    assert [training.images for training in (found.real, *found.before, *found.after)] == [8, 8, 8]
    assert found.row("psnr").delta > 0
    assert [curve.name for curve in found.after[0].curves] == ["G_L1", "G_FFL"]
    assert found.option_differences == {"ffl_weight": ("0.0", "1.0")}


def test_zips_give_the_same_numbers_as_folders(sets: Path, comparison: Comparison, tmp_path: Path) -> None:
    archives = {}
    for side in ("real", "before", "after"):
        archives[side] = tmp_path / f"{side}.zip"
        with zipfile.ZipFile(archives[side], "w") as archive:
            for path in sorted((sets / side).iterdir()):
                archive.write(path, path.name)
    found = compared(**archives)
    assert found.rows == comparison.rows
    assert [t.digest for t in found.before] == [t.digest for t in comparison.before]


def test_the_digest_is_over_names_and_hashes(sets: Path, comparison: Comparison, tmp_path: Path) -> None:
    whole = hashlib.sha256()
    for path in sorted((sets / "before").iterdir()):
        whole.update(len(path.name.encode()).to_bytes(8, "big") + path.name.encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    assert comparison.before[0].digest == whole.hexdigest()


def test_several_trainings_per_side_are_averaged(sets: Path, tmp_path: Path) -> None:
    seeds = [write_set(tmp_path / f"seed{radius}", radius) for radius in (1.0, 1.5)]
    found = compared(real=sets / "real", before=[sets / "before"], after=seeds)
    single = [
        compared(real=sets / "real", before=sets / "before", after=seed).row("lfd").after for seed in seeds
    ]
    row = found.row("lfd")
    assert row.after_trainings == pytest.approx(single)
    assert row.after == pytest.approx(np.mean(single))


def test_images_that_changed_most_are_those_whose_error_moved_most(tmp_path: Path) -> None:
    for side, radius in (("real", 0), ("before", 1.5), ("after", 1.5)):
        write_set(tmp_path / side, radius)
    scene(3).save(tmp_path / "after" / "03.png")  # now perfect
    Image.new("RGB", (32, 32)).save(tmp_path / "after" / "05.png")  # now lost
    found = compared(real=tmp_path / "real", before=tmp_path / "before", after=tmp_path / "after")
    assert [(image.name, image.change < 0) for image in found.changed] == [("03", True), ("05", False)]
    assert [sample.name for sample in found.pictures.changed] == ["03", "05"]
    assert np.array_equal(found.pictures.changed[1].images["after"], np.zeros((32, 32, 3)))


def test_run_folders_are_compared_as_curves(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", {0: 300, 200: 60, 400: 50, 600: 20})
    after = write_run(tmp_path / "after", {0: 300, 200: 40, 400: 45}, weight=1.0)
    found = compared(before=before, after=after)
    last, best = found.rows
    assert (last.name, last.before, last.after) == ("fid50k_full at 400 kimg", 50, 45)
    assert (best.before, best.after) == (50, 40)
    assert [curve.name for curve in found.after[0].curves] == ["fid50k_full", "Loss/G/loss", "Loss/G/ffl"]
    assert found.real is None
    assert found.option_differences == {"loss_kwargs.ffl_options.weight": (None, 1.0)}
    assert found.verdict.metric == "fid50k_full"


def test_runs_that_share_no_snapshot_say_so(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", {0: 300, 200: 60})
    after = write_run(tmp_path / "after", {100: 40})
    found = compared(before=before, after=after)
    assert found.rows == ()
    assert found.verdict.outcome == "no evidence"
    assert "no trained snapshot at a common position" in found.notes[0]


def test_a_verdict_says_when_more_than_the_loss_changed(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", {0: 300, 200: 60})
    after = write_run(tmp_path / "after", {0: 300, 200: 60}, weight=1.0, seed=1)
    assert not any(
        "more than the loss" in caveat for caveat in compared(before=before, after=after).verdict.caveats
    )
    options = json.loads((after / "training_options.json").read_text())
    options["loss_kwargs"]["r1_gamma"] = 2.0
    (after / "training_options.json").write_text(json.dumps(options))
    caveats = compared(before=before, after=after).verdict.caveats
    assert any("more than the loss and the seed (loss_kwargs.r1_gamma)" in caveat for caveat in caveats)


def test_a_handful_of_images_limits_the_verdict(comparison: Comparison, tmp_path: Path) -> None:
    assert any(caveat.startswith("Only 8 images were compared") for caveat in comparison.verdict.caveats)
    many = {
        side: write_set(tmp_path / side, radius, 50) for side, radius in (("real", 0), ("a", 2), ("b", 1))
    }
    found = compared(real=many["real"], before=many["a"], after=many["b"])
    assert not any("images were compared" in caveat for caveat in found.verdict.caveats)


def test_corrupt_log_lines_are_told_and_the_rest_compared(tmp_path: Path) -> None:
    before = write_run(tmp_path / "before", {0: 300, 200: 60})
    after = write_run(tmp_path / "after", {0: 300, 200: 50})
    with (after / "metric-fid50k_full.jsonl").open("a") as file:
        file.write('{"results": {"fid50')
    found = compared(before=before, after=after)
    assert found.rows[0].after == 50
    assert any("skipped line 3" in note for note in found.notes)


def test_reals_beside_runs_are_told_to_be_of_no_use(sets: Path, tmp_path: Path) -> None:
    runs = {side: write_run(tmp_path / side, {0: 300, 200: 60}) for side in ("before", "after")}
    assert not any("was not used" in note for note in compared(**runs).notes)
    notes = compared(real=sets / "real", **runs).notes
    assert any(note.startswith(f"{sets / 'real'} was not used: only the logs") for note in notes)


def test_reals_of_another_size_leave_pairs_out_but_not_the_rest(sets: Path, tmp_path: Path) -> None:
    write_set(tmp_path / "real", 0)
    Image.new("RGB", (16, 16)).save(tmp_path / "real" / "00.png")
    with pytest.raises(FFLError, match="is 16x16"):
        compared(real=tmp_path / "real", before=sets / "before", after=sets / "after")
    found = compared(real=tmp_path / "real", before=sets / "before", after=sets / "after", pairs=False)
    assert any(note.startswith("Spectra were not compared") for note in found.notes)


def broken(kind: str, sets: Path, tmp_path: Path) -> tuple[dict[str, Path | list[Path]], str]:
    """Arguments of a comparison that must be refused."""
    good = {"real": sets / "real", "before": sets / "before", "after": sets / "after"}
    path = tmp_path / "broken"
    if kind == "absent":
        return {**good, "after": path}, "does not exist"
    if kind == "a file":
        path.write_text("text")
        return {**good, "after": path}, "not a set of images"
    if kind == "unreadable image":
        shutil.copytree(sets / "after", path)
        (path / "03.png").write_bytes((path / "03.png").read_bytes()[:60])
        return {**good, "after": path}, "03.png"
    if kind == "not a zip":
        path = path.with_suffix(".zip")
        path.write_bytes(b"PK\x03\x04 cut off")
        return {**good, "real": path}, "zip"
    if kind == "no real":
        return {
            "before": good["before"],
            "after": good["after"],
        }, "contains no real images; pass them with --real"
    if kind == "no path":
        return {**good, "before": []}, "nothing to compare as before"
    if kind == "images against a run":
        return {**good, "after": write_run(path, {0: 5})}, "pass two runs, or two sets of images"
    if kind == "a run without logs":
        path.mkdir()
        (path / "training_options.json").write_text("{}")
        return {"before": write_run(tmp_path / "run", {0: 5}), "after": path}, "without a readable metric"
    if kind == "a run of corrupt logs":
        path.mkdir()
        (path / "metric-fid50k_full.jsonl").write_text("{\n{\n")
        return {"before": write_run(tmp_path / "run", {0: 5}), "after": path}, "without a readable metric"
    assert kind == "empty"
    path.mkdir()
    return {**good, "before": path}, "contains no images"


@pytest.mark.parametrize(
    "kind",
    ["absent", "a file", "empty", "unreadable image", "not a zip", "no real", "no path",
     "images against a run", "a run without logs", "a run of corrupt logs"],
)  # fmt: skip
def test_bad_input_is_one_sentence(kind: str, sets: Path, tmp_path: Path) -> None:
    arguments, words = broken(kind, sets, tmp_path)
    with pytest.raises(FFLError) as refusal:
        compared(**arguments)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_json_is_strict_and_identical_images_have_no_infinite_number(sets: Path) -> None:
    found = compared(real=sets / "real", before=sets / "real", after=sets / "after")
    assert found.row("psnr").before == np.inf
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert next(row for row in plain["rows"] if row["metric"] == "psnr")["before"] is None
    assert "pictures" not in plain
    assert "∞" in to_text(found)


def test_a_side_that_is_the_real_images_is_told(sets: Path, tmp_path: Path) -> None:
    shutil.copytree(sets / "real", tmp_path / "copy")
    found = compared(real=sets / "real", before=sets / "before", after=tmp_path / "copy")
    (caveat,) = (caveat for caveat in found.verdict.caveats if "the same images as the real ones" in caveat)
    assert str(tmp_path / "copy") in caveat
    usual = compared(real=sets / "real", before=sets / "before", after=sets / "after")
    assert not any("same images" in caveat for caveat in usual.verdict.caveats)


def test_the_table_shows_every_row_and_the_verdict_first(comparison: Comparison) -> None:
    text = to_text(comparison)
    assert text.startswith(comparison.verdict.sentence)
    for row in comparison.rows:
        assert f"{formatting.name(row)}: {row.basis}" in text
    assert len(to_csv(comparison).splitlines()) == len(comparison.rows) + 1


def test_lpips_stands_among_the_metrics_of_pairs_and_decides_before_lfd(
    sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StandIn:
        conditions = "a network; weights 01234567"
        weights = Weights(Path("weights"), "01234567", False)

        def distances(self, pred: Tensor, target: Tensor) -> Tensor:
            return (pred - target).abs().mean((1, 2, 3)) / 255

    monkeypatch.setattr(perceptual, "find_lpips", lambda *_, **__: (StandIn(), ("weights of my own",)))
    found = compared(real=sets / "real", before=sets / "before", after=sets / "after")
    assert [row.metric for row in found.rows][:5] == ["psnr", "ssim", "lpips", "lfd", "mse"]
    row = found.row("lpips")
    assert (row.direction, row.verdict, found.verdict.metric) == ("lower", "improved", "lpips")
    errors = [np.abs(read(p) - read(sets / "real" / p.name)).mean() / 255 for p in (sets / "after").iterdir()]
    assert row.after == pytest.approx(np.mean(errors))
    assert "weights of my own" in found.notes
    assert formatting.label(row) == "LPIPS (N = 8 pairs; a network; weights 01234567)"
    assert {image.metric for image in found.changed} == {"lpips"}


def test_images_too_small_for_lpips_are_measured_without_it(tmp_path: Path) -> None:
    for side in ("real", "before", "after"):
        write_set(tmp_path / side, {"real": 0, "before": 2, "after": 1}[side], count=3)
        for path in (tmp_path / side).iterdir():
            Image.open(path).resize((30, 40)).save(path)
    found = compared(real=tmp_path / "real", before=tmp_path / "before", after=tmp_path / "after")
    real = tmp_path / "real" / "00.png"
    sentence = f"LPIPS was not measured: it needs images of at least 31x31 pixels, and {real} is 30x40."
    assert sentence in found.missing
    assert found.row("ssim") is not None


def test_images_too_small_for_ssim_are_measured_without_it(tmp_path: Path) -> None:
    for side, radius in (("real", 0), ("before", 2), ("after", 1)):
        write_set(tmp_path / side, radius, count=3)
        Image.open(tmp_path / side / "01.png").resize((10, 12)).save(tmp_path / side / "01.png")
    found = compared(real=tmp_path / "real", before=tmp_path / "before", after=tmp_path / "after")
    assert [row.metric for row in found.rows] == ["psnr", "lfd", "mse"]
    small = f"{tmp_path / 'real' / '01.png'} is 10x12."
    assert [sentence.partition(" ")[0] for sentence in found.missing if sentence.endswith(small)] == [
        "SSIM",
        "LPIPS",
    ]


def test_one_image_gives_no_interval_and_says_so(sets: Path, tmp_path: Path) -> None:
    for side in ("real", "before", "after"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "00.png").write_bytes((sets / side / "00.png").read_bytes())
    found = compared(real=tmp_path / "real", before=tmp_path / "before", after=tmp_path / "after")
    assert found.verdict.outcome == "no evidence"
    assert "no interval can be computed" in found.verdict.sentence
    caveats = " ".join(found.verdict.caveats)
    assert "no interval: the effect of another seed" in caveats
    assert "the interval covers" not in caveats
    assert "(1 image)" in to_text(found)
