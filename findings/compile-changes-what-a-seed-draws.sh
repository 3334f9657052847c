#!/usr/bin/env bash
# torch.compile draws other random numbers than the same module without it: a generator with noise inputs shows another
# picture for the same seed, so that samples before and after are no pairs. It needs a C++ compiler.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'setuptools<81' torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch", "numpy")
EXPECTED = "after torch.manual_seed(0) a compiled module adds the same noise as the module itself"

import torch
import torch._inductor.config


class Noise(torch.nn.Module):
    def forward(self, image):
        return image + torch.randn_like(image)


def drawn(module):
    torch.manual_seed(0)
    return module(torch.zeros(4))


eager, compiled = drawn(Noise()), drawn(torch.compile(Noise()))
torch._dynamo.reset()
torch._inductor.config.fallback_random = True
fallback = drawn(torch.compile(Noise()))
as_found = not torch.equal(eager, compiled) and torch.equal(eager, fallback)
observed = f"eager {eager.tolist()}, compiled {compiled.tolist()}; with fallback_random the same: {torch.equal(eager, fallback)}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
