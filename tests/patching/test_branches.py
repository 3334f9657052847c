"""Branches and methods that would train without the term, and those that do not."""

from __future__ import annotations

import textwrap

import pytest
from clones import MakeClone, contents
from habits import BACKWARD, GMAIN_BACKWARD, JUDGED, LOSS, MODEL, replace
from pieces import block

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

STEP = """
    def optimize_parameters(self):
        self.forward()
        if self.opt.mixed:
            self.{twin}
        else:
            self.backward_G()
        self.optimizer_G.step()

    def backward_twin(self, {arguments}):
        {loss} = self.criterionGAN(self.netD(self.fake_B), True)
        {backward}
"""


# target, file, the line replaced, by what, and the refused line with the words that give the reason
REFUSED = {
    "one branch backpropagates the scores": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        """
        if self.hinge:
            (-scores).mean().backward()
        else:
            loss_Gmain.mean().mul(gain).backward()
        """,
        (40, "(-scores).mean().backward()", "loss_Gmain"),
    ),
    "one of three branches": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        """
        if self.pl_weight == 1:
            loss_Gmain.mean().mul(gain).backward()
        elif self.pl_weight == 2:
            scores.mean().backward()
        else:
            loss_Gmain.sum().mul(gain).backward()
        """,
        (42, "scores.mean().backward()", "loss_Gmain"),
    ),
    "a handler": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        """
        try:
            loss_Gmain.mean().mul(gain).backward()
        except RuntimeError:
            scores.mean().backward()
        """,
        (42, "scores.mean().backward()", "loss_Gmain"),
    ),
    "a choice of the total": (
        "pix2pix",
        MODEL,
        BACKWARD,
        """
        total = self.loss_G_GAN if self.opt.short else self.loss_G
        total.backward()
        """,
        (38, "total.backward()", "self.loss_G"),
    ),
    "a total of one branch": (
        "pix2pix",
        MODEL,
        BACKWARD,
        """
        if self.opt.short:
            total = self.loss_G_GAN
        else:
            total = self.loss_G
        total.backward()
        """,
        (41, "total.backward()", "self.loss_G"),
    ),
    "a choice inside the call": (
        "pix2pix",
        MODEL,
        BACKWARD,
        "(self.loss_G if self.opt.long else self.loss_G_GAN).backward()",
        (37, "(self.loss_G if self.opt.long else self.loss_G_GAN).backward()", "self.loss_G"),
    ),
    "a total that is bound again": (
        "pix2pix",
        MODEL,
        BACKWARD,
        """
        total = self.loss_G
        if self.opt.long:
            total.backward()
        else:
            total = self.loss_G_GAN
            total.backward()
        """,
        (42, "total.backward()", "self.loss_G"),
    ),
    "a loop that is left": (
        "pix2pix",
        MODEL,
        BACKWARD,
        """
        for _ in range(2):
            if self.opt.short:
                self.loss_G_GAN.backward()
                break
            self.loss_G.backward()
        """,
        (39, "self.loss_G_GAN.backward()", "self.loss_G"),
    ),
}


@pytest.mark.parametrize(("target", "file", "old", "new", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_branch_without_the_term_is_refused(
    make_clone: MakeClone, target: str, file: str, old: str, new: str, reason: tuple[int, str, str]
) -> None:
    clone = make_clone(target)
    replace(clone / file, {old: new})
    before = contents(clone)
    with pytest.raises(PatchError) as refused:
        plan_apply(all_recipes()[target], clone)
    line, call, carrier = reason
    assert (refused.value.file, refused.value.line) == (file, line)
    assert f"`{call}`" in refused.value.problem
    assert carrier in refused.value.problem
    assert contents(clone) == before


APPLIED = {
    "each branch backpropagates the loss": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        """
        if self.hinge:
            loss_Gmain.sum().mul(gain).backward()
        else:
            loss_Gmain.mean().mul(gain).backward()
        """,
    ),
    "a branch that skips the step": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        """
        if loss_Gmain.isfinite().all():
            loss_Gmain.mean().mul(gain).backward()
        """,
    ),
    "the test that the loss is made under": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        """
        if generator_step:
            loss_Gmain.mean().mul(gain).backward()
        """,
    ),
    "one more backward pass beside it": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        """
        if self.pl_weight:
            scores.square().mean().backward(retain_graph=True)
        loss_Gmain.mean().mul(gain).backward()
        """,
    ),
    "the same test twice": (
        "pix2pix",
        MODEL,
        BACKWARD,
        """
        total = self.loss_G_GAN
        if self.opt.long:
            total = self.loss_G
        if self.opt.long:
            total.backward()
        """,
    ),
    "a scaler or none": (
        "pix2pix",
        MODEL,
        BACKWARD,
        """
        if self.opt.mixed:
            self.scaler.scale(self.loss_G).backward()
        else:
            self.loss_G.backward()
        """,
    ),
    "retried when it fails": (
        "pix2pix",
        MODEL,
        BACKWARD,
        """
        try:
            self.loss_G.backward()
        except RuntimeError:
            self.loss_G.backward(retain_graph=True)
        """,
    ),
    "a test that is never true": (
        "pix2pix",
        MODEL,
        BACKWARD,
        """
        if False:
            self.loss_G_GAN.backward()
        else:
            self.loss_G.backward()
        """,
    ),
}


@pytest.mark.parametrize(("target", "file", "old", "new"), APPLIED.values(), ids=APPLIED)
def test_branches_that_all_train_with_the_term_apply(
    make_clone: MakeClone, target: str, file: str, old: str, new: str
) -> None:
    clone = make_clone(target)
    replace(clone / file, {old: new})
    assert plan_apply(all_recipes()[target], clone).changes


def test_a_backward_pass_that_always_follows_the_loss_applies(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    report = "training_stats.report('Loss/G/loss', loss_Gmain)"
    replace(clone / LOSS, {GMAIN_BACKWARD: "gain = 1"})
    replace(clone / LOSS, {report: f"try:\n    {report}\nfinally:\n    {GMAIN_BACKWARD}"})
    assert plan_apply(all_recipes()["stylegan2-ada"], clone).changes


def test_a_loop_around_the_loss_that_is_left_without_the_term_is_refused(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    file = clone / LOSS
    left = """
    if self.pl_weight:
        scores.mean().backward()
        break
    loss_Gmain.mean().mul(gain).backward()
    """
    replace(file, {GMAIN_BACKWARD: left})
    start = "        generator_step = "
    above, found, body = file.read_text(encoding="utf-8").partition(start)
    looped = f"        for _ in range(2):\n{textwrap.indent(found + body, ' ' * 4)}"
    file.write_text(above + looped, encoding="utf-8")
    with pytest.raises(PatchError, match=r"a branch backpropagates `scores\.mean") as refused:
        plan_apply(all_recipes()["stylegan2-ada"], clone)
    assert refused.value.line == 41


TWINS = {
    "a twin in mixed precision": (
        "backward_twin()",
        "scale=1",
        "self.loss_G",
        "self.scaler.scale(self.loss_G).backward()",
    ),
    "accelerate": (
        "backward_twin(accelerator)",
        "accelerator",
        "self.loss_G",
        "accelerator.backward(self.loss_G)",
    ),
    "a loss in a variable": ("backward_twin()", "scale=1", "loss_G", "self.scaler.scale(loss_G).backward()"),
    "a closure": ("backward_twin()", "scale=1", "self.loss_G", "return self.loss_G"),
}


@pytest.mark.parametrize(("twin", "arguments", "loss", "backward"), TWINS.values(), ids=TWINS)
def test_a_second_method_that_trains_is_refused(
    make_clone: MakeClone, twin: str, arguments: str, loss: str, backward: str
) -> None:
    clone = make_clone("pix2pix")
    file = clone / MODEL
    step = STEP.format(twin=twin, arguments=arguments, loss=loss, backward=backward)
    file.write_text(file.read_text(encoding="utf-8") + step, encoding="utf-8")
    with pytest.raises(PatchError, match="backward_twin") as refused:
        plan_apply(all_recipes()["pix2pix"], clone)
    assert (refused.value.file, refused.value.line) == (MODEL, 48)


def test_a_closure_that_trains_is_refused(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    file = clone / MODEL
    step = """
    def optimize_parameters(self):
        def closure():
            self.loss_G = self.criterionGAN(self.netD(self.fake_B), True)
            self.loss_G.backward()
            return self.loss_G

        if self.opt.second_order:
            self.optimizer_G.step(closure)
        else:
            self.backward_G()
            self.optimizer_G.step()
"""
    file.write_text(file.read_text(encoding="utf-8") + step, encoding="utf-8")
    with pytest.raises(PatchError, match="optimize_parameters") as refused:
        plan_apply(all_recipes()["pix2pix"], clone)
    assert (refused.value.file, refused.value.line) == (MODEL, 41)


def test_a_second_method_that_nothing_calls_is_no_reason(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    file = clone / MODEL
    step = STEP.format(twin="backward_G()", arguments="scale=1", loss="self.loss_G", backward=BACKWARD)
    file.write_text(file.read_text(encoding="utf-8") + step, encoding="utf-8")
    assert plan_apply(all_recipes()["pix2pix"], clone).changes


HARMLESS = {
    "without gradients": """
    @torch.no_grad()
    def value(self):
        self.loss_G = self.judged
        return self.loss_G
    """,
    "in a block without gradients": """
    def value(self):
        with torch.no_grad():
            self.loss_G = self.judged
        return self.loss_G
    """,
    "by the patched method": """
    def value(self):
        self.loss_G = self.backward_G()
        return self.loss_G
    """,
}


@pytest.mark.parametrize("method", HARMLESS.values(), ids=HARMLESS)
def test_a_second_method_that_does_not_train_by_itself_is_no_reason(
    make_clone: MakeClone, method: str
) -> None:
    clone = make_clone("pix2pix")
    file = clone / MODEL
    step = """
    def optimize_parameters(self):
        self.value()
        self.backward_G()
        self.optimizer_G.step()
    """
    added = "".join(f"\n{textwrap.indent(block(each), ' ' * 4)}" for each in (step, method))
    file.write_text(file.read_text(encoding="utf-8") + added, encoding="utf-8")
    assert plan_apply(all_recipes()["pix2pix"], clone).changes


def test_a_part_of_the_loss_made_by_another_method_is_no_reason(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    file = clone / MODEL
    replace(file, {JUDGED: "judged = self.judge()"})
    judge = """
    def judge(self):
        self.loss_G = 0
        return self.netD(torch.cat((self.real_A, self.fake_B), 1))
"""
    file.write_text(file.read_text(encoding="utf-8") + judge, encoding="utf-8")
    assert plan_apply(all_recipes()["pix2pix"], clone).changes


SCALED = {
    "in the backward pass": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        "(loss_Gmain * 0.1).mean().mul(gain).backward()",
        "loss_Gmain * 0.1",
    ),
    "by a method": (
        "stylegan2-ada",
        LOSS,
        GMAIN_BACKWARD,
        "loss_Gmain.mean().mul(0.1).mul(gain).backward()",
        "loss_Gmain.mean().mul(0.1)",
    ),
    "divided": (
        "pix2pix",
        MODEL,
        BACKWARD,
        "(self.loss_G / self.opt.steps).backward()",
        "self.loss_G / self.opt.steps",
    ),
    "in place": (
        "pix2pix",
        MODEL,
        BACKWARD,
        "self.loss_G = self.loss_G * 0.5\nself.loss_G.backward()",
        "self.loss_G * 0.5",
    ),
    "by an assignment": (
        "pix2pix",
        MODEL,
        BACKWARD,
        "self.loss_G *= 0.5\nself.loss_G.backward()",
        "self.loss_G *= 0.5",
    ),
}


@pytest.mark.parametrize(("target", "file", "old", "new", "scaled"), SCALED.values(), ids=SCALED)
def test_a_loss_that_is_scaled_with_the_term_in_it_is_said(
    make_clone: MakeClone, target: str, file: str, old: str, new: str, scaled: str
) -> None:
    clone = make_clone(target)
    replace(clone / file, {old: new})
    (note,) = plan_apply(all_recipes()[target], clone).notes
    line = next(n for n, text in enumerate((clone / file).read_text().splitlines(), 1) if scaled in text)
    assert f"{file}:{line}: `{scaled}`" in note


def test_what_is_divided_by_the_loss_is_no_scaling_of_it(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    replace(clone / MODEL, {BACKWARD: f"rate = 1 / self.loss_G\n{BACKWARD}"})
    assert plan_apply(all_recipes()["pix2pix"], clone).notes == ()


def test_a_part_that_is_scaled_before_the_term_is_added_is_not_said(make_clone: MakeClone) -> None:
    clone = make_clone("stylegan2-ada")
    report = "training_stats.report('Loss/G/loss', loss_Gmain)"
    replace(clone / LOSS, {report: f"loss_Gmain = loss_Gmain * 2\n{report}"})
    assert plan_apply(all_recipes()["stylegan2-ada"], clone).notes == ()


@pytest.mark.parametrize(
    "target", ["stylegan2-ada", "stylegan3", "eg3d", "projected-gan", "pix2pix", "cyclegan"]
)
def test_the_upstream_s_own_scaling_is_not_said(make_clone: MakeClone, target: str) -> None:
    assert plan_apply(all_recipes()[target], make_clone(target)).notes == ()
