"""What forks of rosinality's StyleGAN2 do around the generator's step: patched, remarked on, or refused."""

from __future__ import annotations

import pytest
from clones import MakeClone
from habits import TRAIN, replace

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

RECIPE = all_recipes()["stylegan2-rosinality"]

GENERATED = "fake_img, _ = generator(mixing_noise(args.batch, args.latent, device))"
IN_G_STEP = f"discriminator.requires_grad_(False)\n{GENERATED}"
LOSS = "g_loss = g_nonsaturating_loss(discriminator(fake_img))"
SHOWN = 'loss_dict["g"] = g_loss'
BACKWARD = "g_loss.backward()"
READ = "real_img = next(loader).to(device)"
IN_BRANCHES = """
discriminator.requires_grad_(False)
if i:
    fake_img, _ = generator(mixing_noise(args.batch, args.latent, device))
else:
    fake_img, _ = generator(mixing_noise(args.batch, args.latent, device))
"""
FROZEN = f"""
discriminator.requires_grad_(False)
with torch.no_grad():
    {GENERATED}
"""
MIXED = """
whole = fill(fake_img, real_img)
seen = whole
g_loss = g_nonsaturating_loss(discriminator(seen))
"""
TERM = "        g_ffl = ffl_term(fake_img, real_img, i)"
SUM = "            g_loss = g_loss + g_ffl\n"


def changed(make_clone: MakeClone, old: str, new: str) -> str:
    clone = make_clone(RECIPE.name)
    replace(clone / TRAIN, {old: new})
    plan = plan_apply(RECIPE, clone)
    return plan.changes[0].new.decode() + "".join(plan.notes)


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (IN_G_STEP, f"{IN_G_STEP}\nfake_img = fake_img[:, :3]", f"        fake_img = fake_img[:, :3]\n{TERM}"),
        (IN_G_STEP, IN_BRANCHES, f"        else:\n            {GENERATED}\n\n{TERM}"),
        (IN_G_STEP, f"{IN_G_STEP}\nfake_img = DiffAugment(fake_img, policy='color')", f"{GENERATED}\n{TERM}"),
        (SHOWN, f"{SHOWN}\ng_loss = g_loss + 0.1 * fake_img.mean()", SUM),
        (BACKWARD, "scaler.scale(g_loss).backward()", SUM),
        ('                        "args": args,\n', "", "checkpoints do not contain args"),
        (READ, f"{READ}\nreal_img, _ = augment(real_img, 0.5)", "augments the images"),
    ],
    ids=["cut", "in branches", "another augmentation", "one more loss", "scaler", "no args kept", "augmented reals"],
)  # fmt: skip
def test_a_fork_is_patched_at_the_same_place(make_clone: MakeClone, old: str, new: str, lines: str) -> None:
    assert lines in changed(make_clone, old, new)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (IN_G_STEP, IN_G_STEP.replace("fake_img", "made"), "not bound between"),
        (LOSS, LOSS.replace("discriminator(fake_img)", "discriminator(other)"), "not made from fake_img"),
        (LOSS, MIXED, "a mixture of fake_img and real_img"),
        (IN_G_STEP, FROZEN, "under torch.no_grad(), so FFL would not reach the generator"),
        (BACKWARD, "loss_dict['g'].backward()", "there is no `g_loss.backward(...)`"),
        (BACKWARD, "g_loss = g_other(fake_img)\ndel g_loss\nd_loss.backward()", "g_loss.backward"),
        ("pbar = range(args.iter)", "pbar = steps(args)", "pbar = range"),
    ],
    ids=["other name", "other images", "inpainting", "a frozen generator", "another backward", "discarded", "no bar"],
)  # fmt: skip
def test_a_fork_that_would_train_without_it_is_refused(
    make_clone: MakeClone, old: str, new: str, reason: str
) -> None:
    with pytest.raises(PatchError) as refusal:
        changed(make_clone, old, new)
    assert reason in refusal.value.problem
    assert refusal.value.file == "train.py" and refusal.value.line
