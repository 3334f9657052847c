"""Speed and memory of measuring, beside another build of this project and the field's loaders, in one run.

    git worktree add /tmp/before d993485
    python benchmarks/measuring.py --before /tmp/before [--only spectra ssim] [--pairs 2000] [--rounds 3]

Every measurement is a process of its own, with OMP_NUM_THREADS and the processors it may use set to
``--threads``; builds alternate from round to round, and medians are shown. "cpu" is processor time, which a
busy machine lengthens less than time on the wall. Pictures are drawn, 256x256 and 1024x1024 PNG.

- spectra, ssim: processor time of an image and of a pair, for which torch has one thread. "bare" is
  a batched float32 transform with its power and logarithm; "decoding" is part of the spectra of both builds.
- feeding: images a second that reach a network which does nothing. "Pillow" decodes the same files in as many
  threads; pytorch-fid and clean-fid are their own loaders, with as many workers.
- compare: all that `ffl-patch compare` measures without a network, and the same again.
- fid: two folders to one number on a CPU, with drawn weights, beside pytorch-fid and torch-fidelity.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Optional

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "metrics"))

# What a process measures: a number for each of its names. Units end the names.
Numbers = dict[str, float]


def cpu(function: Callable[[], object], count: int) -> float:
    """Milliseconds of processor time of one of ``count`` things."""
    begun = time.process_time()
    function()
    return (time.process_time() - begun) / count * 1e3


def spectra(folder: Path, _: Path) -> Numbers:
    """Averaged spectra of a set, and what a bare transform of as many images takes."""
    import numpy as np
    import torch

    from ffl_plugin import metrics

    numbers = {}
    for side in (256, 1024):
        source = metrics.open_images(folder / f"set-{side}")
        count = len(source)
        metrics.measure_spectra(source.subset([0, 1]))
        numbers[f"{side} spectra, cpu ms"] = cpu(lambda s=source: metrics.measure_spectra(s), count)
        read = [source.read(index) for index in range(count)]
        decoding = cpu(lambda s=source, n=count: list(map(s.read, range(n))), count)
        numbers[f"{side} decoding, cpu ms"] = decoding
        torch.set_num_threads(1)
        batch = torch.from_numpy(np.stack(read[:4])).permute(0, 3, 1, 2).float()

        def bare(images: torch.Tensor = batch) -> None:
            for _ in range(3):
                power = torch.fft.rfft2(images, norm="ortho").abs().square()
                (power + 1 / 12).log10()

        bare()
        numbers[f"{side} bare, cpu ms"] = cpu(bare, 3 * len(batch))
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return numbers


def ssim(_: Path, __: Path) -> Numbers:
    """Structural similarity of 8-bit pairs in memory."""
    import numpy as np
    import torch
    from pictures import picture

    torch.set_num_threads(1)
    try:
        from ffl_plugin.metrics.similarity import structural_similarity

        def of(pred: Any, target: Any) -> float:
            with torch.inference_mode():
                sides = (torch.from_numpy(image[None]).float() for image in (pred, target))
                return float(structural_similarity(*sides))

    except ModuleNotFoundError:
        from ffl_plugin.metrics.pairs import _ssim

        def of(pred: Any, target: Any) -> float:
            return float(_ssim(pred.astype(np.float64), target.astype(np.float64)))

    numbers = {}
    for side, count in ((256, 20), (1024, 3)):
        pairs = [(picture(i, side, side), picture(i, side, side, grain=4)) for i in range(count)]
        of(*pairs[0])
        numbers[f"{side} ssim, cpu ms"] = cpu(lambda p=pairs: [of(*pair) for pair in p], count)
    return numbers


def feeding(folder: Path, weights: Path) -> Numbers:
    """How many images a second reach a network that does nothing.

    "to a GPU" stands for one that takes no time to copy and resize: torch's meta device.
    """
    import numpy as np
    import torch

    from ffl_plugin import metrics

    class Nothing(metrics.Extractor):
        def _run(self, images: Any) -> Any:
            return np.zeros((len(images), 3056), np.float32)

    extractor = Nothing(metrics.find_weights(weights), device="cpu")
    source = metrics.open_images(folder / "feed")  # no image twice: its features would be found, not made
    numbers = {}
    for device, where in (("cpu", ""), ("meta", " to a GPU")):
        extractor.device = torch.device(device)
        for name, protocol in metrics.PROTOCOLS.items():
            extractor.extract(source.subset(range(64)), protocol)
            used = time.process_time()
            rating = rate(lambda p=protocol: extractor.extract(source, p), len(source))
            numbers[f"{name}{where}, images/s"] = rating
            numbers[f"{name}{where}, cpu ms"] = (time.process_time() - used) / len(source) * 1e3
    return numbers


def rate(function: Callable[[], object], count: int) -> float:
    """How many of ``count`` things a second."""
    begun = time.perf_counter()
    function()
    return count / (time.perf_counter() - begun)


def loaders(folder: Path, _: Path) -> Numbers:
    """What feeding is held against: Pillow in threads, and the loaders of pytorch-fid and clean-fid."""
    import warnings

    import numpy as np
    from PIL import Image
    from torch.utils.data import DataLoader

    from ffl_plugin.metrics.torchvision_operators import import_torchvision

    import_torchvision()
    warnings.simplefilter("ignore")
    from cleanfid.fid import ResizeDataset
    from cleanfid.resize import build_resizer
    from pytorch_fid.fid_score import ImagePathDataset
    from torchvision import transforms

    threads = int(os.environ["OMP_NUM_THREADS"])
    files = sorted((folder / "feed").iterdir())

    def pillow() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda path: np.asarray(Image.open(path).convert("RGB")), files))

    clean = ResizeDataset([str(path) for path in files], mode="clean")
    clean.fn_resize = build_resizer("clean")
    sets = {
        "pytorch-fid": ImagePathDataset(files, transforms=transforms.ToTensor()),
        "clean": clean,
    }
    used = time.process_time()
    numbers = {"Pillow, images/s": rate(pillow, len(files))}
    numbers["Pillow, cpu ms"] = (time.process_time() - used) / len(files) * 1e3
    for name, images in sets.items():
        loader = DataLoader(images, batch_size=50, num_workers=threads)
        used = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        numbers[f"{name}'s loader, images/s"] = rate(lambda one=loader: list(one), len(files))
        workers = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - used
        numbers[f"{name}'s loader, cpu ms"] = workers / len(files) * 1e3
    return numbers


def compare(folder: Path, _: Path) -> Numbers:
    """A comparison of pairs without a network, twice, with the most memory that it took."""
    from ffl_plugin import metrics
    from ffl_plugin.report import Measuring
    from ffl_plugin.report import compare as compare_sets

    sets = {side: folder / "pairs" / side for side in ("real", "before", "after")}
    few = metrics.open_images(sets["real"]).subset([0, 1])
    metrics.measure_spectra(few)  # imports, and the first transform
    before = peak_memory()
    numbers = {}
    for run in ("first", "second"):
        begun, used = time.perf_counter(), time.process_time()
        compare_sets(**sets, how=Measuring(download=False))
        numbers[f"{run} run, wall s"] = time.perf_counter() - begun
        numbers[f"{run} run, cpu s"] = time.process_time() - used
        if run == "first":
            numbers["memory, MB"] = peak_memory() - before
        if not (Path(os.environ["FFL_CACHE"]) / "spectra").is_dir():
            break  # this build keeps nothing: the second run is the first again
    return numbers


def peak_memory() -> float:
    """Most memory of this process so far, in MB; ``ru_maxrss`` begins with that of the parent process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def fid(folder: Path, weights: Path) -> Numbers:
    """From two folders to FID, by this build."""
    from ffl_plugin.metrics.evaluation import evaluate
    from ffl_plugin.metrics.feature_choice import choose_features

    begun = time.perf_counter()
    evaluate(folder / "fid" / "a", folder / "fid" / "b", choose_features(weights=weights), device="cpu")
    return {"fid, wall s": time.perf_counter() - begun}


def fid_peers(folder: Path, weights: Path) -> Numbers:
    """The same by pytorch-fid and torch-fidelity."""
    import torch

    from ffl_plugin.metrics.torchvision_operators import import_torchvision

    import_torchvision()
    import scipy.linalg
    from pytorch_fid import fid_score, inception
    from torch_fidelity import calculate_metrics

    threads = int(os.environ["OMP_NUM_THREADS"])
    state = torch.load(weights, weights_only=True)
    inception.load_state_dict_from_url = lambda *_, **__: state
    sides = [str(folder / "fid" / side) for side in ("a", "b")]
    root = scipy.linalg.sqrtm
    if not hasattr(scipy.linalg.sqrtm, "disp_is_gone"):
        fid_score.linalg.sqrtm = lambda matrix, disp=True: (root(matrix), 0.0)
    begun = time.perf_counter()
    fid_score.calculate_fid_given_paths(sides, 50, "cpu", 2048, num_workers=threads)
    numbers = {"pytorch-fid, wall s": time.perf_counter() - begun}
    begun = time.perf_counter()
    calculate_metrics(
        input1=sides[0], input2=sides[1], fid=True, cuda=False, cache=False, verbose=False,
        feature_extractor_weights_path=str(weights),
    )  # fmt: skip
    numbers["torch-fidelity, wall s"] = time.perf_counter() - begun
    return numbers


# Name -> what each build measures, and what stands beside both.
TASKS: dict[str, tuple[Callable[[Path, Path], Numbers], Optional[Callable[[Path, Path], Numbers]]]] = {
    "spectra": (spectra, None),
    "ssim": (ssim, None),
    "feeding": (feeding, loaders),
    "compare": (compare, None),
    "fid": (fid, fid_peers),
}


def draw(folder: Path, tasks: list[str], pairs: int, images: int) -> None:
    """Write the pictures."""
    from pictures import picture, save

    counts = {}
    if "spectra" in tasks:
        counts.update({"set-256": (256, 96), "set-1024": (1024, 72)})
    if "feeding" in tasks:
        counts["feed"] = (256, 512)
    if "fid" in tasks:
        counts.update({"fid/a": (256, images), "fid/b": (256, images)})
    for number, (name, (side, count)) in enumerate(counts.items()):
        for index in range(count):
            save(folder / name / f"{index:05d}.png", picture(10_000 * number + index, side, side))
    for index in range(pairs if "compare" in tasks else 0):
        for grain, name in ((12, "real"), (3, "before"), (8, "after")):
            save(folder / "pairs" / name / f"{index:05d}.png", picture(index, 256, 256, grain=grain))


def measured(task: str, part: int, tree: Path, folder: Path, threads: int) -> Numbers:
    """Run one task on one build in a process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            **os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": str(threads), "FFL_CACHE": cache,
            "FFL_INCEPTION": "", "TQDM_DISABLE": "1",
        }  # fmt: skip
        command = [sys.executable, str(Path(__file__).resolve()), "--one", task, str(part), str(folder)]
        run = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"{task} on {tree} failed:\n{run.stderr}")
    numbers: Numbers = json.loads(run.stdout.splitlines()[-1])
    return numbers


def rounds(arguments: argparse.Namespace, folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Medians by task, build and name."""
    builds = {"now": ROOT, **({"before": arguments.before} if arguments.before else {})}
    results: dict[str, dict[str, dict[str, float]]] = {}
    for task in arguments.only:
        found: dict[str, list[Numbers]] = {}
        for number in range(arguments.rounds if task != "compare" else 1):
            for name, tree in list(builds.items())[:: -1 if number % 2 else 1]:
                found.setdefault(name, []).append(measured(task, 0, tree, folder, arguments.threads))
            if TASKS[task][1] is not None:
                found.setdefault("others", []).append(measured(task, 1, ROOT, folder, arguments.threads))
        results[task] = {
            build: {name: statistics.median(run[name] for run in runs) for name in runs[0]}
            for build, runs in found.items()
        }
        for line in table(task, results[task]):
            print(line, file=sys.stderr, flush=True)
    return results


def table(task: str, found: dict[str, dict[str, float]]) -> Iterator[str]:
    """Yield a line for each number, with the ratio of the builds: above 1 where this one is better."""
    now, before = found["now"], found.get("before", {})
    for name, value in now.items():
        line = f"{task:<8} {name:<28} {value:10.3f}"
        if name in before:
            better = value / before[name] if "/s" in name else before[name] / value
            line += f"   before {before[name]:10.3f}   {better:6.2f} times"
        yield line
    if "second run, wall s" in now and "first run, wall s" in before:
        again = before["first run, wall s"] / now["second run, wall s"]
        yield f"{task:<8} {'second run, before’s first':<28} {'':10}   {'':17}   {again:6.2f} times"
    for name, value in found.get("others", {}).items():
        yield f"{task:<8} {name:<28} {value:10.3f}"


def main() -> None:
    """Measure; print a line as each number is known on standard error, and one JSON object if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--before", type=Path, metavar="TREE", help="a work tree of the build to compare with"
    )
    parser.add_argument("--only", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--pairs", type=int, default=2000, help="of compare [default: 2000]")
    parser.add_argument("--images", type=int, default=200, help="in each folder of fid [default: 200]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        task, part, folder = arguments.one
        function = TASKS[task][int(part)]
        assert function is not None
        print(json.dumps(function(Path(folder), Path(folder) / "weights.pth")))
        return
    with tempfile.TemporaryDirectory() as name:
        from weights_file import save_random_weights

        draw(Path(name), arguments.only, arguments.pairs, arguments.images)
        if {"feeding", "fid"} & set(arguments.only):
            save_random_weights(Path(name) / "weights.pth")
        results = rounds(arguments, Path(name))
    if arguments.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
