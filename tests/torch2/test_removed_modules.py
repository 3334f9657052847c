"""What newer Pythons and setuptools took away."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

from ffl_plugin.integrations import removed_modules

NAMES = ("distutils", "distutils.util", "pkg_resources")


@pytest.fixture
def modules_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in NAMES else find_spec(name))
    # What provide() adds is taken out again with the rest.
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


@pytest.mark.usefixtures("modules_gone")
def test_the_two_imports_of_the_upstreams_work_again() -> None:
    removed_modules.provide()
    strtobool = importlib.import_module("distutils.util").strtobool
    assert (strtobool("Yes"), strtobool("0")) == (1, 0)
    with pytest.raises(ValueError, match="perhaps"):
        strtobool("perhaps")
    parse_version = importlib.import_module("pkg_resources").parse_version
    assert parse_version("2.13.0+cpu") >= parse_version("1.12.0a")
    assert parse_version("2.13.0a0+git1234") >= parse_version("2.2.0")
    assert parse_version("1.9.1") < parse_version("1.11.0a")


@pytest.mark.usefixtures("modules_gone")
def test_providing_twice_is_providing_once() -> None:
    removed_modules.provide()
    first = sys.modules["distutils"]
    removed_modules.provide()
    assert sys.modules["distutils"] is first


def test_a_module_that_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distutils", sys)
    monkeypatch.setitem(sys.modules, "pkg_resources", sys)
    removed_modules.provide()
    assert sys.modules["distutils"] is sys.modules["pkg_resources"] is sys
