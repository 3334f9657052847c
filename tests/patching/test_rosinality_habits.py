"""What forks of rosinality's StyleGAN2 do around the generator's step: patched, remarked on, or refused."""

from __future__ import annotations

import pytest
from clones import MakeClone

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

RECIPE = all_recipes()["stylegan2-rosinality"]

GENERATED = "        fake_img, _ = generator(mixing_noise(args.batch, args.latent, device))\n"
IN_G_STEP = f"        discriminator.requires_grad_(False)\n{GENERATED}"
LOSS = "        g_loss = g_nonsaturating_loss(discriminator(fake_img))\n"
SHOWN = '        loss_dict["g"] = g_loss\n'
BACKWARD = "        g_loss.backward()\n"
ARGS = '                        "args": args,\n'
TERM = "        g_ffl = ffl_term(fake_img, real_img, i)"
SUM = "            g_loss = g_loss + g_ffl\n"


def changed(make_clone: MakeClone, old: str, new: str) -> str:
    clone = make_clone(RECIPE.name)
    path = clone / "train.py"
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new))
    plan = plan_apply(RECIPE, clone)
    return plan.changes[0].new.decode() + "".join(plan.notes)


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (IN_G_STEP, IN_G_STEP.replace(GENERATED, f"{GENERATED}        fake_img = fake_img[:, :3]\n"),
         f"        fake_img = fake_img[:, :3]\n{TERM}"),
        (IN_G_STEP, IN_G_STEP.replace(GENERATED, f"        if i:\n    {GENERATED}        else:\n    {GENERATED}"),
         f"        else:\n    {GENERATED}\n{TERM}"),
        (IN_G_STEP, f"{IN_G_STEP}        fake_img = DiffAugment(fake_img, policy='color')\n", f"{GENERATED}{TERM}"),
        (SHOWN, f"{SHOWN}        g_loss = g_loss + 0.1 * fake_img.mean()\n", SUM),
        (BACKWARD, "        scaler.scale(g_loss).backward()\n", SUM),
        (ARGS, "", "its checkpoints do not keep args"),
        ("        real_img = next(loader).to(device)\n",
         "        real_img = next(loader).to(device)\n        real_img, _ = augment(real_img, 0.5)\n",
         "augments what the generated images are compared with"),
    ],
    ids=["cut", "in branches", "another augmentation", "one more loss", "scaler", "no args kept", "augmented reals"],
)  # fmt: skip
def test_a_fork_is_patched_at_the_same_place(make_clone: MakeClone, old: str, new: str, lines: str) -> None:
    assert lines in changed(make_clone, old, new)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (IN_G_STEP, IN_G_STEP.replace("fake_img", "made"), "not what the generator learns from"),
        (LOSS, LOSS.replace("discriminator(fake_img)", "discriminator(other)"), "not made from fake_img"),
        (LOSS, f"        whole = fill(fake_img, real_img)\n        seen = whole\n{LOSS.replace('(fake_img)', '(seen)')}",
         "a mixture of fake_img and real_img"),
        (BACKWARD, "        loss_dict['g'].backward()\n", "there is no `g_loss.backward(...)`"),
        (BACKWARD, f"        g_loss = g_other(fake_img)\n        del g_loss\n{BACKWARD.replace('g_loss', 'd_loss')}",
         "g_loss.backward"),
        ("pbar = range(args.iter)", "pbar = steps(args)", "pbar = range"),
    ],
    ids=["other name", "other images", "inpainting", "another backward", "discarded", "no bar"],
)  # fmt: skip
def test_a_fork_that_would_train_without_it_is_refused(
    make_clone: MakeClone, old: str, new: str, reason: str
) -> None:
    with pytest.raises(PatchError) as refusal:
        changed(make_clone, old, new)
    assert reason in refusal.value.problem
    assert refusal.value.file == "train.py" and refusal.value.line
