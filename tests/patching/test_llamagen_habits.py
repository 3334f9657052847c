"""What forks of LlamaGen's tokenizer do: patched, remarked on, or refused; and a training that is resumed."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from clones import MakeClone
from habits import replace
from training_steps import llamagen
from training_steps._parts import images

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

RECIPE = all_recipes()["llamagen"]
FOLDER = "tokenizer/tokenizer_image"
LOSS, TRAIN = f"{FOLDER}/vq_loss.py", f"{FOLDER}/vq_train.py"

COMPARED = "rec_loss = self.rec_loss(inputs.contiguous(), reconstructions.contiguous())"
SUM = "loss = self.rec_weight * rec_loss + weight * adv_loss + codebook_loss[0]"
ONE_MORE = f"{SUM}\nif len(codebook_loss) > 4:\n    loss += codebook_loss[4]"
TERM = "loss = ffl.add_term(self, loss, reconstructions, inputs, global_step, logger, log_every)\n"
RETURNED = "            return loss\n"
IN_BRANCHES = """if len(codebook_loss) > 4:
    loss = rec_loss + codebook_loss[4]
else:
    loss = rec_loss"""
GENERATED = "loss_gen = vq_loss(codebook_loss, imgs,"
PARSED = "    args = parser.parse_args()\n    main(args)\n"
CALL = "imgs, recons_imgs, optimizer_idx=0"
OLD = pytest.mark.skipif(not hasattr(torch.amp, "GradScaler"), reason="this torch has no float16 on CPUs")


def changed(make_clone: MakeClone, file: str, old: str, new: str) -> str:
    clone = make_clone(RECIPE.name)
    replace(clone / file, {old: new})
    plan = plan_apply(RECIPE, clone)
    return "".join([*(change.new.decode() for change in plan.changes), *plan.notes])


@pytest.mark.parametrize(
    ("file", "old", "new", "there"),
    [
        (LOSS, SUM, ONE_MORE, f"[4]\n\n            {TERM}"),
        (LOSS, SUM, IN_BRANCHES, f"loss = rec_loss\n\n            {TERM}"),
        (LOSS, RETURNED, "            return loss, {'rec_loss': rec_loss}\n", TERM),
        (TRAIN, GENERATED, f"loss_gen, log = {GENERATED.partition('= ')[2]}", "ffl.setup(vq_loss, args)"),
        (TRAIN, PARSED, f"    args = parser.parse_args()\n    parser.set_defaults(lr=1.)\n{PARSED}", "ffl.add_options(parser)\n    args"),
        (TRAIN, '"args": args\n', "\n", "its checkpoints do not contain args"),
        (TRAIN, CALL, "*[imgs], *[recons_imgs], *[], optimizer_idx=0", "ffl.setup(vq_loss, args)"),
        (LOSS, "logger=None, log_every=100", "*, logger=None, log_every=100", TERM),
    ],
    ids=["one more loss", "in branches", "a pair is returned", "a pair is taken", "parsed twice", "no args kept", "starred", "by name only"],
)  # fmt: skip
def test_a_fork_is_patched_at_the_same_place(
    make_clone: MakeClone, file: str, old: str, new: str, there: str
) -> None:
    assert there in changed(make_clone, file, old, new)


def test_every_script_that_makes_the_loss_is_patched(make_clone: MakeClone) -> None:
    """Forks rename the script, have several, and keep the options in a function."""
    clone = make_clone(RECIPE.name)
    text = (clone / TRAIN).read_text(encoding="utf-8")
    for name, part in (
        ("train_ms.py", text),
        ("evaluate.py", text.replace("vq_loss = VQLoss(", "other = VQLoss(")),
    ):
        (clone / name).write_text(part, encoding="utf-8")
    (clone / TRAIN).write_text(
        text.replace('if __name__ == "__main__":', "def parse_args():").replace(
            "    main(args)\n", "    return args\n\n\nif __name__ == '__main__':\n    main(parse_args())\n"
        )
    )
    plan = plan_apply(RECIPE, clone)
    assert {change.path.relative_to(clone).as_posix() for change in plan.changes} == {
        LOSS,
        TRAIN,
        "train_ms.py",
    }
    plan.write()
    assert (
        "    ffl.add_options(parser)\n    args = parser.parse_args()\n    return args"
        in (clone / TRAIN).read_text()
    )


def test_a_loss_that_no_script_trains_with_is_left_alone(make_clone: MakeClone) -> None:
    clone = make_clone(RECIPE.name)
    (clone / "old_loss.py").write_bytes((clone / LOSS).read_bytes())
    changes = plan_apply(RECIPE, clone).changes
    assert {change.path.relative_to(clone).as_posix() for change in changes} == {LOSS, TRAIN}


@pytest.mark.parametrize(
    ("file", "old", "new", "says", "at"),
    [
        (LOSS, COMPARED, f"x, reconstructions = reconstructions\n{COMPARED}", "not images", LOSS),
        (LOSS, COMPARED, f"{COMPARED} + reconstructions.permute(0, 4, 1, 2, 3).mean()", "not images", LOSS),
        (LOSS, COMPARED, "rec_loss = codebook_loss[1]", "not be paired", LOSS),
        (LOSS, RETURNED, "            return rec_loss\n", "loss", LOSS),
        (LOSS, RETURNED, f"            loss, _ = rec_loss, loss\n{RETURNED}", "loss", LOSS),
        (TRAIN, CALL, f"0, {CALL}", "passes optimizer_idx to vq_loss", TRAIN),
        (TRAIN, CALL, f"{CALL}, extra=0", "passes extra to vq_loss", TRAIN),
        (TRAIN, "scaler.scale(loss_gen).backward()", "recons_imgs.mean().backward()", "loss_gen", TRAIN),
        (TRAIN, f"from {FOLDER.replace('/', '.')}.vq_loss import", "from elsewhere import", "no script trains with it", LOSS),
    ],
    ids=["a tuple", "volumes", "no pair", "not returned", "bound again", "another version", "another argument", "not trained with", "no script"],
)  # fmt: skip
def test_a_fork_that_would_train_without_the_term_is_refused(
    make_clone: MakeClone, file: str, old: str, new: str, says: str, at: str
) -> None:
    with pytest.raises(PatchError) as refusal:
        changed(make_clone, file, old, new)
    assert says in str(refusal.value) and refusal.value.file == at


def test_networks_of_volumes_are_refused(make_clone: MakeClone) -> None:
    clone = make_clone(RECIPE.name)
    model = clone / FOLDER / "vq_model.py"
    model.write_text("from torch import nn\nVQ_models = {'VQ-16': nn.Conv3d}\n", encoding="utf-8")
    with pytest.raises(PatchError, match="volumes"):
        plan_apply(RECIPE, clone)
    model.write_text("from torch import nn\nVQ_models = {'VQ-16': nn.Conv2d}\n", encoding="utf-8")
    assert plan_apply(RECIPE, clone).changes


@pytest.mark.parametrize("precision", ["none", pytest.param("fp16", marks=OLD)])
def test_a_resumed_training_with_a_share_is_the_one_that_was_not_interrupted(
    make_clone: MakeClone, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    clone = make_clone(RECIPE.name)
    plan_apply(RECIPE, clone).write()
    monkeypatch.setattr(sys, "path", [str(clone), *sys.path])
    batches = [images() for _ in range(6)]
    flags = ["--ffl-share=0.5", "--ffl-share-steps=2", f"--mixed-precision={precision}"]

    def train(steps: list[torch.Tensor], *more: str) -> list[str]:
        torch.manual_seed(0)
        lines = llamagen.stand_ins(clone, monkeypatch, steps)
        llamagen.run(clone, monkeypatch, [*flags, *more])
        return [line for line in lines if line.startswith("(FFL)")]

    saved = clone.parent / "runs" / "0000006.pt"
    whole = train(batches)
    expected = load(saved)
    saved.unlink()
    resumed = train(batches[4:], f"--vq-ckpt={saved.with_name('0000004.pt')}")
    assert resumed == whole[4:] and re.search(r", weight: [0-9]", resumed[0])
    assert expected["args"].ffl_found == load(saved)["args"].ffl_found > 0
    for name, value in load(saved)["model"].items():
        torch.testing.assert_close(value, expected["model"][name], rtol=0, atol=0)


def load(path: Path) -> dict[str, Any]:
    kept: dict[str, Any] = torch.load(path, weights_only=False)
    assert isinstance(kept["args"], argparse.Namespace)
    return kept
