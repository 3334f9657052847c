"""How SPADE's relatives hand on the images that they generate."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import MakeClone, contents
from habits import GENERATE, MODEL
from pieces import put

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply, plan_revert


def change(clone: Path, made: str, name: str = "out") -> None:
    """Let generate_fake return a dict, or let it be called in another way."""
    file = clone / MODEL
    text = file.read_text(encoding="utf-8")
    body, _, rest = put(text, GENERATE, made).partition("    def generate_fake")
    body = body.replace("fake_image", f"{name}['fake_image']").replace("divergence", f"{name}['kld']")
    rest = rest.replace(
        "return self.netG(input_semantics), None",
        "return {'fake_image': self.netG(input_semantics), 'kld': None}",
    )
    file.write_text(f"{body}    def generate_fake{rest}", encoding="utf-8")


@pytest.mark.parametrize("name", ["out", "generate_out"])
def test_images_under_a_key_are_compared(make_clone: MakeClone, name: str) -> None:
    clone = make_clone("spade")
    change(clone, f"{name} = self.generate_fake(input_semantics, real_image)", name)
    before = contents(clone)
    recipe = all_recipes()["spade"]
    plan_apply(recipe, clone).write()
    assert f"ffl.add_term(self, G_losses, {name}['fake_image'], real_image)" in (clone / MODEL).read_text()
    assert not plan_apply(recipe, clone).changes
    plan_revert(recipe, clone).write()
    assert contents(clone) == before


@pytest.mark.parametrize("reference", ["ref_image=ref_image", "ref_semantics=ref", "exemplar"])
def test_images_that_follow_another_image_are_refused_in_words(make_clone: MakeClone, reference: str) -> None:
    clone = make_clone("spade")
    change(clone, f"out = self.generate_fake(input_semantics, real_image, {reference})")
    with pytest.raises(PatchError, match="follow a reference image") as refused:
        plan_apply(all_recipes()["spade"], clone)
    assert (refused.value.file, refused.value.line) == (MODEL, 23)
    assert "`" not in refused.value.problem


def test_images_from_nowhere_are_refused_in_words(make_clone: MakeClone) -> None:
    clone = make_clone("spade")
    change(clone, "out = self.netG(input_semantics)")
    with pytest.raises(PatchError, match=r"does not call self\.generate_fake") as refused:
        plan_apply(all_recipes()["spade"], clone)
    assert (refused.value.file, refused.value.line) == (MODEL, 20)


def test_a_reference_beside_a_target_is_no_reason(make_clone: MakeClone) -> None:
    """The upstream compares the image with real_image itself, so that is what it should be."""
    clone = make_clone("spade")
    change(clone, "out = self.generate_fake(input_semantics, real_image, refer_image)")
    file = clone / MODEL
    text = file.read_text(encoding="utf-8")
    line = "        G_losses['GAN'] ="
    assert line in text
    own = "        G_losses['VGG'] = self.criterionVGG(out['fake_image'], real_image)\n"
    file.write_text(text.replace(line, own + line), encoding="utf-8")
    assert plan_apply(all_recipes()["spade"], clone).changes
