from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test uses the weights that the user has: none are found unless a test names them."""
    monkeypatch.setenv("FFL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for variable in ("FFL_INCEPTION", "FFL_LPIPS", "FFL_VGG16"):
        monkeypatch.delenv(variable, raising=False)
