from __future__ import annotations

import json
import math

import pytest

from ffl_plugin.integrations._settings import FLAGS, Settings, SettingsError, flags_without_effect

NOT_A_WEIGHT = [-1.0, -1e-9, math.nan, math.inf, -math.inf, True, "1", None]


@pytest.mark.parametrize("value", NOT_A_WEIGHT, ids=repr)
@pytest.mark.parametrize("setting", ["weight", "alpha"])
def test_numbers_that_cannot_weigh_are_refused_by_flag_name(setting, value):
    with pytest.raises(SettingsError, match=f"--ffl-{setting} takes a finite number of at least 0, not"):
        Settings(**{setting: value})


@pytest.mark.parametrize("value", [0, -2, 1.5, 2.0, True, None], ids=repr)
def test_patch_factors_that_cut_nothing_are_refused(value):
    with pytest.raises(SettingsError, match="--ffl-patch-factor takes a whole number of at least 1"):
        Settings(patch_factor=value)


@pytest.mark.parametrize(
    ("setting", "value"), [("spectrum", "imge"), ("log_matrix", 1), ("batch_matrix", "yes")], ids=repr
)
def test_other_values_of_the_wrong_kind_are_refused(setting, value):
    with pytest.raises(SettingsError, match=f"--ffl-{setting.replace('_', '-')} takes"):
        Settings(**{setting: value})


def test_every_setting_has_one_flag():
    assert [flag.setting for flag in FLAGS] == list(Settings().to_json())


def test_settings_survive_json():
    settings = Settings(weight=0.5, alpha=2, patch_factor=4, spectrum="batch", log_matrix=True)
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_json_of_an_unknown_setting_is_refused():
    with pytest.raises(SettingsError, match="no setting 'wieght'"):
        Settings.from_json({"wieght": 1.0})


def test_a_part_of_the_settings_leaves_the_defaults_of_the_upstream():
    assert Settings.from_json({"weight": 2.0}, Settings(spectrum="batch")) == Settings(2.0, spectrum="batch")


@pytest.mark.parametrize(("factor", "height", "width"), [(3, 256, 256), (4, 64, 66), (4, 66, 64)])
def test_patches_that_do_not_fill_the_image_are_refused(factor, height, width):
    with pytest.raises(
        SettingsError, match=f"--ffl-patch-factor {factor} does not divide .* {height}x{width}"
    ):
        Settings(patch_factor=factor).check_image_size(height, width)
    Settings(patch_factor=2).check_image_size(height, width)


def test_a_flag_beside_weight_0_is_named_as_without_effect():
    defaults = Settings(spectrum="batch")
    sentence = flags_without_effect(Settings(alpha=2.0, spectrum="image"), defaults)
    assert sentence is not None and sentence.startswith("--ffl-alpha, --ffl-spectrum without effect")
    assert flags_without_effect(Settings(weight=1.0, alpha=2.0), defaults) is None
    assert flags_without_effect(defaults, defaults) is None
