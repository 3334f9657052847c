"""What forks of taming-transformers do to the loss of an autoencoder: patched, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import MakeClone, contents
from habits import replace

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply, plan_revert

RECIPE = all_recipes()["autoencoder"]
LOSS = "taming/modules/losses/vqperceptual.py"
CLASS = "class VQLPIPSWithDiscriminator(nn.Module)"
AVERAGED = "nll_loss = torch.mean(rec_loss)"
HELPED = {
    "def forward(self, codebook_loss,": """
    def total(self, rec_loss, use_mean):
        if not use_mean:
            nll_loss = torch.sum(rec_loss) / rec_loss.shape[0]
        else:
            nll_loss = rec_loss.mean()
        return nll_loss

    def forward(self, codebook_loss,""",
}


def patched(clone: Path) -> str:
    return "".join(change.new.decode() for change in plan_apply(RECIPE, clone).changes)


@pytest.mark.parametrize("name", ["VQLPIPSWithDiscriminator2", "EdgeLPIPSWithDiscriminator"])
def test_a_renamed_class_is_patched(make_clone: MakeClone, name: str) -> None:
    clone = make_clone(RECIPE.name)
    replace(clone / LOSS, {CLASS: CLASS.replace("VQLPIPSWithDiscriminator", name)})
    assert patched(clone).count("self.ffl(loss, reconstructions, inputs, summed=False)") == 1


def test_a_variant_beside_the_class_is_patched_too(make_clone: MakeClone) -> None:
    clone = make_clone(RECIPE.name)
    text = (clone / LOSS).read_text(encoding="utf-8")
    variant = text[text.index(CLASS) :].replace("VQLPIPSWithDiscriminator", "VQLPIPSWithDiscriminatorOCR")
    (clone / LOSS).write_text(f"{text}\n\n{variant}", encoding="utf-8")
    before = contents(clone)
    assert patched(clone).count("self.ffl(loss, reconstructions, inputs, summed=False)") == 2
    plan_apply(RECIPE, clone).write()
    assert not plan_apply(RECIPE, clone).changes
    plan_revert(RECIPE, clone).write()
    assert contents(clone) == before


def test_a_variant_in_another_form_is_named_and_left_alone(make_clone: MakeClone) -> None:
    clone = make_clone(RECIPE.name)
    text = (clone / LOSS).read_text(encoding="utf-8")
    variant = "class LPIPSWithDiscriminatorOfSlots(nn.Module):\n    def __init__(self):\n        pass\n\n"
    variant += "    def forward(self, slots, made):\n        return (slots - made).abs()\n"
    (clone / LOSS).write_text(f"{text}\n\n{variant}", encoding="utf-8")
    plan = plan_apply(RECIPE, clone)
    assert plan.changes[0].new.decode().endswith(variant)
    assert any(f"{LOSS}:" in note and "LPIPSWithDiscriminatorOfSlots" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("call", "summed"),
    [
        ("self.total(rec_loss, self.use_mean)", "not self.use_mean"),
        ("self.total(rec_loss, use_mean=self.use_mean)", "not self.use_mean"),
    ],
)
def test_a_reduction_that_a_method_is_told_is_the_terms(
    make_clone: MakeClone, call: str, summed: str
) -> None:
    clone = make_clone(RECIPE.name)
    replace(
        clone / LOSS,
        {
            **HELPED,
            AVERAGED: f"nll_loss = {call}",
            "self.codebook_weight = codebook_weight": "self.codebook_weight = codebook_weight\nself.use_mean = True",
        },
    )
    assert f"summed={summed})" in patched(clone)


def test_a_reduction_that_is_told_in_two_ways_is_refused(make_clone: MakeClone) -> None:
    clone = make_clone(RECIPE.name)
    twice = "nll_loss = self.total(rec_loss, True)\nnll_loss = self.total(rec_loss, self.use_mean)"
    replace(
        clone / LOSS,
        {
            **HELPED,
            AVERAGED: twice,
            "self.codebook_weight = codebook_weight": "self.codebook_weight = codebook_weight\nself.use_mean = True",
        },
    )
    with pytest.raises(PatchError) as refusal:
        plan_apply(RECIPE, clone)
    assert refusal.value.file == LOSS and refusal.value.line


OWN = "taming.modules.losses.audio.LPAPSWithDiscriminator"
NAMED = "taming.modules.losses.vqperceptual.VQLPIPSWithDiscriminator"


@pytest.mark.parametrize("name", ["own.yaml", "own.yml"])
@pytest.mark.parametrize(
    ("text", "applies"),
    [
        (f"lossconfig:\n  target: {OWN}\n", False),
        (f"lossconfig:\n  target: {OWN}\n  # target: {NAMED}\n", False),
        (f"a:\n  target: {OWN}\nb:\n  target: {NAMED}\n", True),
        (f"target: ffl_plugin.integrations.autoencoder.loss_with_ffl\nloss: '{NAMED}'\nother: {OWN}\n", True),
        ("lossconfig:\n  target: taming.modules.losses.DummyLoss\n", True),
    ],
)
def test_a_loss_that_no_configuration_names_is_refused_if_they_name_others(
    make_clone: MakeClone, text: str, applies: bool, name: str
) -> None:
    clone = make_clone(RECIPE.name)
    (clone / "configs").mkdir()
    (clone / "configs" / name).write_text(text, encoding="utf-8")
    if applies:
        assert plan_apply(RECIPE, clone).changes
        return
    with pytest.raises(PatchError, match="LPAPSWithDiscriminator") as refusal:
        plan_apply(RECIPE, clone)
    assert (refusal.value.file, refusal.value.line) == (f"configs/{name}", 2)
