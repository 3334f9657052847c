"""What the step workers share: a clone's own modules, absent libraries replaced, results written."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Callable
from unittest.mock import MagicMock

import torch

MOST_STAND_INS = 40
KEPT: list[Any] = []


def begin() -> dict[str, Any]:
    """Read the job from standard input and make the clone, not this folder, the first place of imports."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", here)]
    job: dict[str, Any] = json.load(sys.stdin)
    sys.path.insert(0, job["root"])
    declare_torchvision_operators()
    stay_on_the_cpu()
    return job


def run(main: Callable[[], None]) -> None:
    """Run a worker; its error goes to the real standard error, whatever the clone has put in its place."""
    try:
        main()
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)


def declare_torchvision_operators() -> None:
    """Let torchvision be imported beside a torch without its compiled operators.

    Where they load, a declaration would keep them out. Importing torchvision to see would take a second.
    """
    package = importlib.util.find_spec("torchvision")
    for folder in (package and package.submodule_search_locations) or ():
        for compiled in Path(folder).glob("_C.*"):
            with suppress(OSError):  # built for another torch
                torch.ops.load_library(str(compiled))
                return
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    KEPT.append(library)


def stay_on_the_cpu() -> None:
    """Let code that moves to a GPU without asking whether there is one go on where it is."""
    if not torch.cuda.is_available():
        torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self  # type: ignore[assignment,method-assign]


def with_stand_ins(run: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Run something that imports; modules that are not installed become mocks, and are named."""
    absent: list[str] = []
    while True:
        try:
            return run(), absent
        except ModuleNotFoundError as error:
            name = error.name or ""
            if not name or name in absent or len(absent) == MOST_STAND_INS:
                raise
            absent.append(name)
            sys.modules[name] = stand_in(name)


def stand_in(name: str) -> ModuleType:
    """A module of which everything can be imported and called."""
    module: Any = MagicMock(name=name)
    module.__path__, module.__name__, module.__spec__ = [], name, None
    if name == "timm":  # its models become parts of others
        module.create_model = lambda *arguments, **keywords: torch.nn.Identity()
    if name == "munch":
        module.Munch = Munch
    if name == "pkg_resources":  # today's setuptools has none
        module.parse_version = torch.torch_version.TorchVersion
    if name.endswith("sync_batchnorm"):  # on one process it is the plain one
        module.SynchronizedBatchNorm2d = torch.nn.BatchNorm2d
    found: ModuleType = module
    return found


class Munch(dict[str, Any]):
    """A dict with attributes, as StarGAN v2 keeps its networks."""

    __setattr__ = dict.__setitem__

    def __getattr__(self, name: str) -> Any:
        """Look up a key."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def gradients(*modules: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Every gradient of the modules, by number and name."""
    return {
        f"{number}.{name}": parameter.grad.detach().clone()
        for number, module in enumerate(modules)
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


def clear(*modules: torch.nn.Module) -> None:
    """Forget the gradients."""
    for module in modules:
        module.zero_grad(set_to_none=True)


def finish(job: dict[str, Any], steps: list[Any], stand_ins: list[str]) -> None:
    """Write the results where the job says."""
    torch.save({"steps": steps, "stand_ins": stand_ins}, job["results"])
