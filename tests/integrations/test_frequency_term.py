from __future__ import annotations

import re

import pytest
import torch

from ffl_plugin import focal_frequency_loss
from ffl_plugin.integrations._flags import SHAPING, SettingsError
from ffl_plugin.integrations._settings import Settings
from ffl_plugin.integrations._term import FirstStepError, FrequencyTerm
from ffl_plugin.integrations._variants import FUNCTIONS


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize(
    "settings",
    [
        Settings(weight=3.0),
        Settings(weight=1.0, alpha=0.5, spectrum="batch"),
        Settings(weight=1.0, patch_factor=2, log_matrix=True),
        Settings(weight=1.0, batch_matrix=True),
    ],
    ids=str,
)
def test_the_term_is_the_weighted_loss_with_every_setting(settings: Settings) -> None:
    fake, real = images(4, 3, 16, 16, seed=1), images(4, 3, 16, 16, seed=2)
    given = {name: getattr(settings, name) for name in SHAPING}
    expected = settings.weight * focal_frequency_loss(fake, real, **given)
    plain = settings.weight * focal_frequency_loss(fake, real)
    torch.testing.assert_close(FrequencyTerm(settings)(fake, real), expected, rtol=1e-6, atol=0)
    assert settings == Settings(weight=settings.weight) or not torch.isclose(expected, plain)


@pytest.mark.parametrize("variant", FUNCTIONS)
def test_a_variant_takes_the_place_of_the_loss(variant: str) -> None:
    fake, real = images(4, 3, 16, 16, seed=1).half(), images(4, 3, 16, 16, seed=2)
    expected = 3 * FUNCTIONS[variant](fake.float(), real)
    torch.testing.assert_close(FrequencyTerm(Settings(weight=3.0, variant=variant))(fake, real), expected)


def test_the_ramp_scales_the_weight_and_before_the_start_the_images_are_left_alone() -> None:
    fake, real = images(2, 3, 8, 8, seed=1).requires_grad_(), images(2, 3, 8, 8, seed=2)
    term = FrequencyTerm(Settings(weight=3.0, start=1.0, ramp=4.0))
    torch.testing.assert_close(term(fake, real, 2.0), term(fake, real, 5.0) / 4)
    nothing = term(fake, real, 0.5)
    assert nothing == 0 and nothing.shape == () and not nothing.requires_grad


def test_images_in_a_dict_are_refused_in_one_sentence() -> None:
    with pytest.raises(FirstStepError, match=r"generated images as a dict \(image, image_raw\)"):
        FrequencyTerm(Settings(weight=1.0))({"image": 1, "image_raw": 2}, images(2, 3, 8, 8))


@pytest.mark.parametrize("shape", [(2, 3, 4, 8, 8), (3, 8, 8)], ids=str)
def test_images_that_are_not_four_dimensional_are_refused_with_their_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(FirstStepError, match=r"generated images have the shape \(" + str(shape[0])):
        FrequencyTerm(Settings(weight=1.0))(images(*shape), images(*shape))


def test_a_batch_that_would_broadcast_is_refused_with_both_shapes() -> None:
    with pytest.raises(FirstStepError, match=r"\(4, 3, 8, 8\), the real \(1, 3, 8, 8\)"):
        FrequencyTerm(Settings(weight=1.0))(images(4, 3, 8, 8), images(1, 3, 8, 8))


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (2, 3, 0, 8), (2, 3, 0, 8, 8)], ids=str)
def test_empty_batches_are_refused_with_their_shape(shape: tuple[int, ...]) -> None:
    empty = torch.zeros(shape)
    with pytest.raises(FirstStepError, match=re.escape(str(shape))):
        FrequencyTerm(Settings(weight=1.0), videos=True)(empty, empty)


def test_no_tensor_is_refused() -> None:
    with pytest.raises(FirstStepError, match="list as the real images"):
        FrequencyTerm(Settings(weight=1.0))(images(1, 3, 8, 8), [1, 2])


def test_a_patch_factor_that_does_not_divide_the_images_is_refused() -> None:
    with pytest.raises(SettingsError, match="--ffl-patch-factor 3 does not divide images of 8x8"):
        FrequencyTerm(Settings(weight=1.0, patch_factor=3))(images(1, 3, 8, 8), images(1, 3, 8, 8))


def test_an_implausible_range_is_warned_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    term = FrequencyTerm(Settings(weight=1.0))
    for _ in range(3):
        term(images(2, 3, 8, 8).requires_grad_(), (images(2, 3, 8, 8, seed=1) + 1) * 127.5)
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 1
    assert "go from 2.59 to 255, not from -1 to 1" in warnings[0]


def real_images(low: float, high: float) -> torch.Tensor:
    return images(2, 3, 8, 8, seed=1) * (high - low) / 2 + (high + low) / 2


@pytest.mark.parametrize(
    ("low", "high", "warning"),
    [
        (-1.0, 1.0, None),
        (-1.4, 1.4, None),
        (0.0, 255.0, "1.6e+04 times"),
        (-255.0, 0.0, "1.6e+04 times"),
        (-2.1, 2.6, "5.4 times"),
        (0.0, 1.0, "0.25 times"),
        (0.1, 0.9, "0.25 times"),
        (-0.1, 0.9, None),
    ],
    ids=str,
)
def test_what_the_weight_means_in_another_range_is_said(
    low: float, high: float, warning: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for settings in (Settings(weight=1.0), Settings(share=0.1)):
        FrequencyTerm(settings)(images(2, 3, 8, 8).requires_grad_(), real_images(low, high))
        lines = capsys.readouterr().err.splitlines()
        expected = settings.weight > 0 and warning is not None  # a share means the same in every range
        assert len(lines) == expected
        assert not expected or warning in lines[0]


def test_an_untrained_generator_may_leave_the_range(capsys: pytest.CaptureFixture[str]) -> None:
    fake = (images(2, 3, 8, 8) * 100).requires_grad_()
    FrequencyTerm(Settings(weight=1.0))(fake, images(2, 3, 8, 8))
    assert capsys.readouterr().err == ""


def test_detached_images_are_warned_of_once_where_a_gradient_is_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    term = FrequencyTerm(Settings(weight=1.0))
    for _ in range(2):
        term(images(2, 3, 8, 8), images(2, 3, 8, 8))
    (warning,) = capsys.readouterr().err.splitlines()
    assert "the generated images of the first step carry no gradient" in warning
    with torch.no_grad():
        FrequencyTerm(Settings(weight=1.0))(images(2, 3, 8, 8), images(2, 3, 8, 8))
    assert capsys.readouterr().err == ""


def test_nan_among_the_real_images_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    real = images(2, 3, 8, 8)
    real[0, 0, 0, 0] = torch.nan
    FrequencyTerm(Settings(weight=1.0))(images(2, 3, 8, 8), real)
    assert "go from nan to nan" in capsys.readouterr().err


def test_only_the_first_step_looks_at_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at values makes a GPU wait, so later steps must not."""
    term = FrequencyTerm(Settings(weight=1.0))
    term(images(1, 3, 8, 8), images(1, 3, 8, 8))

    def fail(*arguments: object) -> None:
        raise AssertionError("a later step read a value")

    monkeypatch.setattr(torch.Tensor, "item", fail)
    monkeypatch.setattr(torch, "aminmax", fail)
    term(images(1, 3, 8, 8), images(1, 3, 8, 8))
