"""What programs did with the class of `focal-frequency-loss` 0.3.0 works here, or is refused in words."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Callable

import numpy as np
import pytest
import torch
from focal_frequency_loss import FocalFrequencyLoss as Official
from torch import Tensor, nn

from ffl_plugin import FocalFrequencyLoss

Class = type[nn.Module]


def images(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pred, target = (torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(2))
    return pred.requires_grad_(), target


def value_and_gradient(loss: Callable[..., Tensor], *arguments: Any, **named: Any) -> tuple[Tensor, ...]:
    pred, target = images(2, 3, 4, 8)
    value = loss(pred, target, *arguments, **named)
    return value.detach(), torch.autograd.grad(value.sum(), pred)[0]


def weights(*shape: int) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(7))


def by_keyword(made: Class) -> Any:
    loss = made(
        loss_weight=2.0, alpha=0.5, patch_factor=2, ave_spectrum=True, log_matrix=True, batch_matrix=True
    )
    pred, target = images(2, 3, 4, 8)
    return loss(pred=pred, target=target, matrix=None).detach()


def set_later(**options: Any) -> Callable[[Class], Any]:
    def use(made: Class) -> Any:
        loss = made()
        value_and_gradient(loss)  # it was in use before
        for name, value in options.items():
            setattr(loss, name, value)
        assert all(getattr(loss, name) is value for name, value in options.items())
        return value_and_gradient(loss)

    return use


def set_back(made: Class) -> Any:
    loss = made(ave_spectrum=True)
    loss.ave_spectrum = False
    return value_and_gradient(loss)


def learnable_weight(start: float) -> Callable[[Class], Any]:
    def use(made: Class) -> Any:
        weight = nn.Parameter(torch.tensor(start, dtype=torch.float64))
        loss = made(loss_weight=weight)
        assert [name for name, _ in loss.named_parameters()] == ["loss_weight"]
        pred, target = images(2, 3, 4, 8)
        loss(pred, target).backward()
        return pred.grad, weight.grad

    return use


def learnable_weight_restored(made: Class) -> Any:
    loss, other = (made(loss_weight=nn.Parameter(torch.tensor(w))) for w in (3.0, 1.0))
    other.load_state_dict(loss.state_dict())
    return value_and_gradient(other)


def weight_becomes_learnable(made: Class) -> Any:
    loss = made()
    loss.loss_weight = nn.Parameter(torch.tensor(1.0))
    (weight,) = loss.parameters()
    loss(*images(2, 3, 4, 8)).backward()
    return weight.grad


def weight_of_a_graph(made: Class) -> Any:
    """As task-uncertainty weighting does: the weight is computed, and differentiated twice."""
    log_variance = torch.zeros((), dtype=torch.float64, requires_grad=True)
    value = made(loss_weight=torch.exp(-log_variance))(*images(2, 3, 4, 8))
    (first,) = torch.autograd.grad(value, log_variance, create_graph=True)
    return first.detach(), *torch.autograd.grad(first, log_variance)


def weight_as_a_function(made: Class) -> Any:
    pred, target = (x.detach() for x in images(2, 3, 4, 8))
    return torch.func.grad(lambda weight: made(loss_weight=weight)(pred, target))(torch.tensor(1.0))


def weight_per_task(made: Class) -> Any:
    return value_and_gradient(made(loss_weight=torch.tensor([1.0, 2.0])))


def gradient_in_the_loss(made: Class) -> Any:
    """A gradient penalty, which needs second derivatives."""
    weight = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    pred, target = images(2, 3, 4, 8)
    (gradient,) = torch.autograd.grad(made(loss_weight=weight)(pred, target), pred, create_graph=True)
    return torch.autograd.grad(gradient.pow(3).sum(), (pred, weight))


def copied(copy_of: Callable[[nn.Module], nn.Module]) -> Callable[[Class], Any]:
    def use(made: Class) -> Any:
        loss = made(2.0, 0.5)
        loss.ave_spectrum = True
        return value_and_gradient(copy_of(loss))

    return use


def other_transform(made: Class) -> Any:
    class Windowed(made):  # type: ignore[misc, valid-type]
        def tensor2freq(self, x: Tensor) -> Tensor:
            return super().tensor2freq(x * torch.hann_window(x.shape[-1], dtype=x.dtype))

    return [
        value_and_gradient(Windowed(2.0, patch_factor=1, ave_spectrum=ave, batch_matrix=True))
        for ave in (False, True)
    ]


def other_distance(made: Class) -> Any:
    class Amplitudes(made):  # type: ignore[misc, valid-type]
        def loss_formulation(self, recon_freq: Tensor, real_freq: Tensor, matrix: Any = None) -> Tensor:
            return (recon_freq.pow(2).sum(-1).sqrt() - real_freq.pow(2).sum(-1).sqrt()).abs().mean()

    return value_and_gradient(Amplitudes(0.5, patch_factor=2))


def low_frequencies(made: Class) -> Any:
    """Only what is below a radius, as forks do: the shape of the spectra changes."""

    class Low(made):  # type: ignore[misc, valid-type]
        def tensor2freq(self, x: Tensor) -> Tensor:
            return super().tensor2freq(x)[..., :2, :3, :]

    return value_and_gradient(Low(alpha=2.0, log_matrix=True)), value_and_gradient(Low(), weights(2, 3))


def replaced_on_the_object(made: Class) -> Any:
    loss = made()
    step = loss.tensor2freq
    loss.tensor2freq = lambda x: step(x) * 2
    return value_and_gradient(loss)


def subclass_of_everything(made: Class) -> Any:
    class Scaled(made):  # type: ignore[misc, valid-type]
        def __init__(self, scale: float, **options: Any) -> None:
            super().__init__(**options)
            self.scale = scale

        def forward(self, pred: Tensor, target: Tensor, matrix: Any = None, **others: Any) -> Tensor:
            return self.scale * super().forward(pred, target, matrix, **others)

    return value_and_gradient(Scaled(3.0, alpha=2.0, ave_spectrum=True), weight=None)


def own_constructor(made: Class) -> Any:
    class Own(made):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.loss_weight, self.alpha, self.patch_factor = 2.0, 1.0, 2
            self.ave_spectrum, self.log_matrix, self.batch_matrix = True, False, True

    return value_and_gradient(Own())


def steps_by_hand(made: Class) -> Any:
    loss = made(5.0, alpha=0.5, patch_factor=2, batch_matrix=True)
    pred, target = images(2, 3, 4, 8)
    spectra = loss.tensor2freq(pred), loss.tensor2freq(target)
    return *spectra, loss.loss_formulation(*spectra), loss.loss_formulation(*spectra, weights(2, 4))


def hooked(made: Class) -> Any:
    loss = made(2.0)
    seen: list[Tensor] = []
    loss.register_forward_hook(lambda module, arguments, output: seen.append(output.detach()))
    value_and_gradient(loss)
    return seen


def in_a_training_loop(made: Class) -> Any:
    generator = nn.Conv2d(3, 3, 3, padding=1).double()
    nn.init.constant_(generator.weight, 0.1), nn.init.zeros_(generator.bias)
    losses = nn.ModuleDict({"ffl": made(loss_weight=10.0)}).train().to(torch.float64)
    noise, real = images(2, 3, 4, 8)
    losses["ffl"](generator(noise.detach()), real).backward()
    return generator.weight.grad


USES: dict[str, Callable[[Class], Any]] = {
    "positional": lambda made: value_and_gradient(made(2.0, 0.5, 2, True, True, True)),
    "by keyword": by_keyword,
    "weight=None, as BasicSR calls it": lambda made: value_and_gradient(made(), weight=None),
    "matrix=None and others": lambda made: value_and_gradient(
        made(), None, weight=None, reduction_override=None
    ),
    "matrix (h, w)": lambda made: value_and_gradient(made(3.0), weights(4, 8)),
    "matrix that wants a gradient": lambda made: value_and_gradient(made(), weights(4, 8).requires_grad_()),
    "matrix of bits": lambda made: value_and_gradient(made(), weights(4, 8) > 0.5),
    "loss_weight set later": set_later(loss_weight=100.0),
    "alpha set later": set_later(alpha=2.0),
    "patch_factor set later": set_later(patch_factor=4),
    "ave_spectrum set later": set_later(ave_spectrum=True),
    "ave_spectrum set back": set_back,
    "log_matrix set later": set_later(log_matrix=True),
    "batch_matrix set later": set_later(batch_matrix=True),
    "ave_spectrum is read": lambda made: [made().ave_spectrum, made(ave_spectrum=True).ave_spectrum],
    "learnable weight of 1": learnable_weight(1.0),
    "learnable weight of 0.5": learnable_weight(0.5),
    "learnable weight of 0": learnable_weight(0.0),
    "learnable weight restored": learnable_weight_restored,
    "weight becomes learnable": weight_becomes_learnable,
    "weight of a graph": weight_of_a_graph,
    "weight as a function": weight_as_a_function,
    "weight per task": weight_per_task,
    "weight of numpy": lambda made: value_and_gradient(made(np.float64(2.0), np.float32(0.5), np.int64(2))),
    "alpha as a tensor": lambda made: value_and_gradient(made(alpha=torch.tensor(0.5))),
    "alpha as a parameter": lambda made: value_and_gradient(made(alpha=nn.Parameter(torch.tensor(2.0)))),
    "flags of numpy": lambda made: value_and_gradient(made(log_matrix=np.bool_(True), ave_spectrum=1)),
    "gradient in the loss": gradient_in_the_loss,
    "deepcopy": copied(copy.deepcopy),
    "pickle": copied(lambda loss: pickle.loads(pickle.dumps(loss))),
    "other transform": other_transform,
    "other distance": other_distance,
    "low frequencies": low_frequencies,
    "replaced on the object": replaced_on_the_object,
    "subclass of everything": subclass_of_everything,
    "own constructor": own_constructor,
    "steps by hand": steps_by_hand,
    "hooked": hooked,
    "in a training loop": in_a_training_loop,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_as_with_the_official_class(use: Callable[[Class], Any]) -> None:
    torch.testing.assert_close(use(FocalFrequencyLoss), use(Official), rtol=1e-6, atol=1e-9)


def test_alpha_of_a_parameter_gets_no_gradient() -> None:
    """As with the official package: the weights are constants."""
    alpha = nn.Parameter(torch.tensor(2.0))
    FocalFrequencyLoss(alpha=alpha, patch_factor=2)(*images(2, 3, 4, 8)).backward()
    assert alpha.grad is None


def test_a_replaced_method_of_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FocalFrequencyLoss, "tensor2freq", lambda self, x: torch.zeros(*x.shape, 2))
    assert FocalFrequencyLoss()(*(x.detach() for x in images(2, 3, 4, 8))) == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.uint8], ids=str)
def test_steps_by_hand_compute_in_single(dtype: torch.dtype) -> None:
    pred, target = (x.detach().abs().mul(20).to(dtype) for x in images(2, 3, 4, 8))
    loss = FocalFrequencyLoss()
    value = loss.loss_formulation(loss.tensor2freq(pred), loss.tensor2freq(target))
    torch.testing.assert_close(value, loss(pred, target))


REFUSED: dict[str, tuple[Callable[[Class], Any], type[Exception], str]] = {
    "an argument that it would ignore": (
        lambda made: value_and_gradient(made(), weight=weights(4, 8)),
        TypeError,
        "argument 'weight'",
    ),
    "one alpha per channel": (
        lambda made: value_and_gradient(made(alpha=weights(3, 1, 1))),
        ValueError,
        r"alpha .*\(3, 1, 1\)",
    ),
    "negative alpha, set later": (set_later(alpha=-1.0), ValueError, "alpha must be a finite number >= 0"),
    "a scalar as the matrix": (
        lambda made: value_and_gradient(made(), torch.tensor(0.5)),
        ValueError,
        r"matrix of shape \(\) does not fit",
    ),
    "a column as the matrix": (
        lambda made: value_and_gradient(made(), weights(4, 1)),
        ValueError,
        r"matrix of shape \(4, 1\) does not fit",
    ),
    "a target for all": (
        lambda made: made()(torch.zeros(2, 3, 4, 4), torch.ones(1, 3, 4, 4)),
        ValueError,
        "must have the same shape",
    ),
    "spectra that would broadcast": (
        lambda made: made().loss_formulation(torch.zeros(2, 1, 3, 4, 4, 2), torch.ones(1, 1, 3, 4, 4, 2)),
        ValueError,
        "must have the same shape",
    ),
    "complex images": (
        lambda made: made()(*(x.to(torch.complex64) for x in images(1, 1, 4, 4))),
        ValueError,
        "must be real images",
    ),
}


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True to a scalar:UserWarning")
@pytest.mark.parametrize("use, error, message", REFUSED.values(), ids=REFUSED)
def test_what_the_official_class_takes_is_refused_in_words(
    use: Callable[[Class], Any], error: type[Exception], message: str
) -> None:
    use(Official)
    with pytest.raises(error, match=message):
        use(FocalFrequencyLoss)


@pytest.mark.parametrize(
    "options",
    [{"spectrum": "batch-amplitude"}, {"reduction": "none"}, {"spectrum": "batch", "sync": True}],
    ids=str,
)
def test_a_subclass_takes_the_official_options_alone(options: dict[str, Any]) -> None:
    class Windowed(FocalFrequencyLoss):
        def tensor2freq(self, x: Tensor) -> Tensor:
            return super().tensor2freq(x)

    with pytest.raises(ValueError, match="tensor2freq or loss_formulation"):
        Windowed(**options)(*images(2, 3, 4, 8))


@pytest.mark.parametrize("size", [(2, 3, 4), (2, 3, 5, 4)], ids=str)
def test_images_that_have_no_patches(size: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="patch_factor=2"):
        FocalFrequencyLoss(patch_factor=2).tensor2freq(torch.zeros(size))
