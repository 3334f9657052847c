"""Images of a StyleGAN2-ADA or StyleGAN3 network, sampled by its own clone's code in a process of its own.

A pickle is code: it is never opened in this process, and the clone is the user's word that it may run. Seeds
count up from 0, so that two networks are compared on the same ones, and every image is kept under the hash of
the pickle, of how it was sampled and on what: sampling goes on where it was stopped.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Optional

from ffl_plugin.cache import mark_used
from ffl_plugin.errors import FFLError
from ffl_plugin.metrics.devices import find_device
from ffl_plugin.metrics.distributed import rank_and_world
from ffl_plugin.metrics.progress import Progress
from ffl_plugin.metrics.sources import FolderSource, ImageSource

# Runs in the clone's folder. Prints the number of images done, one line each, for the progress. Seeds go
# through the network eight at a time, always the same eight: their noise is drawn together.
_SAMPLER = """
import sys
from pathlib import Path

sys.path.insert(0, "")
network, folder, count, device = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

import numpy as np
import torch
from PIL import Image
import legacy

with open(network, "rb") as file:
    generator = legacy.load_network_pkl(file)["G_ema"].eval().requires_grad_(False).to(device)
options = {} if device.startswith("cuda") else {"force_fp32": True}
with torch.no_grad():
    for first in range(0, count, 8):
        targets = {seed: folder / f"seed{seed:08d}.png" for seed in range(first, first + 8)}
        if not all(target.exists() for target in targets.values()):
            draws = [np.random.RandomState(seed) for seed in targets]
            z = torch.from_numpy(np.stack([draw.randn(generator.z_dim) for draw in draws])).to(device)
            labels = torch.zeros([8, generator.c_dim], device=device)
            if generator.c_dim:
                for label, draw in zip(labels, draws):
                    label[draw.randint(generator.c_dim)] = 1
            torch.manual_seed(first)
            images = generator(z, labels, **options)
            images = (images * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
            if images.shape[3] == 1:
                images = images.repeat(3, axis=3)
            for target, pixels in zip(targets.values(), images):
                if not target.exists():
                    partial = target.with_suffix(".partial")
                    Image.fromarray(pixels).save(partial, "PNG", compress_level=1)
                    partial.replace(target)
        print(min(first + 8, count), flush=True)
"""

_FOR_TODAY = "patch the clone for today's packages: `ffl-patch apply auto {clone} --with torch2`"

# What the clone's code says when it fails -> the way out. The first that fits is taken.
_WAYS_OUT = {
    "No module named 'numpy._core": "it was saved under numpy 2; install numpy 1.26.1 or newer here",
    "No module named 'pkg_resources'": _FOR_TODAY,
    "No module named 'distutils'": _FOR_TODAY,
    "No module named": "install what it lacks in the environment of this command",
    "deserialize object on a CUDA device": "it was saved on a GPU; sample it on a machine that has one",
}


def sample_generator(
    network: Path,
    clone: Path,
    *,
    count: int,
    cache: Path,
    device: Optional[str] = None,
    progress: Optional[Progress] = None,
) -> ImageSource:
    """Sample images of seeds 0 … count − 1 from ``G_ema`` of a network pickle, without truncation.

    Args:
        network: ``network-snapshot-*.pkl``.
        clone: the repository that wrote it; its ``legacy.py`` loads it, in a subprocess.
        count: number of images.
        cache: where they are kept, below ``samples``.
        device: for the subprocess; the GPU, if there is one.

    Raises ``FFLError`` when the clone or pickle is missing, or the clone's code fails, with its last words.
    """
    if not network.is_file():
        raise FFLError(f"{network} does not exist; give a network-snapshot-*.pkl")
    if not (clone / "legacy.py").is_file():
        raise FFLError(
            f"{clone} has no legacy.py; give the clone of StyleGAN2-ADA or StyleGAN3 that trained {network}"
        )
    if count < 1:
        raise FFLError(f"the number of images to sample is at least 1, not {count}")
    chosen = find_device(device)
    digest = hashlib.sha256(f"{_SAMPLER} {chosen.type}".encode())
    digest.update(network.read_bytes())
    folder = cache / "samples" / digest.hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    mark_used(folder)
    names = [f"seed{seed:08d}.png" for seed in range(count)]
    if not all((folder / name).exists() for name in names):
        if rank_and_world()[1] > 1:
            raise FFLError(f"sample {network} in one process first: without torchrun, the same command")
        _run(network, clone, folder, count, str(chosen), progress)
    return FolderSource(folder, names)


def _run(
    network: Path, clone: Path, folder: Path, count: int, device: str, progress: Optional[Progress]
) -> None:
    arguments = [str(network.resolve()), str(folder.resolve()), str(count), device]
    errors = folder / "sampling.log"
    with (
        errors.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [sys.executable, "-B", "-c", _SAMPLER, *arguments],
            cwd=clone,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        # Where this is stopped the pipe closes, and the next number printed into it stops the sampling.
        for line in process.stdout or ():
            if progress is not None and line.strip().isdigit():
                progress(int(line), count, "sampling")
    if process.returncode != 0:
        words = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no message"]
        advice = next((f"; {way}" for said, way in _WAYS_OUT.items() if said in words[-1]), "")
        advice = advice.format(clone=shlex.quote(str(clone)))
        raise FFLError(f"{clone} could not sample {network}: {words[-1]}{advice} (all of it is in {errors})")
    errors.unlink()
