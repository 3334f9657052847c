"""Images of a StyleGAN2-ADA or StyleGAN3 network, sampled by its clone's code in a subprocess.

A pickle can execute code: it is never opened in this process, and the user vouches for the clone. Seeds count
up from 0, so that two networks are compared on the same ones, and every image is cached under the hash of
the pickle, the sampling code and the device: interrupted sampling continues.
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
from ffl_plugin.processes import last_line, running

# Runs in the clone's folder. Prints the number of images done, one per line, for the progress. Seeds are
# sampled eight at a time, always the same eight, because their noise is drawn together.
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

_FOR_TODAY = "patch the clone for current packages: `ffl-patch apply auto {clone} --with torch2`"

# Error of the clone's code -> advice. The first match is used.
_WAYS_OUT = {
    "No module named 'numpy._core": "it was saved under numpy 2; install numpy 1.26.1 or newer",
    "No module named 'pkg_resources'": _FOR_TODAY,
    "No module named 'distutils'": _FOR_TODAY,
    "No module named": "install the missing module in this command's environment",
    "deserialize object on a CUDA device": "it was saved on a GPU; sample it on a machine with one",
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
        cache: the cache folder; images are stored below ``samples``.
        device: for the subprocess; by default the GPU, if there is one.

    Raises ``FFLError`` if the clone or pickle is missing, or the clone's code fails, with its last line.
    """
    if not network.is_file():
        raise FFLError(f"{network} does not exist; pass a network-snapshot-*.pkl")
    if not (clone / "legacy.py").is_file():
        raise FFLError(
            f"{clone} has no legacy.py; pass the clone of StyleGAN2-ADA or StyleGAN3 that trained {network}"
        )
    if count < 1:
        raise FFLError(f"the number of images to sample must be at least 1, not {count}")
    chosen = find_device(device)
    digest = hashlib.sha256(f"{_SAMPLER} {chosen.type}".encode())
    digest.update(network.read_bytes())
    folder = cache / "samples" / digest.hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    mark_used(folder)
    names = [f"seed{seed:08d}.png" for seed in range(count)]
    if not all((folder / name).exists() for name in names):
        if rank_and_world()[1] > 1:
            raise FFLError(f"sample {network} in one process first: run the same command without torchrun")
        _run(network, clone, folder, count, str(chosen), progress)
    return FolderSource(folder, names)


def _run(
    network: Path, clone: Path, folder: Path, count: int, device: str, progress: Optional[Progress]
) -> None:
    arguments = [str(network.resolve()), str(folder.resolve()), str(count), device]
    errors = folder / "sampling.log"
    command = [sys.executable, "-B", "-c", _SAMPLER, *arguments]
    with errors.open("wb") as log, running(command, clone, subprocess.PIPE, log) as process:
        for line in process.stdout or ():
            if progress is not None and line.strip().isdigit():
                progress(int(line), count, "sampling")
        process.wait()
    if process.returncode != 0:
        last = last_line(errors)
        advice = next((f"; {way}" for message, way in _WAYS_OUT.items() if message in last), "")
        advice = advice.format(clone=shlex.quote(str(clone)))
        raise FFLError(f"{clone} could not sample {network}: {last}{advice} (full output in {errors})")
    errors.unlink()
