"""The model that a trainer makes is the one that is patched."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import MakeClone, contents
from pieces import put

from ffl_plugin.patches import all_recipes
from ffl_plugin.patching import PatchError, plan_apply

TRAINER = """
IMPORTED


class Trainer:
    def __init__(self, opt):
        MADE
        if len(opt.gpu_ids) > 0:
            self.model = Parallel(self.model, device_ids=opt.gpu_ids)

    def step(self, data):
        losses, _ = self.model(data, mode='generator')
        sum(losses.values()).mean().backward()
"""
OWN = """
from models.pix2pix_model import Pix2PixModel


class LabelModel(Pix2PixModel):
    def compute_generator_loss(self, label, image):
        return {'GAN': self.criterionGAN(self.netD(label), True)}, label
"""
HEIR = """
from .pix2pix_model import Pix2PixModel


class HeirModel(Pix2PixModel):
    def extra(self):
        return None
"""


def trainer_of(imported: str, made: str) -> str:
    return put(put(TRAINER, "IMPORTED", imported), "MADE", made)


def write(clone: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text.lstrip("\n"), encoding="utf-8")


def spade(make_clone: MakeClone, imported: str, made: str) -> Path:
    clone = make_clone("spade")
    write(
        clone,
        {
            "trainers/trainer.py": trainer_of(imported, made),
            "models/label_model.py": OWN,
            "models/heir_model.py": HEIR,
            "models/parallel.py": "class Parallel:\n    pass\n",
            "models/__init__.py": "from .label_model import LabelModel as Chosen\n",
            "train.py": "from trainers.trainer import Trainer\n",
        },
    )
    return clone


OTHERS = {
    "another class": ("from models.label_model import LabelModel", "self.model = LabelModel(opt)"),
    "under another name": ("from models.label_model import LabelModel as Net", "self.model = Net(opt)"),
    "through its module": ("import models.label_model", "self.model = models.label_model.LabelModel(opt)"),
    "through its package": ("from models import Chosen", "self.model = Chosen(opt)"),
    "in one branch": (
        "from models.label_model import LabelModel\nfrom models.pix2pix_model import Pix2PixModel",
        """
        self.model = Pix2PixModel(opt)
        if opt.labels:
            self.model = LabelModel(opt)
        """,
    ),
}


@pytest.mark.parametrize(("imported", "made"), OTHERS.values(), ids=OTHERS)
def test_a_trainer_of_another_model_is_refused(make_clone: MakeClone, imported: str, made: str) -> None:
    clone = spade(make_clone, imported, made)
    before = contents(clone)
    with pytest.raises(PatchError, match=r"LabelModel of models/label_model.py") as refused:
        plan_apply(all_recipes()["spade"], clone)
    assert refused.value.file == "trainers/trainer.py"
    assert contents(clone) == before


SAME = {
    "the class": ("from models.pix2pix_model import Pix2PixModel", "self.model = Pix2PixModel(opt)"),
    "one that inherits": ("from models.heir_model import HeirModel", "self.model = HeirModel(opt)"),
    "one that is wrapped": (
        "from models.pix2pix_model import Pix2PixModel\nfrom models.parallel import Parallel",
        "self.model = Pix2PixModel(opt)",
    ),
    "one that is looked up": ("import models", "self.model = models.create_model(opt)"),
}


@pytest.mark.parametrize(("imported", "made"), SAME.values(), ids=SAME)
def test_a_trainer_of_the_patched_model_applies(make_clone: MakeClone, imported: str, made: str) -> None:
    assert plan_apply(all_recipes()["spade"], spade(make_clone, imported, made)).changes


def test_a_trainer_that_the_launcher_does_not_import_is_no_reason(make_clone: MakeClone) -> None:
    clone = spade(make_clone, *SAME["the class"])
    write(clone, {"trainers/label_trainer.py": trainer_of(*OTHERS["another class"])})
    assert plan_apply(all_recipes()["spade"], clone).changes
    (clone / "train.py").write_text("from trainers.label_trainer import Trainer\n", encoding="utf-8")
    with pytest.raises(PatchError, match="LabelModel"):
        plan_apply(all_recipes()["spade"], clone)


LOOP = """
{imported}

model = {made}
for data in loader:
    model.set_input(data)
    model.optimize_parameters()
"""
CHAIN = """
def create_model(opt):
    if opt.model == 'other':
        from .other_model import OtherModel
        return OtherModel(opt)
    from .{module} import {name}
    return {name}(opt)
"""
FACTORY = """
def create_model(opt):
    if opt.model == 'other':
        from .other_model import OtherModel
        model = OtherModel(opt)
    else:
        from .tuned_model import Pix2PixModel
        if opt.isTrain:
            model = Pix2PixModel(opt)
    return model
"""
OTHER = """
class OtherModel:
    def backward_G(self):
        self.loss_G.backward()
"""


@pytest.mark.parametrize("target", ["pix2pix", "cyclegan"])
@pytest.mark.parametrize("chosen", ["class", "chain", "other class", "other chain"])
def test_the_model_of_a_training_loop(make_clone: MakeClone, target: str, chosen: str) -> None:
    clone = make_clone(target)
    (model,) = (clone / "models").glob("*_model.py")
    name = {"pix2pix": "Pix2PixModel", "cyclegan": "CycleGANModel"}[target]
    module, name = ("other_model", "OtherModel") if chosen.startswith("other") else (model.stem, name)
    imported, made = f"from models.{module} import {name}", f"{name}(opt)"
    if chosen.endswith("chain"):
        imported, made = "from models import create_model", "create_model(opt)"
    write(
        clone,
        {
            "models/other_model.py": OTHER,
            "models/__init__.py": CHAIN.format(module=module, name=name),
            "train.py": LOOP.format(imported=imported, made=made),
        },
    )
    if chosen.startswith("other"):
        with pytest.raises(PatchError, match=r"OtherModel of models/other_model.py") as refused:
            plan_apply(all_recipes()[target], clone)
        assert refused.value.file == "train.py"
    else:
        assert plan_apply(all_recipes()[target], clone).changes


def test_of_several_other_models_the_copy_of_the_patched_one_is_named(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    write(
        clone,
        {
            "models/other_model.py": OTHER,
            "models/tuned_model.py": (clone / "models" / "pix2pix_model.py").read_text(encoding="utf-8"),
            "models/__init__.py": FACTORY,
            "train.py": LOOP.format(imported="from models import create_model", made="create_model(opt)"),
        },
    )
    with pytest.raises(PatchError, match=r"trains Pix2PixModel of models/tuned_model\.py, not Pix2PixModel"):
        plan_apply(all_recipes()["pix2pix"], clone)


def test_the_trainer_of_another_repository_in_the_folder_is_no_reason(make_clone: MakeClone) -> None:
    clone = make_clone("spade")
    model = (clone / "models" / "pix2pix_model.py").read_text(encoding="utf-8")
    trainer = trainer_of(*SAME["the class"])
    write(clone, {"inner/models/pix2pix_model.py": model, "inner/trainers/trainer.py": trainer})
    assert plan_apply(all_recipes()["spade"], clone).changes


def test_a_script_for_another_model_beside_the_training_loop_is_no_reason(make_clone: MakeClone) -> None:
    clone = make_clone("pix2pix")
    write(
        clone,
        {
            "models/other_model.py": OTHER,
            "models/__init__.py": "def create_model(opt):\n    return find_model(opt.model)(opt)\n",
            "train.py": LOOP.format(imported="from models import create_model", made="create_model(opt)"),
            "other_main.py": LOOP.format(
                imported="from models.other_model import OtherModel", made="OtherModel(opt)"
            ),
        },
    )
    assert plan_apply(all_recipes()["pix2pix"], clone).changes
