#!/usr/bin/env bash
# torch.compile answers getattr(self.method, "__func__", None) with None and hasattr with False, without a break of the graph: a
# module that asks whether a subclass has overridden one of its methods takes the other branch once it is compiled.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'setuptools<81' torch==2.13.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'EOF'
from importlib.metadata import version

PACKAGES = ("torch",)
EXPECTED = "a compiled module gives what it gives in eager mode: the loss itself, 1, and all that is asked of a method holds"

import torch
from torch import nn


class Loss(nn.Module):
    """Takes a slower way, here -1, where a subclass has overridden a step."""

    def step(self, x):
        return x

    def forward(self, x):
        overridden = getattr(self.step, "__func__", None) is not Loss.step
        return self.step(x) * (-1 if overridden else 1)


def asked(x):
    answers = (
        getattr(loss.step, "__func__", None) is Loss.step,
        hasattr(loss.step, "__func__"),
        getattr(loss.step, "__func__") is Loss.step,
        loss.step.__func__ is Loss.step,
    )
    return x + torch.tensor([float(answer) for answer in answers])


loss, one = Loss(), torch.ones(1)
compiled = torch.compile(loss, backend="eager", fullgraph=True)
values = {"eager": loss(one).item(), "compiled": compiled(one).item()}
answers = {
    "eager": asked(torch.zeros(4)).tolist(),
    "compiled": torch.compile(asked, backend="eager", fullgraph=True)(torch.zeros(4)).tolist(),
}
as_found = values == {"eager": 1, "compiled": -1} and answers["compiled"] == [0, 0, 1, 1]
observed = f"loss {values}; getattr with None, hasattr, getattr, the attribute {answers}"

print("versions:", {name: version(name) for name in PACKAGES})
print("expected:", EXPECTED)
print("observed:", observed)
raise SystemExit(0 if as_found else 1)
EOF
