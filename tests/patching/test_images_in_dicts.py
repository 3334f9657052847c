"""EG3D's images are dicts; forks make them in branches, or train on others with an option of theirs."""

from __future__ import annotations

import pytest
import torch
from clones import MakeClone
from habits import LOSS, replace

from ffl_plugin.integrations import eg3d
from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

MADE = "real_img = {'image': real_img, 'image_raw': small}"

REFUSED = {
    "in one branch": (
        """
        if self.dual:
            real_img = {'image': real_img, 'image_raw': small}
        """,
        22,
    ),
    "without the key in the other": (
        """
        if self.dual:
            real_img = {'image': real_img, 'image_raw': small}
        else:
            real_img = {'image_raw': small}
        """,
        22,
    ),
    "as a tensor in the other": (
        """
        if self.dual:
            real_img = {'image': real_img, 'image_raw': small}
        else:
            real_img = small
        """,
        22,
    ),
    "in a loop": (
        """
        for _ in range(self.times):
            real_img = {'image': real_img, 'image_raw': small}
        """,
        22,
    ),
    "and then something else": (
        """
        real_img = {'image': real_img, 'image_raw': small}
        if self.half:
            real_img = {'image_raw': small}
        """,
        27,
    ),
}


@pytest.mark.parametrize(("new", "line"), REFUSED.values(), ids=REFUSED)
def test_images_that_may_be_no_dict_are_refused(make_clone: MakeClone, new: str, line: int) -> None:
    clone = make_clone("eg3d")
    replace(clone / LOSS, {MADE: new})
    with pytest.raises(PatchError, match="real_img") as refused:
        plan_apply(all_recipes()["eg3d"], clone)
    assert (refused.value.file, refused.value.line) == (LOSS, line)


def test_a_dict_in_each_branch_applies(make_clone: MakeClone) -> None:
    clone = make_clone("eg3d")
    made = """
    if self.dual:
        real_img = {'image': real_img, 'image_raw': small}
    else:
        real_img = dict(image=real_img, image_raw=small)
    """
    replace(clone / LOSS, {MADE: made})
    assert plan_apply(all_recipes()["eg3d"], clone).changes


@pytest.mark.parametrize("images", [torch.zeros(2, 3, 8, 8), {"image_raw": torch.zeros(2, 3, 8, 8)}, None])
def test_nothing_is_read_while_the_loss_is_off(images: object) -> None:
    assert eg3d.GeneratorTerm()(images, images) is None


def test_what_is_inserted_reads_no_image(make_clone: MakeClone) -> None:
    plan = plan_apply(all_recipes()["eg3d"], make_clone("eg3d"))
    added = [line for line in plan.diff().decode().splitlines() if line.startswith("+")]
    assert any("self.ffl(gen_img, real_img)" in line for line in added)
    assert not any("['image']" in line for line in added)


def test_the_full_size_images_are_compared() -> None:
    small, large = torch.zeros(2, 3, 4, 4), torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    term = eg3d.GeneratorTerm({"weight": 2.0, "spectrum": "image"})
    fake = {"image": large.clone().requires_grad_(), "image_raw": small}
    value = term(fake, {"image": torch.zeros_like(large), "image_raw": small})
    direct = eg3d._stylegan.GeneratorTerm({"weight": 2.0, "spectrum": "image"})
    expected = direct(fake["image"], torch.zeros_like(large))
    assert value is not None and expected is not None
    assert torch.equal(value, expected) and value > 0
