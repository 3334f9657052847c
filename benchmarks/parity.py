"""Our numbers beside those of the packages that the field trusts, on the same images, weights and features.

    python benchmarks/parity.py [--official FOCAL_FREQUENCY_LOSS] [--images 24] [--json]

Images and weights are drawn (seeded): agreement does not depend on them. ``--official`` is a clone of
EndlessSora/focal-frequency-loss, whose ``metrics/metric_utils.py`` then measures PSNR, SSIM, LFD and MSE; it
needs opencv-python. Prints a Markdown table; exits 1 if a number is further off than its tolerance.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch
import torch.nn.functional as F

from ffl_plugin import metrics
from ffl_plugin.metrics import Extractor, Lpips, Weights, find_weights, open_images, open_pairs
from ffl_plugin.metrics.distribution import IS_SPLITS, NEIGHBOURS, SEED
from ffl_plugin.metrics.inception import FEATURES, Inception
from ffl_plugin.metrics.resize import SIDE
from ffl_plugin.metrics.sides import Sides
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.uncertainty import compare_kid
from ffl_plugin.metrics.weights import ALEXNET

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "metrics"))
from pictures import picture, save
from weights_file import save_random_weights


@dataclass(frozen=True)
class Row:
    """Ours and a peer's, numbers or arrays; ``tolerance`` is on the relative difference."""

    metric: str
    peer: str
    ours: Any
    theirs: Any
    tolerance: float = 1e-6

    @property
    def difference(self) -> float:
        """‖ours − theirs‖ over ‖theirs‖, or alone where theirs is 0: of arrays the Euclidean norm."""
        ours, theirs = np.asarray(self.ours, np.float64), np.asarray(self.theirs, np.float64)
        return float(np.linalg.norm(ours - theirs) / (np.linalg.norm(theirs) or 1.0))

    def as_json(self) -> dict[str, Any]:
        """Plain data; arrays are left out."""
        pair = {"ours": self.ours, "theirs": self.theirs} if np.ndim(self.ours) == 0 else {}
        fields = {"metric": self.metric, "peer": self.peer, **pair}
        return {**fields, "difference": self.difference, "tolerance": self.tolerance}


def pair_rows(folder: Path, official: Optional[Path]) -> Iterator[Row]:
    """Metrics of pairs: the official repository's functions, and the lpips package."""
    pairs = open_pairs(folder / "fake", folder / "real")
    images = [(pairs.fake.read(index), pairs.real.read(index)) for index in range(len(pairs))]
    alexnet = find_weights(drawn_alexnet(folder / "alexnet.pth"), release=ALEXNET)
    scores = metrics.measure_pairs(pairs, lpips=Lpips(alexnet, device="cpu"))
    if official is not None:
        sys.path.insert(0, str(official / "metrics"))
        import metric_utils

        for metric in ("psnr", "ssim", "lfd", "mse"):
            function = getattr(metric_utils, metric)
            # The official script reads with OpenCV: channels in the order BGR, float64.
            theirs = [function(*(side[..., ::-1].astype(np.float64) for side in pair)) for pair in images]
            yield Row(metric.upper(), "official repository", scores.mean(metric), float(np.mean(theirs)))
    yield Row("LPIPS", "lpips", scores.mean("lpips"), lpips_package(alexnet.path, images))


def drawn_alexnet(path: Path) -> Path:
    """Save an AlexNet with drawn weights."""
    import_torchvision()
    import torchvision

    torch.manual_seed(0)
    torch.save(torchvision.models.alexnet().state_dict(), path)
    return path


def lpips_package(weights: Path, images: list[tuple[Any, Any]]) -> float:
    """Mean LPIPS by the package, its trunk filled by hand, on tensors as the official script makes them."""
    import lpips
    from torchvision import transforms

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    state = torch.load(weights, weights_only=True)
    for name, parameter in model.net.named_parameters():
        parameter.data = state[f"features.{name.partition('.')[2]}"]
    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])
    with torch.no_grad():
        return float(np.mean([float(model(*(steps(side)[None] for side in pair))) for pair in images]))


def network_rows(folder: Path) -> Iterator[Row]:
    """Features and FID from images to number, by each package's own network, in float32 and in float64.

    In float64 rounding is far below any difference of layers, of the folding of batch normalisation or of the
    resize; in float32 both sides are compared with the peer in float64, as near as rounding lets them be.
    """
    weights = find_weights(save_random_weights(folder / "inception.pth"))
    sources = [open_images(folder / side) for side in ("real", "fake")]
    extractor, double = Extractor(weights, device="cpu"), network_in_float64(weights)
    for protocol, (peer, features_of, resize) in peers(weights).items():
        batches = [np.stack([source.read(index) for index in range(len(source))]) for source in sources]
        images = [torch.from_numpy(batch).permute(0, 3, 1, 2) for batch in batches]
        ours = [extractor.extract(source, metrics.PROTOCOLS[protocol]).pool() for source in sources]
        with torch.inference_mode():
            exact_ours = double(resize(images[0].double()))[:, :FEATURES].numpy()
            theirs = [features_of(batch, "float32") for batch in images]
            exact = features_of(images[0], "float64")
        name = f"features, {protocol}"
        yield Row(name, peer, ours[0], theirs[0])
        yield Row(f"{name}: both in float64", peer, exact_ours, exact, 1e-12)
        yield Row(f"{name}: ours in float32", f"{peer} in float64", ours[0], exact)
        yield Row(f"{name}: {peer} in float32", f"{peer} in float64", theirs[0], exact)
        distances = [metrics.frechet_distance(*sides) for sides in (ours, theirs)]
        yield Row(f"FID from images, {protocol}", peer, *distances)


def network_in_float64(weights: Weights) -> Inception:
    """Our network, built, folded and run in float64."""
    torch.set_default_dtype(torch.float64)
    try:
        return Inception(weights)
    finally:
        torch.set_default_dtype(torch.float32)


def peers(weights: Weights) -> dict[str, tuple[str, Any, Any]]:
    """Protocol -> its package, that one's features of uint8 images (N, 3, H, W) in a dtype, and its resize.

    The resize takes float64 images in [0, 255], and gives float64 in [−1, 1].
    """
    import_torchvision()
    from pytorch_fid import inception
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    state = torch.load(weights.path, weights_only=True)
    inception.load_state_dict_from_url = lambda *_, **__: state
    path = str(weights.path)

    def pytorch_fid(images: torch.Tensor, dtype: str) -> Any:
        kind = getattr(torch, dtype)
        return inception.InceptionV3([3]).eval().to(kind)(images.to(kind) / 255)[0].flatten(1).numpy()

    def torch_fidelity(images: torch.Tensor, dtype: str) -> Any:
        network = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=path)
        # Its own option for float64 (in 0.4.0) leaves float32, and its features leave it rounded to float32.
        network.feature_extractor_internal_dtype = getattr(torch, dtype)
        features: list[torch.Tensor] = []
        network.to(getattr(torch, dtype)).AvgPool.register_forward_hook(
            lambda *call: features.append(call[2])
        )
        network(images)
        return features[0].flatten(1).numpy()

    def half_pixels(images: torch.Tensor) -> torch.Tensor:
        resized = F.interpolate(images / 255, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        return 2 * resized - 1

    def no_half_pixels(images: torch.Tensor) -> Any:
        size = (SIDE, SIDE)
        return (interpolate_bilinear_2d_like_tensorflow1x(images, size=size, align_corners=False) - 128) / 128

    return {
        "pytorch-fid": ("pytorch-fid", pytorch_fid, half_pixels),
        "stylegan2-ada": ("torch-fidelity", torch_fidelity, no_half_pixels),
    }


def resize_row() -> Row:
    """The resize of the protocol clean, on [−1, 1]."""
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # clean-fid predates the installed Pillow
        from cleanfid.resize import build_resizer

        theirs = (build_resizer("clean")(picture(1, 400, 310)) - 128) / 128
    ours = (
        metrics.PROTOCOLS["clean"]
        .prepare(torch.from_numpy(picture(1, 400, 310))[None])[0]
        .permute(1, 2, 0)
        .numpy()
    )
    return Row("resize, clean", "clean-fid", ours, theirs)


def feature_rows() -> Iterator[Row]:
    """Metrics of given features, as each package computes them."""
    import_torchvision()
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    random = np.random.default_rng(0)
    mixing = random.normal(size=(128, 128)) * np.arange(1, 129) ** -0.5
    real, fake = (np.maximum(random.normal(size=(900, 128)) @ mixing * s, 0) for s in (1.0, 0.9))
    means = [(rows.mean(axis=0), np.cov(rows, rowvar=False)) for rows in (real, fake)]
    ours = metrics.frechet_distance(real, fake)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # scipy's of sqrtm(disp=)
        yield Row(
            "FID from features", "pytorch-fid", ours, float(calculate_frechet_distance(*means[0], *means[1]))
        )
    named = [{"mu": mean, "sigma": covariance} for mean, covariance in means]
    theirs = fid_statistics_to_metric(*named, verbose=False)["frechet_inception_distance"]
    yield Row("FID from features", "torch-fidelity", ours, theirs)
    x, y = (torch.from_numpy(rows) for rows in (fake, real))
    whole = kid_features_to_metric(x, y, kid_subsets=1, kid_subset_size=900, verbose=False)
    yield Row(
        "KID in compare (all pairs)", "torch-fidelity, one subset",
        compare_kid(real, Sides([fake], [fake])).after, whole["kernel_inception_distance_mean"],
    )  # fmt: skip
    made = [_features(rows) for rows in (real, fake)]
    x, y = (torch.from_numpy(side.pool()).double() for side in made[::-1])
    found = kid_features_to_metric(x, y, kid_subsets=1, kid_subset_size=900, verbose=False)
    yield Row(
        "KID in fid (all pairs)", "torch-fidelity, one subset",
        metrics.kid(*made).value, found["kernel_inception_distance_mean"],
    )  # fmt: skip
    score = isc_features_to_metric(torch.from_numpy(made[1].logits()), IS_SPLITS, True, SEED)
    yield Row(
        "Inception Score",
        "torch-fidelity",
        metrics.inception_score(made[1]).value,
        score["inception_score_mean"],
    )
    shares = prc_features_to_metric(
        x, y, prc_neighborhood=NEIGHBOURS, prc_batch_size=500, save_cpu_ram=False, verbose=False
    )
    for measured in metrics.precision_recall(*made):
        yield Row(measured.metric, "torch-fidelity", measured.value, shares[measured.metric])


def _features(rows: Any) -> metrics.Features:
    wide = np.zeros((len(rows), 2048 + 1008), np.float32)
    wide[:, : rows.shape[1]] = rows
    wide[:, 2048 : 2048 + rows.shape[1]] = rows[:, ::-1]
    names = tuple(map(str, range(len(rows))))
    return metrics.Features(names, metrics.PROTOCOLS["pytorch-fid"], None, (wide,))


def self_rows() -> Iterator[Row]:
    """FID of a set with itself, in 2,048 dimensions."""
    for count in (50, 500, 2500):
        rows = np.maximum(np.random.default_rng(count).normal(size=(count, 2048)), 0).astype(np.float32)
        yield Row(f"FID(X, X), n = {count:,}", "0", metrics.frechet_distance(rows, rows[::-1]), 0.0, 1e-8)


def main() -> int:
    """Measure, print, and say whether all agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--official", type=Path, metavar="CLONE")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for index in range(arguments.images):
            save(folder / "real" / f"{index:03d}.png", picture(index, 96, 128))
            save(folder / "fake" / f"{index:03d}.png", picture(index, 96, 128, grain=25))
        rows = [*pair_rows(folder, arguments.official), *network_rows(folder)]
    rows += [resize_row(), *feature_rows(), *self_rows()]
    if arguments.json:
        print(json.dumps([row.as_json() for row in rows]))
    else:
        print("| metric | peer | relative difference | tolerance |\n|---|---|---|---|")
        for row in rows:
            print(f"| {row.metric} | {row.peer} | {row.difference:.1e} | {row.tolerance:.0e} |")
    return int(any(row.difference > row.tolerance for row in rows))


if __name__ == "__main__":
    sys.exit(main())
