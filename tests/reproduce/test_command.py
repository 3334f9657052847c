"""``ffl-patch reproduce``, as a user runs it, on a handful of images."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from ffl_plugin import metrics
from ffl_plugin.cli.reproduce import command
from ffl_plugin.errors import FFLError
from ffl_plugin.reproduce import EXPERIMENTS, data, perceptual_loss, single_image, study

SMALL = ("--images", "4", "--epochs", "1")


def reproduce(*arguments: object) -> Result:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, FFLError):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train and score on 16 x 16 pixels, with four held-out images."""
    monkeypatch.setattr(study, "TEST_IMAGES", 4)
    monkeypatch.setattr(study, "SIZE", 16)


class TestStudy:
    def test_it_prints_writes_and_repeats(self, tmp_path: Path) -> None:
        out, again = tmp_path / "a", tmp_path / "b"
        first = reproduce("vanilla-ae", "--out", out, "--seeds", "2", *SMALL)
        assert first.exit_code == 0, first.output
        assert "| FFL | " in first.stdout
        assert "/ 21.703" in first.stdout
        assert "Written to" in first.stderr
        assert (out / "table.md").read_text() == first.stdout.rstrip("\n") + "\n"
        with Image.open(out / "figure.png") as figure:
            assert figure.width > 300

        second = reproduce("vanilla-ae", "--out", again, "--seeds", "2", "--json", *SMALL)
        found = json.loads(second.stdout)
        assert found == json.loads((out / "result.json").read_text())
        assert len(found["runs"]) == 8
        assert {entry["method"] for entry in found["summary"]} == {"baseline", "FFL"}

    def test_a_finished_training_is_not_repeated_and_a_new_seed_is_added(self, tmp_path: Path) -> None:
        reproduce("vanilla-ae", "--out", tmp_path, "--seeds", "1", *SMALL)
        result = tmp_path / "faces" / "baseline" / "seed-0" / "run.json"
        run = json.loads(result.read_text())
        run["scores"]["psnr"] = 99.0
        result.write_text(json.dumps(run))
        found = json.loads(
            reproduce("vanilla-ae", "--out", tmp_path, "--seeds", "2", "--json", *SMALL).stdout
        )
        psnr = [
            run["scores"]["psnr"]
            for run in found["runs"]
            if (run["data"], run["method"]) == ("faces", "baseline")
        ]
        assert psnr[0] == 99.0
        assert 0 < psnr[1] < 99.0

    def test_a_command_stopped_while_it_wrote_the_held_out_images_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is complete is marked so, last: the folder's existence says nothing."""
        arguments = ("vanilla-ae", "--seeds", "1", "--json", *SMALL)
        unbroken = json.loads(reproduce(*arguments, "--out", tmp_path / "unbroken").stdout)
        save = Image.Image.save

        def stop_at_the_third(image: Image.Image, path: Path, **settings: Any) -> None:
            save(image, path, **settings)
            if str(path).endswith("test/00002.png"):
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Image.Image, "save", stop_at_the_third)
            reproduce(*arguments, "--out", tmp_path / "broken")
        assert not (tmp_path / "broken" / "result.json").exists()
        assert len(list((tmp_path / "broken").rglob("*.png"))) == 3
        resumed = json.loads(reproduce(*arguments, "--out", tmp_path / "broken").stdout)
        assert resumed["runs"] == unbroken["runs"]

    def test_settings_cut_off_are_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "settings.json").write_text('{"experiment": "van')
        with pytest.raises(FFLError, match=r"settings\.json is damaged"):
            reproduce("vanilla-ae", "--out", tmp_path, "--seeds", "1", *SMALL)

    @pytest.mark.parametrize(
        "content", ["", '{"scores": {}', "[]", '{"scores": {"PSNR": "x"}, "history": []}']
    )
    def test_a_damaged_result_is_one_sentence(self, tmp_path: Path, content: str) -> None:
        reproduce("vanilla-ae", "--out", tmp_path, "--seeds", "1", *SMALL)
        result = next(tmp_path.rglob("run.json"))
        result.write_text(content)
        with pytest.raises(FFLError, match=rf"{re.escape(str(result))} is damaged; delete it"):
            reproduce("vanilla-ae", "--out", tmp_path, "--seeds", "1", *SMALL)

    def test_other_settings_need_another_folder(self, tmp_path: Path) -> None:
        reproduce("vanilla-ae", "--out", tmp_path, "--seeds", "1", *SMALL)
        with pytest.raises(FFLError, match=r"other settings \(images 4, not 5\)"):
            reproduce("vanilla-ae", "--out", tmp_path, "--seeds", "1", "--images", "5", "--epochs", "1")

    def test_the_users_images(self, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        mine.mkdir()
        for index in range(4):
            Image.effect_noise((80, 70), 40 + index).convert("RGB").save(mine / f"{index}.png")
        result = reproduce("vanilla-ae", "--data", mine, "--out", tmp_path / "out", "--seeds", "1", *SMALL)
        assert "## vanilla-ae on mine: ours over 1 seed(s), 4 test images" in result.stdout


class TestPaper:
    def test_it_needs_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(FFLError, match=r"needs --data DIR, .*celeba/img_align_celeba \(CelebA, https"):
            reproduce("ablation", "--paper", "--out", tmp_path)

    def test_an_empty_folder_is_one_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(FFLError, match=r"contains none of the data sets of vae: .*celeba-hq \(CelebA-HQ"):
            reproduce("vae", "--paper", "--data", tmp_path, "--out", tmp_path / "out")

    def test_the_papers_setting_on_the_data_set_that_is_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(data.PAPER_DATA, "DTD", data.Layout("dtd/images", 4, 16, ""))
        folder = tmp_path / "data" / "dtd" / "images"
        folder.mkdir(parents=True)
        for index in range(8):
            Image.new("RGB", (8, 8), (index, 0, 0)).save(folder / f"{index}.png")
        out = tmp_path / "out"
        arguments = ("--paper", "--data", tmp_path / "data", "--out", out, "--seeds", "1", "--epochs", "1")
        result = reproduce("vanilla-ae", *arguments)
        assert (
            "## vanilla-ae on DTD: ours over 1 seed(s), 4 test images / the paper's on DTD" in result.stdout
        )
        assert "on CelebA:" not in result.stdout
        settings = json.loads((out / "settings.json").read_text())
        assert settings["schedule"] == {"epochs": 1, "batch_size": 128, "learning_rate": 1e-3}
        assert (out / "dtd" / "ffl" / "seed-0" / "model.pt").exists()

    def test_it_takes_all_images(self, tmp_path: Path) -> None:
        result = reproduce("vae", "--paper", "--data", tmp_path, "--images", "4")
        assert result.exit_code == 2
        assert "--images applies to the reduced run only" in result.output


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("bandlimit", "--seeds=2"),
        ("bandlimit", "--epochs=2"),
        ("single-image", "--paper"),
        ("spectra", "--methods=FFL"),
    ],
)
def test_options_that_mean_nothing_are_refused(name: str, option: str) -> None:
    result = reproduce(name, option)
    assert result.exit_code == 2
    assert f"does not apply to {name}" in result.output


def test_ablation_trains_all_six_methods(tmp_path: Path) -> None:
    found = json.loads(reproduce("ablation", "--out", tmp_path, "--seeds", "1", "--json", *SMALL).stdout)
    psnr = {run["method"]: run["scores"]["psnr"] for run in found["runs"]}
    assert list(psnr) == ["baseline", "FFL", "w/o frequency", "w/o phase", "w/o amplitude", "w/o focal"]
    assert len(set(psnr.values())) == 6


def test_wavelet_is_trained_beside_ffl(tmp_path: Path) -> None:
    found = json.loads(reproduce("wavelet", "--out", tmp_path, "--seeds", "1", "--json", *SMALL).stdout)
    psnr = {run["method"]: run["scores"]["psnr"] for run in found["runs"] if run["data"] == "faces"}
    assert list(psnr) == ["baseline", "FFL", "wavelet"]
    assert len(set(psnr.values())) == 3


class TestMethods:
    def test_only_the_named_ones_and_the_baseline_are_trained(self, tmp_path: Path) -> None:
        one, chosen = ("--seeds", "1", "--json"), ("--methods", " wavelet")
        few = json.loads(reproduce("wavelet", "--out", tmp_path, *chosen, *one, *SMALL).stdout)["runs"]
        every = json.loads(reproduce("wavelet", "--out", tmp_path, *one, *SMALL).stdout)["runs"]
        assert {run["method"] for run in few} == {"baseline", "wavelet"}
        assert few == [run for run in every if run["method"] != "FFL"]

    def test_an_unknown_one_is_refused_before_anything_is_written(self, tmp_path: Path) -> None:
        with pytest.raises(FFLError, match="ablation has no method FFT; choose --methods from baseline, FFL"):
            reproduce("ablation", "--out", tmp_path / "out", "--methods", "FFT", *SMALL)
        assert not (tmp_path / "out").exists()


class TestLosses:
    METHODS = ("baseline", "perceptual", "spectral regularization", "FFL (DCT)", "FFL", "wavelet")

    def run(self, out: Path) -> dict[str, Any]:
        return json.loads(reproduce("losses", "--out", out, "--seeds", "1", "--json", *SMALL).stdout)

    def test_without_weights_the_perceptual_loss_is_left_out_in_words(self, tmp_path: Path) -> None:
        found = self.run(tmp_path)
        assert [run["method"] for run in found["runs"]] == [m for m in self.METHODS if m != "perceptual"]
        assert any("vgg16-397923af.pth" in note for note in found["notes"])

    def test_with_weights_all_six_are_trained(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """And the settings know which file: another one does not mix with its results."""
        name_vgg16(tmp_path / "drawn.pth", 0, monkeypatch)
        found = self.run(tmp_path / "out")
        psnr = {run["method"]: run["scores"]["psnr"] for run in found["runs"]}
        assert tuple(psnr) == self.METHODS
        assert len(set(psnr.values())) == 6
        assert any("drawn.pth" in note and "not the published" in note for note in found["notes"])
        name_vgg16(tmp_path / "drawn.pth", 1, monkeypatch)
        with pytest.raises(FFLError, match=r"other settings \(VGG16 weights '.*', not '.*'\)"):
            self.run(tmp_path / "out")

    def test_weights_that_do_not_fit_are_refused_before_anything_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
        monkeypatch.setenv("FFL_VGG16", str(tmp_path / "other.pth"))
        with pytest.raises(FFLError, match="is not torchvision's VGG16"):
            self.run(tmp_path / "out")
        assert not (tmp_path / "out").exists()


def name_vgg16(path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write drawn weights under torchvision's names, of the convolutions alone, and name them."""
    torch.manual_seed(seed)
    state = perceptual_loss.vgg16_features().state_dict()
    torch.save({f"features.{name}": tensor for name, tensor in state.items()}, path)
    monkeypatch.setenv("FFL_VGG16", str(path))


def test_vae_scores_reconstructions_and_samples(tmp_path: Path) -> None:
    found = json.loads(reproduce("vae", "--out", tmp_path, "--seeds", "1", "--json", *SMALL).stdout)
    assert {"psnr", "profile", "sample profile", "sample high"} <= set(found["runs"][0]["scores"])
    assert len(list((tmp_path / "faces" / "ffl" / "seed-0" / "samples").iterdir())) == 4
    with Image.open(tmp_path / "figure.png") as figure:
        assert (
            figure.height > 1.5 * figure.width
        )  # originals, four rows of copies, four of samples; 4 columns


def test_bandlimit_removes_what_it_says(tmp_path: Path) -> None:
    found = json.loads(reproduce("bandlimit", "--out", tmp_path, "--json").stdout)
    energy = {row["frequencies"]: row["energy"] for row in found["results"]}
    without_mean, low, high, stop = energy.values()
    assert high < without_mean < low < 1
    assert high + low == pytest.approx(1)
    assert 0.9 < stop < 1
    assert (tmp_path / "figure.png").exists()


@pytest.mark.parametrize("given", ["mine", "mine/first.png"])
def test_bandlimit_takes_an_image_or_the_first_of_a_folder(tmp_path: Path, given: str) -> None:
    (tmp_path / "mine").mkdir()
    Image.effect_noise((300, 260), 40).convert("RGB").save(tmp_path / "mine" / "first.png")
    Image.new("RGB", (300, 260)).save(tmp_path / "mine" / "second.png")
    arguments = ("bandlimit", "--data", tmp_path / given, "--out", tmp_path / "out", "--json")
    energy = [row["energy"] for row in json.loads(reproduce(*arguments).stdout)["results"]]
    assert 0.03 < energy[2] < 0.05  # of the noise above 0.1 cycles per pixel; nearly all of a black image is


def test_single_image_needs_amplitude_and_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_image, "SIZE", 32)
    found = json.loads(reproduce("single-image", "--out", tmp_path, "--epochs", "200", "--json").stdout)
    psnr = {row["minimised"]: row["psnr"] for row in found["results"]}
    assert psnr["both (FFL)"] > 25
    assert max(psnr["amplitude only"], psnr["phase only"]) < 18
    with pytest.raises(FFLError, match=r"other settings \(steps 200, not 100\)"):
        reproduce("single-image", "--out", tmp_path, "--epochs", "100")


def test_an_image_found_exactly_has_no_finite_psnr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_image, "SIZE", 16)
    monkeypatch.setattr(single_image, "reconstruct", lambda model, target: target)
    result = reproduce("single-image", "--out", tmp_path, "--epochs", "1")
    assert "| both (FFL) | ∞ | 1.000 | 0.00 |" in result.stdout
    assert json.loads((tmp_path / "result.json").read_text())["results"][0]["psnr"] is None


def test_spectra_reuses_its_trainings(tmp_path: Path) -> None:
    first = reproduce("spectra", "--out", tmp_path, "--seeds", "2", "--json", *SMALL)
    found = json.loads(first.stdout)
    assert {study: {run["data"] for run in found[study]["runs"]} for study in found} == {
        "vanilla-ae": {"leaves", "faces"},
        "vae": {"faces"},
    }
    assert {run["seed"] for run in found["vae"]["runs"]} == {0, 1}
    written = (tmp_path / "vae" / "faces" / "ffl" / "seed-0" / "run.json").stat().st_mtime_ns
    assert reproduce("spectra", "--out", tmp_path, "--seeds", "2", "--json", *SMALL).stdout == first.stdout
    assert (tmp_path / "vae" / "faces" / "ffl" / "seed-0" / "run.json").stat().st_mtime_ns == written


def test_spectra_tabulates_distances_of_reconstructions_and_samples(tmp_path: Path) -> None:
    """With their intervals over seeds, and no other metric."""
    text = reproduce("spectra", "--out", tmp_path, "--seeds", "2", *SMALL).stdout
    tables = [table for table in text.split("\n\n") if table.startswith("| method")]
    reconstructed = "| method | profile dB ↓ | high band | mean spectrum ↓ |"
    of_samples = " samples: profile dB ↓ | samples: high band | samples: mean spectrum ↓ |"
    headers = [table.splitlines()[0] for table in tables]
    assert headers == [reconstructed] * 4 + [reconstructed + of_samples] * 2
    assert all(
        table.splitlines()[-1].count(" ± ") == header.count("|") - 2 for table, header in zip(tables, headers)
    )
    scores = json.loads((tmp_path / "vae" / "faces" / "baseline" / "seed-1" / "run.json").read_text())[
        "scores"
    ]
    images = tmp_path / "vae" / "faces" / "baseline" / "seed-1" / "samples"
    again = metrics.spectral_distances(
        *(metrics.measure_spectra(metrics.open_images(each)) for each in (images, images.parents[2] / "test"))
    )
    assert scores["sample mean spectrum"] == again.mean_spectrum_distance


def test_help_names_every_experiment() -> None:
    text = reproduce("--help").stdout
    assert all(name in text for name in EXPERIMENTS)
