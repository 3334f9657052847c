"""What the upstreams' test.py leaves: which pictures were generated, of which test, and what they answer."""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pictures import picture, png, save

from ffl_plugin.cli import main
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import is_result_folder, open_images, open_pairs

PIX2PIX = ("{}_real_A", "{}_fake_B", "{}_real_B")
CYCLEGAN = (*PIX2PIX, "{}_rec_A", "{}_fake_A", "{}_rec_B", "{}_idt_A", "{}_idt_B")
BICYCLEGAN = ("{}_input", "{}_ground truth", "{}_encoded", "{}_random_sample01", "{}_random_sample02")


def write(folder: Path, kinds: tuple[str, ...], count: int = 3, shift: int = 0) -> Path:
    """One picture of each kind for each of the images 0, 1, …, all different."""
    for index in range(count):
        for number, kind in enumerate(kinds):
            save(folder / f"{kind.format(index)}.png", picture(shift + 100 * index + number))
    return folder


# Upstream -> what it writes into `images`, the generated files, the real ones, the pairs (fake, real).
LAYOUTS = {
    "pix2pix": (
        PIX2PIX,
        ["{}_fake_B"],
        ["{}_real_B"],
        [("{}_fake_B", "{}_real_B")],
    ),
    "colorization": (
        ("{}_real_A", "{}_real_B_rgb", "{}_fake_B_rgb"),
        ["{}_fake_B_rgb"],
        ["{}_real_B_rgb"],
        [("{}_fake_B_rgb", "{}_real_B_rgb")],
    ),
    "CycleGAN": (
        CYCLEGAN,
        ["{}_fake_B"],
        ["{}_real_B"],
        [("{}_rec_A", "{}_real_A"), ("{}_rec_B", "{}_real_B")],
    ),
    "CycleGAN in CUT": (
        tuple(kind.replace("{}_", "") + "/{}" for kind in CYCLEGAN),
        ["{}"],
        ["{}"],
        [("rec_A/{}", "real_A/{}"), ("rec_B/{}", "real_B/{}")],
    ),
    "--model test": (("{}_real", "{}_fake"), ["{}_fake"], None, None),
    "CUT": (("real_A/{}", "fake_B/{}", "real_B/{}", "idt_B/{}"), ["{}"], ["{}"], None),
    "SPADE": (("input_label/{}", "synthesized_image/{}"), ["{}"], None, None),
    "pix2pixHD": (("{}_input_label", "{}_synthesized_image"), ["{}_synthesized_image"], None, None),
    "BicycleGAN": (
        BICYCLEGAN,
        ["{}_random_sample01", "{}_random_sample02"],
        ["{}_ground truth"],
        [("{}_random_sample01", "{}_ground truth"), ("{}_random_sample02", "{}_ground truth")],
    ),
    "BicycleGAN, encoded only": (
        BICYCLEGAN[:3],
        ["{}_encoded"],
        ["{}_ground truth"],
        [("{}_encoded", "{}_ground truth")],
    ),
}


def files(kinds: list[str], count: int = 3) -> list[str]:
    return sorted(f"{kind.format(index)}.png" for index in range(count) for kind in kinds)


@pytest.mark.parametrize("level", ["images", "val_latest/images", "test_30/images"])
@pytest.mark.parametrize("upstream", LAYOUTS)
def test_only_what_was_generated_is_taken(tmp_path: Path, upstream: str, level: str) -> None:
    kinds, generated, real, pairs = LAYOUTS[upstream]
    folder = write(tmp_path / level, kinds)
    for given in (tmp_path, folder):
        assert is_result_folder(given)
        assert sorted(open_images(given, role="fake").names) == files(generated)
        if real is None:
            with pytest.raises(FFLError, match="contains no real images"):
                open_images(given, role="real")
        else:
            assert sorted(open_images(given, role="real").names) == files(real)
        if pairs is None:
            words = "pass the folder of the real images too" if real is None else "which have no targets"
            with pytest.raises(FFLError, match=words):
                open_pairs(given)
            continue
        found = open_pairs(given)
        assert sorted(zip(found.fake.names, found.real.names)) == sorted(
            (f"{fake.format(index)}.png", f"{real.format(index)}.png")
            for fake, real in pairs
            for index in range(3)
        )
        assert len(set(found.names)) == len(found)


def test_the_generated_side_of_folders_is_theirs_and_not_the_real_one(tmp_path: Path) -> None:
    kinds = LAYOUTS["CUT"][0]
    write(tmp_path / "images", kinds)
    assert np.array_equal(open_images(tmp_path, role="fake").read(0), picture(kinds.index("fake_B/{}")))
    assert np.array_equal(open_images(tmp_path, role="real").read(0), picture(kinds.index("real_B/{}")))


def test_results_pair_with_photographs_of_the_same_names(tmp_path: Path) -> None:
    for upstream in ("--model test", "CUT", "SPADE", "pix2pixHD"):
        write(tmp_path / upstream / "images", LAYOUTS[upstream][0])
        write(tmp_path / "real", ("{}",), count=4)
        assert open_pairs(tmp_path / upstream, tmp_path / "real").names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("tests", "newest"),
    [
        (["test_195", "test_200", "test_30"], "test_200"),
        (["test_200", "test_latest"], "test_latest"),
        (["val_5", "val_10"], "val_10"),
        (["test_latest_iter2000", "test_latest_iter10000"], "test_latest_iter10000"),
    ],
)
def test_of_several_epochs_the_newest_is_taken_and_said(
    tmp_path: Path, tests: list[str], newest: str
) -> None:
    for number, test in enumerate(tests):
        write(tmp_path / test / "images", PIX2PIX, shift=1000 * number)
    (tmp_path / "notes").mkdir()
    source = open_images(tmp_path, role="fake")
    assert source.path == tmp_path / newest / "images"
    assert open_pairs(tmp_path).fake.path == source.path
    (note,) = source.notes
    assert all(test in note for test in tests)
    assert f"using {newest}" in note
    assert open_images(tmp_path / tests[0], role="fake").notes == ()


@pytest.mark.parametrize(
    "tests",
    [
        ["test_latest", "val_latest"],
        ["test_latest", "test_latest_iter2000"],
        ["test_100_iter10", "test_200_iter5"],
        ["test_latest", "other"],
    ],
)
def test_tests_of_which_none_is_the_newest_are_refused(tmp_path: Path, tests: list[str]) -> None:
    for test in tests:
        write(tmp_path / test / "images", PIX2PIX)
    assert is_result_folder(tmp_path)
    with pytest.raises(FFLError, match="contains several tests") as refusal:
        open_images(tmp_path, role="fake")
    assert all(test in str(refusal.value) for test in tests)


# What no upstream here writes, but someone's does: kinds of pictures side by side.
MIXTURES = {
    "pix2pix-tensorflow": ("{}-inputs", "{}-outputs", "{}-targets"),
    "names": ("{}_input_A", "{}_output_B"),
    "short names": ("img_{}_gt", "img_{}_out"),
    "folders": ("input/{}", "output/{}"),
    "reals among them": ("real/{}", "fake/{}"),
    "an unknown test": ("test_latest/images/{}_input", "test_latest/images/{}_output"),
    "epochs of an unknown test": ("test_5/images/{}", "test_10/images/{}"),
    "several experiments": ("base/test_latest/images/{}_fake_B", "ffl/test_latest/images/{}_fake_B"),
    "one experiment among others": ("base/test_latest/images/fake_B/{}", "base/index/{}"),
}


@pytest.mark.parametrize("kind", MIXTURES)
def test_other_mixtures_are_refused(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "results", MIXTURES[kind], count=4)
    for role in ("fake", "real", None):
        with pytest.raises(FFLError, match=r"results contains (several|the results of)") as refusal:
            open_images(tmp_path / "results", role=role)
        assert "pass" in str(refusal.value)


@pytest.mark.parametrize("kind", [*MIXTURES, "pix2pix"])
def test_mixtures_in_archives_are_refused(tmp_path: Path, kind: str) -> None:
    folder = write(tmp_path / "results", MIXTURES.get(kind, PIX2PIX), count=4)
    with zipfile.ZipFile(tmp_path / "results.zip", "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, path.relative_to(folder))
    with pytest.raises(FFLError, match=r"results\.zip contains (several|the results of)"):
        open_images(tmp_path / "results.zip", role="fake")


@pytest.mark.parametrize("name", ["epoch{:03d}", "epoch{:03d}_iter00400"])
@pytest.mark.parametrize("kinds", ["pix2pix", "SPADE"])
def test_pictures_of_the_training_are_no_test(tmp_path: Path, name: str, kinds: str) -> None:
    """checkpoints/NAME/web shows a few training images, as they were at each epoch."""
    for epoch in range(1, 4):
        for kind in LAYOUTS[kinds][0]:
            save(tmp_path / "web" / "images" / f"{kind.format(name.format(epoch))}.png", picture(epoch))
    with pytest.raises(FFLError, match=r"every epoch; run the clone's test\.py"):
        open_images(tmp_path / "web", role="fake")
    assert not is_result_folder(tmp_path)  # a training, whose outcome is looked for elsewhere


# Sets of images that are no mixtures, whatever their names and folders.
PLAIN = {
    "splits": ("train/{}", "test/{}"),
    "classes": ("with_mask/{}", "without_mask/{}"),
    "frames": ("walk_{}_left", "walk_{}_right"),
    "numbers": ("real_{}", "input_1{}"),
    "StyleGAN": ("00000/img0000000{}",),
    "targets only": ("{}_target",),
    "an images folder": ("images/{}",),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_sets_are_no_mixtures(tmp_path: Path, kind: str) -> None:
    write(tmp_path / "set", PLAIN[kind], count=4)
    assert len(open_images(tmp_path / "set")) == 4 * len(PLAIN[kind])
    assert not is_result_folder(tmp_path / "set")


def test_pairs_from_two_folders_match_by_name(tmp_path: Path) -> None:
    for index in (2, 1):
        save(tmp_path / "fake" / f"{index}.png", picture(index))
    for index in (1, 2, 3):
        save(tmp_path / "real" / f"{index}.jpg", picture(index))
    pairs = open_pairs(tmp_path / "fake", tmp_path / "real")
    assert pairs.names == ("1", "2")
    assert pairs.real.names == ("1.jpg", "2.jpg")


def test_a_fake_without_its_real_is_named(tmp_path: Path) -> None:
    save(tmp_path / "1_fake_B.png", picture(0))
    save(tmp_path / "2_fake_B.png", picture(0))
    save(tmp_path / "2_real_B.png", picture(0))
    with pytest.raises(FFLError, match=r"1_fake_B\.png has no partner"):
        open_pairs(tmp_path)


@pytest.mark.parametrize("names", [("1.png", "1.jpg"), ("café.png", "cafe\u0301.png")])
def test_two_fakes_of_one_name_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in (*(f"fake/{name}" for name in names), "real/1.png"):
        save(tmp_path / name, picture(0))
    with pytest.raises(FFLError, match="contains several images named"):
        open_pairs(tmp_path / "fake", tmp_path / "real")


@pytest.mark.parametrize("side", ["fake", "real"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accented_letters_pair_in_either_form(tmp_path: Path, side: str, form: str) -> None:
    names = ["café", "Zürich", "サンプル・ガ"]
    for index, name in enumerate(names):
        for folder in ("fake", "real"):
            written = unicodedata.normalize(form if folder == side else "NFC", name)
            save(tmp_path / folder / f"{written}.png", picture(index))
    pairs = open_pairs(tmp_path / "fake", tmp_path / "real")
    assert sorted(pairs.names) == sorted(unicodedata.normalize("NFC", name) for name in names)
    assert all(np.array_equal(pairs.fake.read(i), pairs.real.read(i)) for i in range(len(names)))


def zip_as(path: Path, names: list[bytes], flags: int = 0) -> Path:
    """An archive whose directory holds these bytes as names, as other systems' programs write them."""
    with zipfile.ZipFile(path, "w") as archive:
        for index, name in enumerate(names):
            archive.writestr(f"{index:0{len(name)}d}", png(picture(index)))
    data = path.read_bytes()
    for index, name in enumerate(names):
        data = data.replace(f"{index:0{len(name)}d}".encode(), name)
    path.write_bytes(data)
    return path


def test_zips_that_separate_folders_with_backslashes_pair(tmp_path: Path) -> None:
    path = zip_as(tmp_path / "fakes.zip", [b"sub\\deep\\one.png", b"sub\\deep\\two.png"])
    for index, name in enumerate(("one", "two")):
        save(tmp_path / "real" / "sub" / "deep" / f"{name}.png", picture(index))
    pairs = open_pairs(path, tmp_path / "real")
    assert pairs.names == ("sub/deep/one", "sub/deep/two")
    assert all(np.array_equal(pairs.fake.read(i), pairs.real.read(i)) for i in range(2))


def test_zips_of_utf8_names_that_do_not_declare_them_pair(tmp_path: Path) -> None:
    """As macOS's own archiver writes them: UTF-8, decomposed, without the flag that says so."""
    name = unicodedata.normalize("NFD", "größe")
    path = zip_as(tmp_path / "fakes.zip", [f"{name}.png".encode()])
    save(tmp_path / "real" / "größe.png", picture(0))
    pairs = open_pairs(path, tmp_path / "real")
    assert pairs.names == ("größe",)
    assert np.array_equal(pairs.fake.read(0), picture(0))


def test_names_that_differ_in_case_only_are_told(tmp_path: Path) -> None:
    save(tmp_path / "fake" / "IMG_1.png", picture(0))
    save(tmp_path / "real" / "img_1.png", picture(0))
    with pytest.raises(FFLError, match=r"img_1 differs in case"):
        open_pairs(tmp_path / "fake", tmp_path / "real")


@pytest.mark.parametrize("command", ["fid", "spectrum"])
def test_every_command_says_which_epoch_it_takes(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for test in ("test_1", "test_2"):
        write(tmp_path / "results" / test / "images", PIX2PIX)
    results = str(tmp_path / "results")
    arguments = [results, results, "--metrics", "pairs"] if command == "fid" else ["--real", results, results]
    with pytest.raises(SystemExit) as ended:
        main([command, *arguments])
    assert not ended.value.code
    assert capsys.readouterr().err.count("using test_2, the newest test there (others: test_1)") == 1
