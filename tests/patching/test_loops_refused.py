"""A loss in a loop, or in a module's own code, is followed to its backward pass as one in a function is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pieces import put

from ffl_plugin.patches._backward import loss_reaches_backward
from ffl_plugin.patching import Clone, PatchError
from ffl_plugin.patching.recipe import Last

SCRIPT = """\
for epoch in range(9):
    for data in loader:
        fake = netG(data)
        d_loss = netD(fake.detach())
        d_loss.backward()
        loss = netD(fake)
        loss.backward()
        step()
"""
LOSS = "loss = netD(fake)"
FUNCTION = "def train(loader):\n" + "".join(f"    {line}\n" for line in SCRIPT.splitlines())

TRAINED: dict[str, dict[str, str]] = {
    "as it is": {},
    "scaled": {"loss.backward()\nstep": "with scale(loss) as scaled: scaled.backward()\nstep"},
    "a branch that stops before anything is trained": {
        "fake =": """
        if epoch > 8:
            break
        fake =
        """
    },
    "a branch without a loss that goes on": {
        LOSS: """
        if data is None:
            save()
            continue
        loss = netD(fake)
        """
    },
    "an inner loop that goes on": {
        LOSS: """
        for each in data:
            each.backward()
            continue
        loss = netD(fake)
        """
    },
}

LOST = {
    "a branch that trains and goes on": (
        {
            LOSS: """
            if warm:
                netD(fake).backward()
                continue
            loss = netD(fake)
            """
        },
        r"train.py:\d+: leaves .* before the loss is computed, with `netD\(fake\).backward\(\)`",
    ),
    "a branch that trains and stops": (
        {
            LOSS: """
            if warm:
                netD(fake).backward()
                break
            loss = netD(fake)
            """
        },
        r"train.py:\d+: leaves .* before the loss is computed, with `netD\(fake\).backward\(\)`",
    ),
    "a branch that goes on with a loss of its own": (
        {
            LOSS: """
            if warm:
                loss = netD(data)
                continue
            loss = netD(fake)
            """
        },
        r"train.py:\d+: continues with loss of its own",
    ),
    "another loss backpropagated": (
        {"loss.backward()\nstep": "d_loss.backward()\nstep"},
        "does not use loss after `loss = ",
    ),
}


def checked(folder: Path, text: str, function: str, replacements: dict[str, str]) -> None:
    for old, new in replacements.items():
        text = put(text, old, new)
    (folder / "train.py").write_text(text, encoding="utf-8")
    clone = Clone(folder)
    anchor = Last(("loss = ...",), branch="loss = ...")
    loss_reaches_backward(function, anchor, "loss")(clone.source("train.py"), clone)


@pytest.mark.parametrize(
    ("text", "function"), [(SCRIPT, ""), (FUNCTION, "train")], ids=["module", "function"]
)
@pytest.mark.parametrize("replacements", TRAINED.values(), ids=TRAINED)
def test_trained_with(tmp_path: Path, text: str, function: str, replacements: dict[str, str]) -> None:
    checked(tmp_path, text, function, replacements)


@pytest.mark.parametrize(
    ("text", "function"), [(SCRIPT, ""), (FUNCTION, "train")], ids=["module", "function"]
)
@pytest.mark.parametrize(("replacements", "message"), LOST.values(), ids=LOST)
def test_refused(
    tmp_path: Path, text: str, function: str, replacements: dict[str, str], message: str
) -> None:
    with pytest.raises(PatchError, match=message):
        checked(tmp_path, text, function, replacements)
