"""What people do to the launchers of StyleGAN."""

from __future__ import annotations

import pytest
from clones import MakeClone
from habits import TRAIN, replace

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

LAUNCH = "launch_training(c=c, desc=desc, outdir=opts.outdir, dry_run=opts.dry_run)"


def test_a_launcher_that_launches_in_two_ways(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan3")
    replace(clone / TRAIN, {LAUNCH: f"if opts.desc:\n    {LAUNCH}\nelse:\n    {LAUNCH}"})
    (change, _) = plan_apply(all_recipes()["stylegan3"], clone).changes
    assert b"click.ClickException)\n\n    # Off it goes.\n    if opts.desc:\n" in change.new


def test_a_launcher_whose_options_another_function_makes(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan3")
    text = (clone / TRAIN).read_text(encoding="utf-8")
    made = text[text.index("    c = dnnlib") : text.index("    # Off it goes.")]
    text = text.replace(made, "    c, desc = made_from(opts)\n")
    text = text.replace(
        "@click.command()", f"def made_from(opts):\n{made}    return c, desc\n\n\n@click.command()"
    )
    (clone / TRAIN).write_text(text, encoding="utf-8")
    (change, _) = plan_apply(all_recipes()["stylegan3"], clone).changes
    assert b"    c, desc = made_from(opts)\n    desc += ffl.configure(c, opts.ffl_options" in change.new


def test_a_launcher_whose_main_leaves_all_to_another_function_is_told_what_to_do(
    make_clone: MakeClone,
) -> None:
    """And what it is told is right: once main does so, the patch applies."""
    clone = make_clone("stylegan3")
    text = (clone / TRAIN).read_text(encoding="utf-8")
    made = text[text.index("    c = dnnlib") : text.index("    # Off it goes.")]
    launched = text.replace(
        "@click.command()", f"def made_from(opts):\n{made}    return c, desc\n\n\n@click.command()"
    )
    left = launched.replace(f"{made}    # Off it goes.\n    {LAUNCH}\n", "    run(opts)\n")
    left += f"\n\ndef run(opts):\n    c, desc = made_from(opts)\n    {LAUNCH}\n"
    (clone / TRAIN).write_text(left, encoding="utf-8")
    told = "get it from a function of opts, and launch the training with it; compare it with NVlabs/stylegan3"
    with pytest.raises(PatchError, match=told):
        plan_apply(all_recipes()["stylegan3"], clone)
    replace(clone / TRAIN, {"    run(opts)": f"    c, desc = made_from(opts)\n    {LAUNCH}"})
    assert plan_apply(all_recipes()["stylegan3"], clone).changes


def test_a_launcher_that_makes_the_options_anew_is_refused(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan3")
    start = "def launch_training(c, desc, outdir, dry_run):\n"
    replace(clone / TRAIN, {start: f"{start}    c.loss_kwargs = dnnlib.EasyDict(r1_gamma=1)\n"})
    with pytest.raises(PatchError, match=r"train.py:10: launch_training replaces c.loss_kwargs"):
        plan_apply(all_recipes()["stylegan3"], clone)


def test_a_launcher_that_imports_option_by_name(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    text = (clone / TRAIN).read_text(encoding="utf-8").replace("@click.option(", "@option(")
    text = text.replace("import click\n", "import click\nfrom click import option\n")
    (clone / TRAIN).write_text(text, encoding="utf-8")
    (change, _) = plan_apply(all_recipes()["stylegan2-ada"], clone).changes
    assert b"type=float)\n@ffl.options\n@option('--batch'" in change.new
