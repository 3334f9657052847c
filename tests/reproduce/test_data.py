from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ffl_plugin.errors import FFLError
from ffl_plugin.reproduce import synthetic
from ffl_plugin.reproduce.data import (
    centre_crop,
    folder_split,
    paper_split,
    synthetic_split,
    to_tensor,
    to_uint8,
)


def silent(done: int, total: int, what: str) -> None:
    pass


def write(folder: Path, count: int, size: tuple[int, int] = (40, 30)) -> None:
    """Flat images, each of its own grey, so that an image tells which file it came from."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        Image.new("RGB", size, (10 * index, 10 * index, 10 * index)).save(folder / f"{index}.png")


@pytest.mark.parametrize("name", synthetic.GENERATORS)
def test_a_larger_drawn_set_begins_with_the_smaller(name: str) -> None:
    assert np.array_equal(synthetic.draw(name, 3, 32)[:2], synthetic.draw(name, 2, 32))
    assert np.array_equal(synthetic.draw(name, 1, 32, first=2), synthetic.draw(name, 3, 32)[2:])
    assert not np.array_equal(synthetic.draw(name, 1, 32, seed=0), synthetic.draw(name, 1, 32, seed=1))


@pytest.mark.parametrize("name", synthetic.GENERATORS)
def test_drawn_images_have_the_spectrum_of_photographs(name: str) -> None:
    """Amplitude falls as 1/f to 1/f^2, as in natural images: neither flat like noise nor empty above."""
    grey = synthetic.draw(name, 16, 64).mean(1) / 255
    power = np.mean(np.abs(np.fft.fft2(grey - grey.mean((1, 2), keepdims=True))) ** 2, 0)
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    rings = (radius > 0.02) & (radius < 0.4)
    slope = np.polyfit(np.log(radius[rings]), np.log(power[rings]) / 2, 1)[0]
    assert -2 < slope < -0.7


def test_tensors_and_bytes_are_each_others_inverse() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    tensor = to_tensor(values)
    assert (tensor.min().item(), tensor.max().item()) == (-1, 1)
    assert np.array_equal(to_uint8(tensor), values)
    assert np.array_equal(to_uint8(torch.tensor([[[[-3.0, 3.0]]]])), [[[[0, 255]]]])


def test_test_images_do_not_change_with_the_number_of_training_images(tmp_path: Path) -> None:
    small, large = (synthetic_split("faces", 16, count, 3, tmp_path, silent) for count in (2, 5))
    assert np.array_equal(small.test, large.test)
    assert np.array_equal(small.train, large.train[:2])
    assert len(large.train) == 5


def test_prepared_images_are_read_and_not_made_again(tmp_path: Path) -> None:
    synthetic_split("faces", 16, 2, 1, tmp_path, silent)

    def never(done: int, total: int, what: str) -> None:
        raise AssertionError(what)

    synthetic_split("faces", 16, 2, 1, tmp_path, never)


def test_a_small_folder_gives_crops_and_no_file_serves_both_sides(tmp_path: Path) -> None:
    write(tmp_path / "mine" / "nested", 8)
    split = folder_split(tmp_path / "mine", 16, 20, 10, tmp_path / "cache", silent)
    assert split.train.shape == (20, 3, 16, 16)
    assert split.test.shape == (10, 3, 16, 16)
    train, test = ({int(image.mean()) for image in images} for images in (split.train, split.test))
    assert len(test) == 2
    assert len(train) == 6
    assert not train & test


def test_a_large_folder_gives_one_image_per_file(tmp_path: Path) -> None:
    write(tmp_path / "mine", 9)
    split = folder_split(tmp_path / "mine", 16, 5, 3, tmp_path / "cache", silent)
    greys = [int(image.mean()) for image in (*split.train, *split.test)]
    assert len(set(greys)) == 8


def test_a_zip_is_split_as_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "mine", 9)
    shutil.make_archive(str(tmp_path / "zipped"), "zip", tmp_path / "mine")
    folder, zipped = (
        folder_split(tmp_path / name, 16, 5, 3, tmp_path / "cache", silent) for name in ("mine", "zipped.zip")
    )
    assert np.array_equal(folder.train, zipped.train)
    assert np.array_equal(folder.test, zipped.test)


def test_centre_crop_keeps_the_middle_of_the_longer_side() -> None:
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, 20:40] = 200
    assert (centre_crop(image, 20) == 200).all()


@pytest.mark.parametrize(("count", "reason"), [(0, "contains no images"), (1, "contains 1 image")])
def test_too_few_images_are_refused(tmp_path: Path, count: int, reason: str) -> None:
    write(tmp_path / "mine", count)
    with pytest.raises(FFLError, match=reason):
        folder_split(tmp_path / "mine", 16, 4, 2, tmp_path / "cache", silent)


def test_a_missing_folder_and_a_broken_image_are_named(tmp_path: Path) -> None:
    with pytest.raises(FFLError, match=r"absent does not exist"):
        folder_split(tmp_path / "absent", 16, 4, 2, tmp_path / "cache", silent)
    write(tmp_path / "mine", 3)
    (tmp_path / "mine" / "broken.png").write_bytes(b"not an image")
    with pytest.raises(FFLError, match=r"broken\.png is not an image"):
        folder_split(tmp_path / "mine", 16, 8, 4, tmp_path / "cache", silent)


def test_an_interrupted_preparation_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    write(tmp_path / "mine", 3)
    (tmp_path / "mine" / "broken.png").write_bytes(b"not an image")
    with pytest.raises(FFLError):
        folder_split(tmp_path / "mine", 16, 8, 4, tmp_path / "cache", silent)
    assert not list((tmp_path / "cache").glob("*.npy"))


class TestPaperData:
    def test_the_list_file_decides_the_test_images(self, tmp_path: Path) -> None:
        write(tmp_path / "celeba" / "img_align_celeba", 6)
        (tmp_path / "celeba" / "test.txt").write_text("img_align_celeba/4.png\nimg_align_celeba/1.png\n")
        split = paper_split(tmp_path, "CelebA", tmp_path / "cache", silent)
        assert sorted(int(image.mean()) for image in split.test) == [10, 40]
        assert sorted(int(image.mean()) for image in split.train) == [0, 20, 30, 50]
        assert split.train.shape[1:] == (3, 64, 64)

    def test_a_list_that_names_other_files_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "celeba" / "img_align_celeba", 2)
        (tmp_path / "celeba" / "test.txt").write_text("img_align_celeba/000010.jpg\n")
        with pytest.raises(FFLError, match=r"test\.txt lists .*000010\.jpg"):
            paper_split(tmp_path, "CelebA", tmp_path / "cache", silent)

    def test_a_list_that_names_nothing_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "celeba-hq", 2)
        (tmp_path / "celeba-hq" / "test.txt").write_text("\n")
        with pytest.raises(FFLError, match=r"test\.txt lists no image"):
            paper_split(tmp_path, "CelebA-HQ", tmp_path / "cache", silent)

    def test_other_lists_are_other_splits_in_the_same_cache(self, tmp_path: Path) -> None:
        write(tmp_path / "celeba-hq", 4)
        for listed, greys in (("3.png\n", [30]), ("1.png\n2.png\n", [10, 20])):
            (tmp_path / "celeba-hq" / "test.txt").write_text(listed)
            split = paper_split(tmp_path, "CelebA-HQ", tmp_path / "cache", silent)
            assert [int(image.mean()) for image in split.test] == greys

    def test_a_data_set_that_is_not_there_is_none(self, tmp_path: Path) -> None:
        assert paper_split(tmp_path, "DTD", tmp_path / "cache", silent) is None

    def test_too_few_images_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "dtd" / "images", 3)
        with pytest.raises(FFLError, match="only the 3 test images"):
            paper_split(tmp_path, "DTD", tmp_path / "cache", silent)
