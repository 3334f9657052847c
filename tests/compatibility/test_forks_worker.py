"""What a worker changes for the clone that it runs: torchvision's operators, and moves to a GPU."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from forks import worker_common


@pytest.mark.parametrize("loads", [True, False])
def test_operators_are_declared_where_the_compiled_ones_do_not_load(
    loads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = tmp_path / "_C.so"
    compiled.touch()
    found = ModuleSpec("torchvision", None, is_package=True)
    found.submodule_search_locations = [str(tmp_path)]
    load, declare = Mock(side_effect=None if loads else OSError("libcudart.so")), Mock()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: found)
    monkeypatch.setattr(torch.ops, "load_library", load)
    monkeypatch.setattr(torch.library, "Library", declare)
    monkeypatch.setattr(worker_common, "KEPT", [])
    worker_common.declare_torchvision_operators()
    load.assert_called_once_with(str(compiled))
    assert declare.return_value.define.call_count == (0 if loads else 2)
    kept = [] if loads else [declare.return_value]
    assert kept == worker_common.KEPT


def test_operators_are_declared_where_there_is_no_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    declare = Mock()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(torch.library, "Library", declare)
    monkeypatch.setattr(worker_common, "KEPT", [])
    worker_common.declare_torchvision_operators()
    assert declare.return_value.define.call_count == 2


def test_what_moves_to_a_gpu_stays_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (torch.Tensor, torch.nn.Module):
        monkeypatch.setattr(kind, "cuda", kind.cuda)  # put back in the end
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    worker_common.stay_on_the_cpu()
    image, network = torch.zeros(1), torch.nn.Identity()
    assert image.cuda(0, non_blocking=True) is image
    assert network.cuda() is network
