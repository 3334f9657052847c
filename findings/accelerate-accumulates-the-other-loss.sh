#!/usr/bin/env bash
# With gradient accumulation accelerate makes zero_grad() do nothing but on the last micro-batch. In a GAN no order is right:
# called first, as in a plain loop, it throws away what was accumulated; called last, it leaves in the discriminator what the
# generator's loss put there on the earlier micro-batches.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 accelerate==1.15.0
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "accelerate")
EXPECTED = "the discriminator steps with the mean gradient of its own loss over both micro-batches, wherever zero_grad() stands"

import copy

import torch
from accelerate import Accelerator

torch.manual_seed(0)
nets = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)
batches = list(zip(torch.randn(2, 8, 4), torch.randn(2, 8, 4)))


def loss_of_discriminator(generator, discriminator, noise, real):
    return discriminator(generator(noise).detach()).tanh().mean() - discriminator(real).tanh().mean()


def seen_by_step(zero_first):
    """The discriminator's gradient at its optimizer's step, after two micro-batches."""
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    generator, discriminator = copy.deepcopy(nets)
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.0) for net in (generator, discriminator)]
    generator, discriminator, for_generator, for_discriminator = accelerator.prepare(generator, discriminator, *optimizers)
    for noise, real in batches:
        with accelerator.accumulate(generator, discriminator):
            if zero_first:
                for_discriminator.zero_grad()
            accelerator.backward(loss_of_discriminator(generator, discriminator, noise, real))
            gradient = discriminator.weight.grad.clone()
            for_discriminator.step()
            for_discriminator.zero_grad() if not zero_first else for_generator.zero_grad()
            accelerator.backward(-discriminator(generator(noise)).tanh().mean())
            for_generator.step()
            if not zero_first:
                for_generator.zero_grad()
    return gradient


loss = sum(loss_of_discriminator(*nets, *batch) / 2 for batch in batches)
right = torch.autograd.grad(loss, nets[1].weight)[0]
last = torch.autograd.grad(loss_of_discriminator(*nets, *batches[-1]) / 2, nets[1].weight)[0]
first_error, last_error = ((seen_by_step(order) - right).norm().div(right.norm()).item() for order in (True, False))
of_last_alone = torch.allclose(seen_by_step(True), last)
as_found = of_last_alone and first_error > 0.1 and last_error > 0.1
observed = (
    f"relative error of the discriminator's gradient: {first_error:.2f} with zero_grad() first (it is half of that of the last "
    f"micro-batch alone: {of_last_alone}), {last_error:.2f} with zero_grad() last"
)

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
