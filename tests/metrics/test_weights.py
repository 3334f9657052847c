from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Optional

import pytest
import torch
from torch import nn

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.inception import Inception, inception_blocks
from ffl_plugin.metrics.weights import (
    INCEPTION,
    Release,
    Weights,
    WeightsMissing,
    download,
    find_weights,
    load_state,
)

CONTENT = bytes(range(256)) * 1024


class Server(ThreadingHTTPServer):
    """Serves CONTENT; how it misbehaves is set by the test, what it was asked is recorded."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.ranges: list[Optional[str]] = []
        self.cut_at: list[int] = []  # bytes after which each of the next answers breaks off
        self.knows_ranges = True
        self.status = 200

    @property
    def release(self) -> Release:
        url = f"http://127.0.0.1:{self.server_address[1]}/weights.pth"
        digest = hashlib.sha256(CONTENT).hexdigest()
        return Release("Inception", url, digest, "FFL_INCEPTION", "--inception")


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        start = int(asked[len("bytes=") : -1]) if asked and self.server.knows_ranges else 0
        if start >= len(self.server.content):
            self.send_error(416)
            return
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut_at.pop(0)] if self.server.cut_at else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # whatever proxy leads out of here
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_download_is_verified_and_then_cached(server: Server, own_cache: Path) -> None:
    steps: list[tuple[int, int, str]] = []
    found = find_weights(release=server.release, progress=lambda *step: steps.append(step))
    assert found == Weights(own_cache / "weights.pth", server.release.sha256, True)
    assert found.path.read_bytes() == CONTENT
    assert steps[-1] == (len(CONTENT), len(CONTENT), "Inception weights")
    assert find_weights(release=server.release) == found
    assert len(server.ranges) == 1
    assert [path.name for path in own_cache.iterdir()] == ["weights.pth"]


def test_a_spoiled_cache_is_downloaded_again(server: Server, own_cache: Path) -> None:
    own_cache.mkdir()
    (own_cache / "weights.pth").write_bytes(b"\0" * len(CONTENT))
    assert find_weights(release=server.release).path.read_bytes() == CONTENT


def test_a_broken_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    server.cut_at = [100_000, 100_000]
    download(server.release, tmp_path / "w.pth")
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=65536-", "bytes=131072-"]


def test_an_earlier_run_is_resumed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth.part").write_bytes(CONTENT[:4000])
    download(server.release, tmp_path / "w.pth")
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert server.ranges == ["bytes=4000-"]


def test_a_complete_part_is_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth.part").write_bytes(CONTENT)
    download(server.release, tmp_path / "w.pth")
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    (tmp_path / "w.pth.part").write_bytes(b"x" * 4000)
    download(server.release, tmp_path / "w.pth")
    assert (tmp_path / "w.pth").read_bytes() == CONTENT


def test_a_connection_that_stays_broken_keeps_its_part(server: Server, tmp_path: Path) -> None:
    server.cut_at = [100_000, 1, 1, 1]
    with pytest.raises(WeightsMissing, match="cannot be downloaded"):
        download(server.release, tmp_path / "w.pth")
    assert not (tmp_path / "w.pth").exists()
    assert (tmp_path / "w.pth.part").read_bytes() == CONTENT[:65536]


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"!", CONTENT + b"!"])
def test_wrong_bytes_are_refused_and_removed(server: Server, tmp_path: Path, content: bytes) -> None:
    server.content = content
    with pytest.raises(WeightsMissing, match=r"not the released .*FFL_INCEPTION, .*--inception PATH"):
        download(server.release, tmp_path / "w.pth")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusing_server_is_told_with_the_way_out(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(WeightsMissing, match=r"(Not Found|Service Unavailable).*--inception PATH") as caught:
        download(server.release, tmp_path / "w.pth")
    assert "\n" not in str(caught.value)


def test_no_network_is_told_with_the_way_out(server: Server, tmp_path: Path) -> None:
    with socket.socket() as silent:  # holds its port, and answers nobody
        silent.bind(("127.0.0.1", 0))
        closed = replace(server.release, url=f"http://127.0.0.1:{silent.getsockname()[1]}/weights.pth")
        with pytest.raises(WeightsMissing, match=r"ConnectionError.*--inception PATH"):
            find_weights(release=closed)


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FFLError, match=r"w\.pth cannot be written"):
        download(server.release, tmp_path / "file" / "w.pth")


def test_the_users_file_is_taken_and_its_hash_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.pth").write_bytes(b"own")
    found = find_weights(tmp_path / "own.pth")
    assert found == Weights(tmp_path / "own.pth", hashlib.sha256(b"own").hexdigest(), False)
    monkeypatch.setenv("FFL_INCEPTION", str(tmp_path / "own.pth"))
    assert find_weights() == found
    monkeypatch.setenv("FFL_INCEPTION", str(tmp_path / "absent.pth"))
    with pytest.raises(FFLError, match=r"absent\.pth does not exist"):
        find_weights()
    with pytest.raises(FFLError, match=r"is not a file; pass the file pt_inception"):
        find_weights(tmp_path)
    published = replace(INCEPTION, sha256=found.sha256)
    assert find_weights(tmp_path / "own.pth", release=published).published


def test_the_published_file_is_the_one_the_field_uses() -> None:
    """pytorch-fid and torch-fidelity name the beginning of its hash in their addresses."""
    from ffl_plugin.metrics.torchvision_operators import import_torchvision

    import_torchvision()
    from pytorch_fid.inception import FID_WEIGHTS_URL
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    assert INCEPTION.url == FID_WEIGHTS_URL
    assert INCEPTION.name.endswith(f"-{INCEPTION.sha256[:8]}.pth")
    assert URL_INCEPTION_V3.endswith(f"-{INCEPTION.sha256[:8]}.pth")


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("executed"),))


def truncated(path: Path) -> None:
    torch.save({"a": torch.zeros(5000)}, path)
    path.write_bytes(path.read_bytes()[:9000])


def not_weights(path: Path) -> None:
    path.write_bytes(b"<html>rate limited</html>")


def a_text(path: Path) -> None:
    path.write_bytes(b"root:x:0:0:root:/root:/bin/bash\n")  # torch's unpickler raises IndexError


def executable(path: Path) -> None:
    torch.save({"a": Payload()}, path)


def a_list(path: Path) -> None:
    torch.save([torch.zeros(2)], path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [truncated, not_weights, a_text, executable, a_list, empty])
def test_files_that_are_no_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: object
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.pth"
    spoil(path)
    with pytest.raises(
        FFLError, match=r"w\.pth (is not a complete file of PyTorch weights|contains no named tensors)"
    ):
        load_state(find_weights(path))
    assert not (tmp_path / "executed").exists()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(2, 2), "layer1.weight": torch.zeros(3)}, tmp_path / "w.pth")
    refused = (
        r"w\.pth is not the FID Inception network \(\d+ tensors do not fit, {} first\).* with --features$"
    )
    with pytest.raises(FFLError, match=refused.format(r"fc\.bias")):
        Inception(find_weights(tmp_path / "w.pth"))
    with torch.device("meta"):
        shapes = {
            name: tensor.shape for name, tensor in nn.ModuleDict(inception_blocks()).state_dict().items()
        }
    shapes |= {"fc.weight": (1008, 2048), "fc.bias": (1,)}
    state = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(FFLError, match=refused.format("of another shape")):
        Inception(find_weights(tmp_path / "w.pth"))


def test_what_other_tools_downloaded_is_used(server: Server, tmp_path: Path) -> None:
    """pytorch-fid, lpips and torchvision keep their weights in torch's folder, under the same names."""
    kept = Path(torch.hub.get_dir()) / "checkpoints" / "weights.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsMissing, match="the Inception weights are not available; download http"):
        find_weights(release=server.release, may_download=False)
    kept.write_bytes(CONTENT)
    assert find_weights(release=server.release, may_download=False).path == kept
    assert server.ranges == []


def test_the_beginning_of_a_hash_is_enough(server: Server) -> None:
    whole = server.release.sha256
    found = find_weights(release=replace(server.release, sha256=whole[:8]))
    assert (found.sha256, found.published) == (whole, True)
