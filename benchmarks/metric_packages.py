"""Which SSIM, PSNR, FID, KID, LPIPS? The defaults of the field's packages beside ours, and what agrees.

    python benchmarks/metric_packages.py [--photographs FOLDER] [--images 6]

needs ``torchmetrics piq kornia pyiqa pytorch-msssim pytorch-ignite scikit-image torch-fidelity clean-fid
pytorch-fid lpips``; rows of packages that are missing are left out. Pairs are the photographs (or drawn
pictures), and the same with noise of 25 dB; features are drawn, or those of a drawn Inception. Prints a
Markdown table: how far a package is from our number, least and most over the images, with its defaults and
with the setting that agrees.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch
from PIL import Image

from ffl_plugin import metrics
from ffl_plugin.metrics import Extractor, Lpips, find_weights, open_images, open_pairs
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.uncertainty import compare_kid
from ffl_plugin.metrics.weights import ALEXNET

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "metrics"))
from pictures import picture, save
from weights_file import save_random_weights

DECIBELS = 25.0
FEATURES = 64  # of the drawn sets on which FID and KID are compared
MODULES = {"clean-fid": "cleanfid", "pytorch-ignite": "ignite", "scikit-image": "skimage"}
Pairs = Sequence[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Row:
    """One package's metric: what its defaults give, why, and the setting that gives ours."""

    metric: str
    package: str
    default: str
    why: str
    setting: str
    agreement: str

    def __str__(self) -> str:
        """A line of the table."""
        name = f"{self.package} {version(self.package)}"
        return f"| {self.metric} | {name} | {self.default} | {self.why} | {self.setting} | {self.agreement} |"


def installed(package: str) -> bool:
    """Whether a distribution of this name can be imported."""
    module = MODULES.get(package, package.replace("-", "_"))
    return importlib.util.find_spec(module) is not None


def tensors(pairs: Pairs) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The pairs as packages take them: float32 (1, 3, H, W) in [0, 1], the distorted image first."""
    return [
        tuple(torch.tensor(side).permute(2, 0, 1)[None].float() / 255 for side in pair)  # type: ignore[misc]
        for pair in pairs
    ]


def spread(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Least and greatest of theirs − ours, or the greatest size where that is rounding."""
    differences = np.subtract(theirs, ours)
    if np.abs(differences).max() < 5e-4:
        return f"{np.abs(differences).max():.0e}"
    low, high = (f"{value:+.2g}".replace("-", "−") for value in (differences.min(), differences.max()))
    return low if low == high else f"{low} to {high}"


def relative(value: float, ours: float) -> str:
    """How far a value is from ours, in percent, or the size of that where it is rounding."""
    difference = value / ours - 1
    return f"{difference:+.1%}".replace("-", "−") if abs(difference) > 5e-4 else f"{abs(difference):.0e}"


def each(measure: Callable[..., Any], pairs: Pairs, **settings: Any) -> list[float]:
    """A package's value for each pair alone."""
    return [float(torch.as_tensor(measure(*pair, **settings)).mean()) for pair in tensors(pairs)]


def of_arrays(measure: Callable[..., Any], **settings: Any) -> Callable[..., float]:
    """scikit-image's metric of tensors (1, 3, H, W), given as arrays (H, W, 3), the true image first."""

    def measured(*pair: torch.Tensor) -> float:
        fake, real = (side.squeeze(0).movedim(-3, -1).double().numpy() for side in pair)
        return float(measure(real, fake, **settings))

    return measured


def of_batch(metric: Any) -> Callable[..., float]:
    """Ignite's metric of a batch alone."""

    def measured(*pair: torch.Tensor) -> float:
        metric.reset()
        metric.update(pair)
        return float(metric.compute())

    return measured


def ssim_rows(pairs: Pairs) -> Iterator[Row]:
    """SSIM, of each image alone."""
    ours = [metrics.ssim(*pair) for pair in pairs]

    def row(package: str, default: Any, why: str, setting: str, agreeing: Any, more: str = "") -> Row:
        differences = [spread(ours, each(measure, pairs)) for measure in (default, agreeing)]
        return Row(
            "SSIM", package, differences[0] + more, why, f"`{setting}`" if setting else "none", differences[1]
        )

    if installed("torchmetrics"):
        from torchmetrics.functional.image import structural_similarity_index_measure as ssim

        def inside(x: torch.Tensor, y: torch.Tensor) -> Any:
            return ssim(x, y, data_range=1.0, return_full_image=True)[1][..., 5:-5, 5:-5]

        pale = [(fake // 2 + 64, real // 2 + 64) for fake, real in pairs]
        of_pale = spread([metrics.ssim(*pair) for pair in pale], each(ssim, pale))
        yield row(
            "torchmetrics", ssim, "range of values from the images; windows beyond the border count",
            "data_range=1.0, return_full_image=True", inside, f" (at half the contrast {of_pale})",
        )  # fmt: skip
    if installed("piq"):
        import piq

        yield row(
            "piq", piq.ssim, "averages blocks of pixels first, from 384 px on", "downsample=False",
            functools.partial(piq.ssim, downsample=False),
        )  # fmt: skip
    if installed("kornia"):
        from kornia.metrics import ssim as kornia_ssim

        yield row(
            "kornia", functools.partial(kornia_ssim, window_size=11), "windows beyond the border count",
            'padding="valid"', functools.partial(kornia_ssim, window_size=11, padding="valid"),
        )  # fmt: skip
    if installed("pytorch-msssim"):
        from pytorch_msssim import ssim as msssim_ssim

        yield row(
            "pytorch-msssim", msssim_ssim, "takes [0, 255]; of 8-bit tensors always 1", "data_range=1.0",
            functools.partial(msssim_ssim, data_range=1.0),
        )  # fmt: skip
    if installed("scikit-image"):
        from skimage.metrics import structural_similarity

        of_channels = functools.partial(of_arrays, structural_similarity, channel_axis=2, data_range=1.0)
        yield row(
            "scikit-image", of_channels(), "uniform window of 7×7, sample covariance",
            "gaussian_weights=True, sigma=1.5, use_sample_covariance=False",
            of_channels(gaussian_weights=True, sigma=1.5, use_sample_covariance=False),
        )  # fmt: skip
    if installed("pytorch-ignite"):
        from ignite.metrics import SSIM

        of_one = of_batch(SSIM(data_range=1.0))
        yield row("pytorch-ignite", of_one, "windows beyond the border count", "", of_one)
    if installed("pyiqa"):
        import pyiqa

        yield row(
            "pyiqa", pyiqa.create_metric("ssim", device="cpu"), "of the luma", 'create_metric("ssimc")',
            pyiqa.create_metric("ssimc", device="cpu"),
        )  # fmt: skip


def psnr_rows(pairs: Pairs) -> Iterator[Row]:
    """PSNR of a set whose images differ in noise, and of equal images (ours is infinite)."""
    mixed = [
        (distorted(real, decibels, seed), real)
        for seed, (decibels, (_, real)) in enumerate(zip((20.0, 25.0, 30.0, 35.0) * len(pairs), pairs))
    ]
    ours = [metrics.psnr(*pair) for pair in mixed]
    shape = np.minimum.reduce([real.shape for _, real in mixed])
    cut = [tuple(side[: shape[0], : shape[1]] for side in pair) for pair in mixed]
    ours_cut = float(np.mean([metrics.psnr(*pair) for pair in cut]))
    batch = [torch.cat(side) for side in zip(*tensors(cut))]
    same = tensors([(mixed[0][1], mixed[0][1])])[0]

    def row(package: str, default: Any, why: str, setting: str, agreeing: Any) -> Row:
        over_set = float(torch.as_tensor(default(*batch)).mean())
        equal = float(torch.as_tensor(default(*same)).mean())
        said = f"{spread([ours_cut], [over_set])} dB over the set; {equal:.0f} dB for equal images"
        return Row("PSNR", package, said, why, setting, f"{spread(ours, each(agreeing, mixed))} dB")

    if installed("torchmetrics"):
        from torchmetrics.image import PeakSignalNoiseRatio

        yield row(
            "torchmetrics", PeakSignalNoiseRatio(data_range=1.0), "one MSE over the set",
            "`data_range=1.0, dim=(1, 2, 3)`", PeakSignalNoiseRatio(data_range=1.0, dim=(1, 2, 3)),
        )  # fmt: skip
    if installed("kornia"):
        from kornia.metrics import psnr as kornia_psnr

        of_one = functools.partial(kornia_psnr, max_val=1.0)
        yield row("kornia", of_one, "one MSE over the batch", "one image a call", of_one)
    if installed("scikit-image"):
        from skimage.metrics import peak_signal_noise_ratio

        yield row(
            "scikit-image", of_arrays(peak_signal_noise_ratio),
            "one MSE over the array; a range of 2 where a true pixel is negative: 6 dB more",
            "`data_range=1.0`, one image a call", of_arrays(peak_signal_noise_ratio, data_range=1.0),
        )  # fmt: skip
    if installed("pytorch-ignite"):
        from ignite.metrics import PSNR

        of_images = of_batch(PSNR(data_range=1.0))
        yield row(
            "pytorch-ignite", of_images, "10⁻¹⁰ is added to the MSE", "none needed below 80 dB", of_images
        )
    if installed("piq"):
        import piq

        yield row("piq", piq.psnr, "10⁻⁸ is added to the MSE", "none needed below 60 dB", piq.psnr)
    if installed("pyiqa"):
        import pyiqa

        psnr = pyiqa.create_metric("psnr", device="cpu")
        yield row("pyiqa", psnr, "10⁻⁸ is added to the MSE", "none needed below 60 dB", psnr)


def fid_rows(folder: Path, pairs: Pairs) -> Iterator[Row]:
    """FID from images, with drawn Inception weights, and the Fréchet distance of given features."""
    height, width, _ = np.minimum.reduce([real.shape for _, real in pairs])
    pairs = [(fake[:height, :width], real[:height, :width]) for fake, real in pairs]
    weights = find_weights(save_random_weights(folder / "inception.pth"))
    for index, pair in enumerate(pairs):
        for name, side in zip(("fake", "real"), pair):
            save(folder / name / f"{index:03d}.png", side)
    sides = [folder / "fake", folder / "real"]
    extractor = Extractor(weights, device="cpu")

    def ours(protocol: str) -> float:
        chosen = metrics.PROTOCOLS[protocol]
        features = [extractor.extract(open_images(side), chosen).pool() for side in sides]
        return float(metrics.frechet_distance(*features))

    tensorflow = ours("stylegan2-ada")
    if installed("torchmetrics"):
        from torchmetrics.image.fid import FrechetInceptionDistance

        def torchmetrics_fid(**settings: Any) -> float:
            fid = FrechetInceptionDistance(feature_extractor_weights_path=str(weights.path), **settings)
            for fake, real in pairs:
                for side, is_real in ((fake, False), (real, True)):
                    fid.update(torch.tensor(side).permute(2, 0, 1)[None], real=is_real)
            return float(fid.compute())

        yield Row(
            "FID", "torchmetrics", relative(torchmetrics_fid(), tensorflow), "antialiases the resize; N − 1",
            "`antialias=False` is torch-fidelity's", relative(torchmetrics_fid(antialias=False), tensorflow),
        )  # fmt: skip
    if installed("torch-fidelity"):
        from torch_fidelity import calculate_metrics

        found = calculate_metrics(
            input1=str(sides[0]), input2=str(sides[1]), fid=True, verbose=False, cuda=False, cache=False,
            feature_extractor_weights_path=str(weights.path),
        )  # fmt: skip
        yield Row(
            "FID", "torch-fidelity", relative(found["frechet_inception_distance"], tensorflow),
            "TensorFlow's resize; N − 1", "`--protocol stylegan2-ada`, of features ÷ (N − 1)",
            relative(found["frechet_inception_distance"], tensorflow),
        )  # fmt: skip
    real, fake = drawn_features()
    distance = metrics.frechet_distance(real, fake)
    if installed("piq"):
        import piq

        x, y = (torch.from_numpy(side) for side in (fake, real))
        itself = float(piq.FID()(x, x.clone()))
        yield Row(
            "FID of features", "piq", relative(float(piq.FID()(x, y)), float(distance)),
            f"FID(X, X) = {itself:.0e}", "none", relative(float(piq.FID()(x, y)), float(distance)),
        )  # fmt: skip


def drawn_features() -> tuple[np.ndarray, np.ndarray]:
    """Two sets of 400 features."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(FEATURES, FEATURES)) * np.arange(1, FEATURES + 1) ** -0.5
    real, fake = (np.maximum(random.normal(size=(400, FEATURES)) @ mixing * s, 0) for s in (1.0, 0.9))
    return real, fake


class GivenFeatures(torch.nn.Module):
    """Stands for a network of torchmetrics: the images are the features."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, D, 1, 1) -> (N, D)."""
        return images.flatten(1)


def kid_rows() -> Iterator[Row]:
    """KID of given features: ours takes all pairs."""
    real, fake = drawn_features()
    x, y = (torch.from_numpy(side) for side in (fake, real))
    ours = float(compare_kid(real, [fake], [fake]).after)
    count = len(real)

    def difference(value: Any) -> str:
        return relative(float(value), ours)

    if installed("torchmetrics"):
        from torchmetrics.image.kid import KernelInceptionDistance

        def torchmetrics_kid(subsets: int, size: int) -> tuple[float, float]:
            torch.manual_seed(0)
            kid = KernelInceptionDistance(feature=GivenFeatures(), subsets=subsets, subset_size=size)
            for side, is_real in ((x, False), (y, True)):
                kid.update(side[:, :, None, None], real=is_real)
            mean, deviation = kid.compute()
            return float(mean), float(deviation)

        mean, deviation = torchmetrics_kid(100, count // 2)
        whole, _ = torchmetrics_kid(1, count)
        yield Row(
            "KID of features", "torchmetrics", f"{difference(mean)}, ± {deviation / ours:.0%}",
            "100 drawn subsets; ± is their spread, no error of the mean",
            "`subsets=1, subset_size=N`", difference(whole),
        )  # fmt: skip
    if installed("torch-fidelity"):
        from torch_fidelity.metric_kid import kid_features_to_metric

        def fidelity_kid(subsets: int, size: int) -> dict[str, float]:
            found: dict[str, float] = kid_features_to_metric(
                x, y, kid_subsets=subsets, kid_subset_size=size, rng_seed=2020, verbose=False
            )
            return found

        part = fidelity_kid(100, count // 2)
        mean, deviation = (part[f"kernel_inception_distance_{name}"] for name in ("mean", "std"))
        yield Row(
            "KID of features", "torch-fidelity", f"{difference(mean)}, ± {deviation / ours:.0%}",
            "100 drawn subsets; ± is their spread, no error of the mean",
            "`kid_subsets=1, kid_subset_size=N`",
            difference(fidelity_kid(1, count)["kernel_inception_distance_mean"]),
        )  # fmt: skip
    if installed("piq"):
        import piq

        yield Row(
            "KID of features", "piq", difference(piq.KID()(x, y)), "all pairs", "none needed",
            difference(piq.KID()(x, y)),
        )  # fmt: skip
    if installed("clean-fid"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from cleanfid.fid import kernel_distance

        np.random.seed(0)
        part_of = kernel_distance(fake, real, num_subsets=100, max_subset_size=count // 2)
        whole_of = kernel_distance(fake, real, num_subsets=1, max_subset_size=count)
        yield Row(
            "KID of features", "clean-fid", difference(part_of), "100 drawn subsets, drawn anew each time",
            "`num_subsets=1, max_subset_size=N`", difference(whole_of),
        )  # fmt: skip


def neighbour_rows() -> Iterator[Row]:
    """Precision and recall of given features, where the order of the arguments decides which is which."""
    if not installed("torch-fidelity"):
        return
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, fake = (torch.from_numpy(side) for side in drawn_features())

    def measured(first: torch.Tensor, second: torch.Tensor) -> tuple[float, float]:
        found = prc_features_to_metric(
            first, second, prc_neighborhood=3, prc_batch_size=500, save_cpu_ram=False, verbose=False
        )
        return found["precision"], found["recall"]

    right, exchanged = measured(fake, real), measured(real, fake)
    yield Row(
        "precision, recall", "torch-fidelity", f"{exchanged[0]:.3f}, {exchanged[1]:.3f} with the reals first",
        "`input1` is the fakes", "`input1=fakes, input2=reals`", f"{right[0]:.3f}, {right[1]:.3f}",
    )  # fmt: skip


def lpips_rows(folder: Path, pairs: Pairs) -> Iterator[Row]:
    """LPIPS with a drawn AlexNet, which stands where torchvision looks for the real one."""
    import_torchvision()
    import torchvision

    torch.manual_seed(0)
    path = folder / "torch" / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth"
    path.parent.mkdir(parents=True)
    torch.save(torchvision.models.alexnet().state_dict(), path)
    os.environ["TORCH_HOME"] = str(folder / "torch")
    alexnet = find_weights(path, release=ALEXNET)
    for index, pair in enumerate(pairs):
        for name, side in zip(("a", "b"), pair):
            save(folder / name / f"{index:03d}.png", side)
    open_clone = open_pairs(folder / "a", folder / "b")
    scores = metrics.measure_pairs(open_clone, metrics=(), lpips=Lpips(alexnet, device="cpu"))
    ours = scores.scores["lpips"].tolist()

    def row(package: str, default: Any, setting: str, agreeing: Any) -> Row:
        return Row(
            "LPIPS", package, spread(ours, each(default, pairs)), "takes [−1, 1]", f"`{setting}`",
            spread(ours, each(agreeing, pairs)),
        )  # fmt: skip

    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        if installed("lpips"):
            import lpips

            model = lpips.LPIPS(net="alex", verbose=False)
            yield row("lpips", model, "normalize=True", functools.partial(model, normalize=True))
        if installed("torchmetrics"):
            from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity as Peer

            default, agreeing = (Peer(net_type="alex", normalize=of_unit) for of_unit in (False, True))
            yield row("torchmetrics", default, "normalize=True", agreeing)


def distorted(image: np.ndarray, decibels: float, seed: int) -> np.ndarray:
    """An image with Gaussian noise of this PSNR (before it is clipped): uint8 (H, W, 3)."""
    noise = np.random.default_rng(seed).normal(0, 255 * 10 ** (-decibels / 20), image.shape)
    return np.asarray(np.clip(np.rint(image + noise), 0, 255), np.uint8)


def photographs(folder: Optional[Path], count: int) -> list[np.ndarray]:
    """The first images of a folder, or drawn ones: uint8 (H, W, 3)."""
    if folder is None:
        return [picture(seed, 400, 480, grain=6) for seed in range(count)]
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.iterdir())[:count]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photographs", type=Path, metavar="FOLDER")
    parser.add_argument("--images", type=int, default=6)
    arguments = parser.parse_args()
    import_torchvision()
    reals = photographs(arguments.photographs, arguments.images)
    pairs = [(distorted(real, DECIBELS, seed), real) for seed, real in enumerate(reals)]
    print("| metric | package | from ours, by default | because | setting that agrees | from ours |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for rows in (
            ssim_rows(pairs), psnr_rows(pairs), lpips_rows(folder / "lpips", pairs),
            fid_rows(folder / "fid", pairs), kid_rows(), neighbour_rows(),
        ):  # fmt: skip
            for row in rows:
                print(row, flush=True)


if __name__ == "__main__":
    main()
