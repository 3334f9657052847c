#!/usr/bin/env bash
# torch.utils.checkpoint runs a module again in the backward pass. A spectral_norm in it takes another power iteration there,
# so the gradient belongs to other weights than the output, without a word. In eval mode, or without checkpoints, it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch",)
EXPECTED = "a checkpointed discriminator has the gradient that it has without a checkpoint"

import copy

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def error(norm, training=True):
    """The relative error of the gradient that reaches the generator."""
    torch.manual_seed(0)
    discriminator = nn.Sequential(
        norm(nn.Conv2d(3, 32, 3)), nn.LeakyReLU(0.2), norm(nn.Conv2d(32, 32, 3)), nn.LeakyReLU(0.2), norm(nn.Conv2d(32, 1, 3))
    ).train(training)
    gradients = []
    for forward in (lambda net, x: net(x), lambda net, x: checkpoint(net, x, use_reentrant=False)):
        fake = images.clone().requires_grad_()
        forward(copy.deepcopy(discriminator), fake).square().mean().backward()
        gradients.append(fake.grad)
    return round(((gradients[0] - gradients[1]).norm() / gradients[0].norm()).item(), 6)


hooked, parametrized = nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm
errors = {"spectral_norm": error(hooked), "parametrizations.spectral_norm": error(parametrized)}
in_eval = max(error(hooked, training=False), error(parametrized, training=False))
without = {"in eval mode": in_eval, "without spectral_norm": error(lambda layer: layer)}
as_found = errors["spectral_norm"] > 0.1 and errors["parametrizations.spectral_norm"] > 5e-4 and max(without.values()) < 1e-5
observed = f"relative error of the gradient: {errors}; {without}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
