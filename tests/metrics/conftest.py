from __future__ import annotations

from pathlib import Path

import pytest
from weights_file import save_random_weights

from ffl_plugin.metrics.features import Extractor
from ffl_plugin.metrics.weights import Weights, find_weights


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the user's cache, nor the weights that the user has."""
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("FFL_INCEPTION", raising=False)
    monkeypatch.delenv("FFL_LPIPS", raising=False)
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return find_weights(save_random_weights(tmp_path_factory.mktemp("weights") / "random.pth"))


@pytest.fixture(scope="session")
def extractor(random_weights: Weights) -> Extractor:
    return Extractor(random_weights, device="cpu")
