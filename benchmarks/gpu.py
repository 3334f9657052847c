"""One script for a machine with a GPU: what measuring and the loss do there, in under eight minutes.

    python benchmarks/gpu.py [--images 4096] [--seconds 420] [--out gpu.json]
    python benchmarks/gpu.py --device cpu --images 4 --seconds 120      # that the script itself works

Steps, each printed as it ends, so that a step that fails or runs out of time loses no other:

1. features: images a second from 256x256 PNG files to Inception features, by protocol, beside pytorch-fid and
   torch-fidelity if they are installed, with drawn weights (downloads: none); the share of the time in which
   the GPU works, from the driver; the largest difference from the features of a CPU.
2. spectra and pairs: images and pairs a second, and the largest difference from those of a CPU.
3. the loss: the table of benchmarks/loss.py.

It needs this repository and what `pip install -e .[metrics]` brings. The exit code is 1 where a step failed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "metrics")]

import numpy as np  # noqa: E402
import torch  # noqa: E402

from ffl_plugin import metrics  # noqa: E402
from ffl_plugin.metrics.torchvision_operators import import_torchvision  # noqa: E402

Numbers = dict[str, Any]


@contextmanager
def gpu_share(device: torch.device) -> Iterator[list[float]]:
    """Give a list that holds, at the end of the block, the share of the time in which the GPU worked."""
    shares: list[float] = []
    ended = threading.Event()
    seen: list[int] = []

    def watch() -> None:
        while not ended.wait(0.05):
            seen.append(torch.cuda.utilization(device))

    watcher = threading.Thread(target=watch)
    try:
        if device.type == "cuda":
            torch.cuda.utilization(device)  # raises where the driver's library is not there
            watcher.start()
    except Exception:
        yield shares
        return
    try:
        yield shares
    finally:
        ended.set()
        if watcher.is_alive():
            watcher.join()
        if seen:
            shares.append(statistics.mean(seen) / 100)


def draw(folder: Path, count: int) -> None:
    """Write pictures for the real and the generated side: 64 different ones, as many times as it takes."""
    from pictures import picture, png

    for side in ("real", "fake"):
        (folder / side).mkdir(parents=True)
        files = [png(picture(index, 256, 256, grain=8 if side == "real" else 5)) for index in range(64)]
        for index in range(count):
            # A comment at the end of the file, so that no two have the same hash.
            (folder / side / f"{index:06d}.png").write_bytes(files[index % 64] + str((side, index)).encode())


def timed(function: Callable[[], Any], count: int, device: torch.device) -> tuple[Any, Numbers]:
    """Run once; return the result, and how many of ``count`` things a second and the GPU's share."""
    with gpu_share(device) as shares:
        begun = time.perf_counter()
        result = function()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - begun
    return result, {"per second": count / seconds, "GPU works": shares[0] if shares else None}


def features(folder: Path, weights: Path, device: torch.device) -> Numbers:
    """Images a second from files to features, by protocol and by the peers."""
    found: Numbers = {}
    source = metrics.open_images(folder / "fake")
    few = source.subset(range(min(32, len(source))))
    for name, protocol in metrics.PROTOCOLS.items():
        extractor = metrics.Extractor(metrics.find_weights(weights), device=str(device))
        ours = extractor.extract(few, protocol).pool()  # and builds the network
        exact = metrics.Extractor(metrics.find_weights(weights), device="cpu").extract(few, protocol).pool()
        _, found[name] = timed(lambda p=protocol, e=extractor: e.extract(source, p), len(source), device)
        found[name]["relative difference from a CPU"] = float(
            np.linalg.norm(ours - exact) / np.linalg.norm(exact)
        )
    for name, peer in (("pytorch-fid", pytorch_fid), ("torch-fidelity", torch_fidelity)):
        try:
            run = peer(folder / "fake", weights, device)
            run(8)
            _, found[f"{name}'s own"] = timed(lambda r=run: r(len(source)), len(source), device)
        except Exception as error:
            found[f"{name}'s own"] = {"failed": f"{type(error).__name__}: {error}"}
    return found


def pytorch_fid(folder: Path, weights: Path, device: torch.device) -> Callable[[int], Any]:
    """pytorch-fid from files to features."""
    import_torchvision()
    from pytorch_fid import fid_score, inception

    state = torch.load(weights, weights_only=True)
    inception.load_state_dict_from_url = lambda *_, **__: state
    network = inception.InceptionV3([3]).eval().to(device)
    files = sorted(folder.iterdir())
    workers = min(8, metrics_threads())
    return lambda count: fid_score.get_activations(
        files[:count], network, min(64, count), 2048, device, num_workers=workers
    )


def torch_fidelity(folder: Path, weights: Path, device: torch.device) -> Callable[[int], Any]:
    """torch-fidelity from files to features."""
    import_torchvision()
    from torch_fidelity.datasets import ImagesPathDataset
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.utils import get_featuresdict_from_dataset

    network = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=str(weights))
    network = network.to(device)
    files = [str(path) for path in sorted(folder.iterdir())]
    return lambda count: get_featuresdict_from_dataset(
        ImagesPathDataset(files[:count]), network, min(64, count), device.type == "cuda", True, False
    )


def metrics_threads() -> int:
    """How many processors this process may use."""
    from ffl_plugin.metrics.one_pass import thread_count

    return thread_count()


def spectra_and_pairs(folder: Path, weights: Path, device: torch.device) -> Numbers:
    """Images and pairs a second, and how far the numbers are from a CPU's."""
    found: Numbers = {}
    source, pairs = metrics.open_images(folder / "fake"), metrics.open_pairs(folder / "fake", folder / "real")
    few = source.subset(range(min(96, len(source))))
    ours, exact = (metrics.measure_spectra(few, device=where) for where in (str(device), "cpu"))
    _, found["spectra"] = timed(
        lambda: metrics.measure_spectra(source, device=str(device)), len(source), device
    )
    found["spectra"]["largest difference from a CPU, dB"] = float(np.abs(ours.profile - exact.profile).max())
    first = range(min(32, len(pairs)))
    some = type(pairs)(pairs.names[:32], pairs.fake.subset(first), pairs.real.subset(first))
    ours, exact = (metrics.measure_pairs(some, device=where) for where in (str(device), "cpu"))
    _, found["pairs"] = timed(lambda: metrics.measure_pairs(pairs, device=str(device)), len(pairs), device)
    for metric, scores in ours.scores.items():
        difference = float(np.abs(scores - exact.scores[metric]).max())
        found["pairs"][f"largest difference from a CPU, {metric}"] = difference
    return found


def loss(_: Path, __: Path, device: torch.device, seconds: float) -> Numbers:
    """The table of benchmarks/loss.py, as it prints it; after ``seconds`` only the rows that it has."""
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "loss.py"),
        "--device",
        str(device),
        "--seconds",
        "1",
    ]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        printed = (error.stdout or b"").decode()  # bytes, also with text=True
        return {"table": f"{printed}cut off after {seconds:.0f} s"}
    if run.returncode:
        raise RuntimeError(run.stderr.strip().splitlines()[-1])
    return {"table": run.stdout}


def main() -> int:
    """Take every step that the time allows, and say how each ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--seconds", type=float, default=420)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, help="write what was found as JSON here, after every step")
    arguments = parser.parse_args()
    device, end = torch.device(arguments.device), time.monotonic() + arguments.seconds
    if device.type == "cuda" and not torch.cuda.is_available():
        print(f"torch {torch.__version__} sees no GPU; --device cpu tries the script itself", file=sys.stderr)
        return 1
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    results: Numbers = {"device": name, "torch": torch.__version__, "threads": metrics_threads()}
    print(json.dumps(results), flush=True)
    failed = False
    with tempfile.TemporaryDirectory() as folder_name:
        from weights_file import save_random_weights

        folder = Path(folder_name)
        weights = save_random_weights(folder / "weights.pth")
        draw(folder, arguments.images)
        steps: dict[str, Callable[[], Numbers]] = {
            "features": lambda: features(folder, weights, device),
            "spectra and pairs": lambda: spectra_and_pairs(folder, weights, device),
            "loss": lambda: loss(folder, weights, device, max(30.0, end - time.monotonic())),
        }
        for step, run in steps.items():
            left = end - time.monotonic()
            if left < 30:
                results[step] = {"skipped": f"{left:.0f} of {arguments.seconds:.0f} seconds are left"}
            else:
                try:
                    results[step] = run()
                except Exception as error:
                    failed = True
                    traceback.print_exc()
                    results[step] = {"failed": f"{type(error).__name__}: {error}"}
            table = results[step].pop("table", "")
            print(f"--- {step}\n{table or json.dumps(results[step], indent=1)}", flush=True)
            results[step] = results[step] or {"table": table}
            if arguments.out is not None:
                arguments.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
