"""The commands that install missing modules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

# Modules used by the supported families whose package has another name, or needs a version bound.
_PACKAGES = {
    "OpenGL": "pyopengl",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "ffmpeg": "ffmpeg-python",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "timm": "'timm<0.6'",  # its EfficientNet has the act1 that Projected GAN uses
    "yaml": "pyyaml",
}
_SAME_NAME = {
    "click", "dill", "dominate", "ftfy", "gdown", "glfw", "imageio", "imgui", "kornia", "lmdb", "lpips",
    "matplotlib", "mrcfile", "mtcnn", "munch", "ninja", "numpy", "pandas", "plyfile", "psutil",
    "pycocotools", "pyspng", "pytest", "regex", "requests", "scipy", "tensorboard", "tensorflow",
    "torchvision", "tqdm", "trimesh", "wandb",
}  # fmt: skip
_OLD_SETUPTOOLS = "'setuptools<82'"
_WITH_OLD_SETUPTOOLS = frozenset({"distutils", "pkg_resources"})
_BUILT_BY_OLD_SETUPTOOLS = frozenset({"visdom"})
_WAYS_AROUND = {"visdom": "train with --display_id 0"}
_RECORDS = ("requirements*.txt", "environment*.y*ml")


def how_to_install(modules: Iterable[str], clone: Path) -> str:
    """Return a sentence, without a full stop, that installs the packages of top-level modules.

    A package named like its module, which on PyPI may be anyone's, is suggested only if the families' scripts
    are known to need it, or the clone's requirements list it.
    """
    listed = _requirements(clone)
    pip, old, unknown = [], [], []
    for module in sorted(set(modules)):
        if module in _BUILT_BY_OLD_SETUPTOOLS:
            old.append(module)
        elif module in _WITH_OLD_SETUPTOOLS:
            pip.append(_OLD_SETUPTOOLS)
        elif module in _PACKAGES or module in _SAME_NAME or module.lower() in listed:
            pip.append(_PACKAGES.get(module, module))
        else:
            unknown.append(module)
    steps = [f"pip install {' '.join(dict.fromkeys(pip))}"] if pip else []
    if old:  # their setup.py imports pkg_resources, so they need an old setuptools to build
        around = "".join(f", or {_WAYS_AROUND[module]}" for module in old)
        steps.append(
            f"pip install {_OLD_SETUPTOOLS} && pip install --no-build-isolation {' '.join(old)}{around}"
        )
    if unknown:
        steps.append(f"see the upstream's README for {', '.join(unknown)}")
    return "; ".join(steps)


def _requirements(clone: Path) -> frozenset[str]:
    """Return the names in a clone's requirement files."""
    names: set[str] = set()
    for pattern in _RECORDS:
        for file in clone.glob(pattern):
            text = file.read_text(encoding="utf-8", errors="replace")
            names.update(name.lower() for name in re.findall(r"^[\s-]*([A-Za-z][\w.-]*)", text, re.MULTILINE))
    return frozenset(names)
