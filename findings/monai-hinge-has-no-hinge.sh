#!/usr/bin/env bash
# PatchAdversarialLoss(criterion="hinge") of MONAI puts a tanh before its hinge, which then never cuts off: the losses are
# 1 - tanh(D) and 1 + tanh(D), and the gradient of the generator vanishes where the discriminator is sure, where it matters.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 monai==1.6.1
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "monai")
EXPECTED = "the hinge loss of the generator is -D, with a gradient of -1 everywhere, and that of the discriminator is 0 beyond 1"

import torch
from monai.losses import PatchAdversarialLoss

outputs = torch.tensor([-8.0, -4.0, -2.0, 0.0, 2.0])


def gradients(criterion, real, discriminator):
    """Of the loss of one output of the discriminator, at the values above."""
    found = []
    for output in outputs:
        output = output.reshape(1, 1, 1, 1).clone().requires_grad_(True)
        loss = PatchAdversarialLoss(criterion=criterion)(output, target_is_real=real, for_discriminator=discriminator)
        loss.backward()
        found.append(round(output.grad.item(), 3))
    return found


found = {
    "generator": gradients("hinge", True, False),
    "discriminator of real images": gradients("hinge", True, True),
    "discriminator of generated ones": gradients("hinge", False, True),
}
tanh = [round(-(1 - torch.tanh(output).item() ** 2), 3) for output in outputs]
as_found = found["generator"] == found["discriminator of real images"] == tanh and found["generator"][0] == 0
observed = f"gradients of the hinge loss where the discriminator says {outputs.tolist()}: {found}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
