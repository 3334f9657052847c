from __future__ import annotations

import json
import math

import pytest

from ffl_plugin.integrations._flags import FLAGS, SettingsError
from ffl_plugin.integrations._settings import Settings, Upstream

NOT_AN_AMOUNT = [-1.0, -1e-9, math.nan, math.inf, -math.inf, True, "1", None]


@pytest.mark.parametrize("value", NOT_AN_AMOUNT, ids=repr)
@pytest.mark.parametrize("setting", ["weight", "share", "alpha", "start", "ramp"])
def test_numbers_that_are_no_amount_are_refused_by_flag_name(setting: str, value: float | str | None) -> None:
    with pytest.raises(SettingsError, match=f"--ffl-{setting} takes a finite number >= 0, not"):
        Settings(**{setting: value})


@pytest.mark.parametrize("value", [0, -2, 1.5, 2.0, True, None], ids=repr)
def test_patch_factors_that_cut_nothing_are_refused(value: float | None) -> None:
    with pytest.raises(SettingsError, match="--ffl-patch-factor takes an integer >= 1"):
        Settings(patch_factor=value)


@pytest.mark.parametrize("value", [-1, 1.5, True, None], ids=repr)
def test_steps_that_cannot_be_counted_are_refused(value: float | None) -> None:
    with pytest.raises(SettingsError, match="--ffl-monitor takes an integer >= 0"):
        Settings(monitor=value)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("spectrum", "imge"), ("variant", "focl"), ("log_matrix", 1), ("batch_matrix", "yes")],
    ids=repr,
)
def test_other_values_of_the_wrong_kind_are_refused(setting: str, value: str | int) -> None:
    with pytest.raises(SettingsError, match=f"--ffl-{setting.replace('_', '-')} takes"):
        Settings(**{setting: value})


def test_every_setting_has_one_flag() -> None:
    assert [flag.setting for flag in FLAGS] == list(Settings().to_json())


def test_settings_survive_json() -> None:
    upstream = Upstream(Settings(spectrum="batch"), unit="kimg")
    settings = Settings(weight=0.5, alpha=2, patch_factor=4, spectrum="image", log_matrix=True, ramp=3.5)
    assert upstream.settings(json.loads(json.dumps(settings.to_json()))) == settings


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(SettingsError, match="unknown FFL setting 'wieght'"):
        Upstream(Settings()).settings({"wieght": 1.0})


def test_a_part_of_the_settings_leaves_the_defaults_of_the_upstream() -> None:
    assert Upstream(Settings(spectrum="batch")).settings({"weight": 2.0}) == Settings(2.0, spectrum="batch")


def test_an_upstream_that_cannot_count_has_no_schedule() -> None:
    names = {flag.name for flag in Upstream(Settings()).flags()}
    assert "--ffl-start" not in names and "--ffl-ramp" not in names and "--ffl-weight" in names
    with pytest.raises(SettingsError, match="setting 'start'"):
        Upstream(Settings()).settings({"start": 1.0})


def test_help_counts_in_the_unit_of_the_upstream() -> None:
    helps = {flag.name: flag.help for flag in Upstream(Settings(), unit="epochs").flags()}
    assert helps["--ffl-start"] == "start after this many epochs"


def test_a_variant_and_a_flag_that_shapes_ffl_exclude_each_other() -> None:
    with pytest.raises(SettingsError, match="--ffl-alpha configures FFL, which --ffl-variant dct replaces"):
        Upstream(Settings(), unit="kimg").settings({"variant": "dct", "alpha": 2.0})
    assert Upstream(Settings(), unit="kimg").settings({"variant": "dct", "ramp": 2.0}).variant == "dct"


@pytest.mark.parametrize(("factor", "height", "width"), [(3, 256, 256), (4, 64, 66), (4, 66, 64)])
def test_patches_that_do_not_fill_the_image_are_refused(factor: int, height: int, width: int) -> None:
    size = f"{height}x{width}"
    with pytest.raises(SettingsError, match=f"--ffl-patch-factor {factor} does not divide .* {size}"):
        Settings(patch_factor=factor).check_image_size(height, width)
    Settings(patch_factor=2).check_image_size(height, width)


def test_a_flag_beside_weight_0_is_named_as_without_effect() -> None:
    upstream = Upstream(Settings(spectrum="batch"))
    sentence = upstream.without_effect(Settings(alpha=2.0, spectrum="image"))
    assert sentence is not None and sentence.startswith(
        "--ffl-alpha, --ffl-spectrum without effect: FFL is off"
    )
    assert upstream.without_effect(Settings(weight=1.0, alpha=2.0)) is None
    assert upstream.without_effect(upstream.defaults) is None
    sentence = upstream.without_effect(Settings(weight=1.0, share_steps=5))
    assert sentence == "--ffl-share-steps without effect: there is no --ffl-share"
