from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pictures import picture, png, save

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import one_pass, open_images
from ffl_plugin.metrics.one_pass import Changed, Consumer, Encoded, Picture, Request, Row, rows_of, run_pass
from ffl_plugin.metrics.sources import FolderSource, ImageSource


class Recorder(Consumer):
    """Keeps what it is handed."""

    def __init__(self, wanted: range = range(10**6)) -> None:
        self.wanted = wanted
        self.asked: list[int] = []
        self.taken: list[tuple[int, list[str]]] = []
        self.flushed = 0

    def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
        self.asked.append(item)
        return item in self.wanted

    def take(self, item: int, prepared: Sequence[Picture]) -> None:
        self.taken.append((item, [Path(picture.encoded.name).name for picture in prepared]))

    def flush(self) -> None:
        self.flushed += 1


class CountingSource(FolderSource):
    """Counts how often each image is read."""

    def __init__(self, source: ImageSource) -> None:
        super().__init__(source.path, source.names)
        self.reads = [0] * len(self)

    def read_bytes(self, index: int) -> bytes:
        self.reads[index] += 1
        return super().read_bytes(index)


def make_set(folder: Path, count: int, seed: int = 0) -> CountingSource:
    for index in range(count):
        save(folder / f"{index:03d}.png", picture(seed + index, 8, 9))
    return CountingSource(open_images(folder))


def test_images_are_read_once_decoded_once_and_handed_over_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    plain = one_pass.decode
    monkeypatch.setattr(one_pass, "decode", lambda data, name: decoded.append(name) or plain(data, name))
    reals, fakes = make_set(tmp_path / "real", 40), make_set(tmp_path / "fake", 40, seed=100)
    both, real, fake = Recorder(), Recorder(range(10)), Recorder()

    def rows() -> Any:
        for index in range(40):
            requests = Request(both, index, (1, 0)), Request(real, index, (0,)), Request(fake, index, (1,))
            yield Row(((reals, index), (fakes, index)), requests)

    steps: list[tuple[int, int, str]] = []
    run_pass(rows, 80, "images", lambda *step: steps.append(step))
    assert reals.reads == fakes.reads == [1] * 40
    assert len(decoded) == len(set(decoded)) == 80
    assert both.taken == [(index, [f"{index:03d}.png"] * 2) for index in range(40)]
    assert [item for item, _ in real.taken] == list(range(10))
    assert real.asked == [item for item, _ in fake.taken] == list(range(40))
    assert steps == [(2 * done, 80, "images") for done in range(1, 41)]
    assert both.flushed == real.flushed == fake.flushed == 1


def test_what_nobody_wants_is_not_decoded(tmp_path: Path) -> None:
    source = make_set(tmp_path, 5)
    (tmp_path / "003.png").write_bytes(b"no image")
    consumer = Recorder(range(3))
    run_pass(lambda: rows_of(source, consumer), 5, "images")
    assert [item for item, _ in consumer.taken] == [0, 1, 2]


def test_few_rows_are_under_way_whatever_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_pass, "_ROWS_AHEAD", 6)
    source = make_set(tmp_path, 60)
    most = 0

    class Slow(Recorder):
        def take(self, item: int, prepared: Any) -> None:
            nonlocal most
            time.sleep(0.002)
            most = max(most, sum(source.reads) - item)

    run_pass(lambda: rows_of(source, Slow()), 60, "images")
    assert 1 < most <= 2 * 6 + 2 * one_pass.thread_count() + 1


def test_large_images_are_fewer_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_pass, "_BYTES_AHEAD", 3 * 8 * 9 * 3)
    monkeypatch.setattr(one_pass, "thread_count", lambda: 1)
    source = make_set(tmp_path, 30)
    most: list[int] = []

    class Slow(Recorder):
        def take(self, item: int, prepared: Any) -> None:
            time.sleep(0.002)
            most.append(sum(source.reads) - item)

    run_pass(lambda: rows_of(source, Slow()), 30, "images")
    assert max(most[5:]) <= 2 * 3 + 1


def test_where_an_image_is_damaged_those_before_it_are_measured(tmp_path: Path) -> None:
    source = make_set(tmp_path, 50)
    (tmp_path / "037.png").write_bytes(png(picture(1))[:300])
    consumer = Recorder()
    with pytest.raises(FFLError, match=r"037\.png is damaged"):
        run_pass(lambda: rows_of(source, consumer), 50, "images")
    assert [item for item, _ in consumer.taken] == list(range(37))
    assert consumer.flushed == 1


def test_ctrl_c_ends_the_threads_and_measures_nothing_more(tmp_path: Path) -> None:
    source = make_set(tmp_path, 50)

    class Stopped(Recorder):
        def take(self, item: int, prepared: Any) -> None:
            super().take(item, prepared)
            if item == 5:
                raise KeyboardInterrupt

    consumer, threads = Stopped(), threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run_pass(lambda: rows_of(source, consumer), 50, "images")
    assert consumer.flushed == 0
    assert threading.active_count() == threads


def test_a_consumer_may_begin_anew(tmp_path: Path) -> None:
    class Restarted(Recorder):
        def wants(self, item: int, encoded: Sequence[Encoded]) -> bool:
            if len(self.asked) == 7:
                self.asked.append(-1)
                raise Changed
            return super().wants(item, encoded)

    consumer = Restarted()
    run_pass(lambda: rows_of(make_set(tmp_path, 12), consumer), 12, "images")
    assert consumer.asked == [*range(7), -1, *range(12)]
    assert [item for item, _ in consumer.taken][-12:] == list(range(12))


def test_torch_has_its_threads_again_afterwards(tmp_path: Path) -> None:
    inside: list[int] = []

    class Watching(Recorder):
        def prepare(self, item: int, pictures: Sequence[Picture]) -> Sequence[Picture]:
            inside.append(torch.get_num_threads())
            return pictures

        def take(self, item: int, prepared: Sequence[Picture]) -> None:
            inside.append(torch.get_num_threads())

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        run_pass(lambda: rows_of(make_set(tmp_path, 4), Watching()), 4, "images")
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert inside == [1] * 8


def test_pixels_are_those_of_the_file(tmp_path: Path) -> None:
    seen: list[np.ndarray[Any, Any]] = []

    class Pixels(Recorder):
        def take(self, item: int, prepared: Sequence[Picture]) -> None:
            seen.append(prepared[0].pixels)

    run_pass(lambda: rows_of(make_set(tmp_path, 3), Pixels()), 3, "images")
    assert all(np.array_equal(pixels, picture(index, 8, 9)) for index, pixels in enumerate(seen))
