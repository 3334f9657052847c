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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch

from ffl_plugin import metrics
from ffl_plugin.metrics import Extractor, Lpips, find_weights, open_images, open_pairs
from ffl_plugin.metrics.distribution import IS_SPLITS, KID_SUBSETS, NEIGHBOURS, SEED
from ffl_plugin.metrics.distribution_difference import compare_kid
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import ALEXNET

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "metrics"))
from pictures import picture, save
from weights_file import save_random_weights


@dataclass(frozen=True)
class Row:
    """One number of ours and a peer's; ``tolerance`` is on the relative difference."""

    metric: str
    peer: str
    ours: float
    theirs: float
    tolerance: float = 1e-6

    @property
    def difference(self) -> float:
        """|ours − theirs| over |theirs|, or alone where theirs is 0."""
        return abs(self.ours - self.theirs) / (abs(self.theirs) or 1.0)


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
    """Features and FID from images to number, by each package's own network."""
    import_torchvision()
    from pytorch_fid import inception
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    weights = find_weights(save_random_weights(folder / "inception.pth"))
    extractor = Extractor(weights, device="cpu")
    sources = [open_images(folder / side) for side in ("real", "fake")]
    batches = [
        torch.from_numpy(np.stack([source.read(index) for index in range(len(source))])).permute(0, 3, 1, 2)
        for source in sources
    ]
    state = torch.load(weights.path, weights_only=True)
    inception.load_state_dict_from_url = lambda *_, **__: state
    pytorch_fid = inception.InceptionV3([3]).eval()
    fidelity = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=str(weights.path))
    with torch.inference_mode():
        peers = {
            "pytorch-fid": [pytorch_fid(batch / 255)[0].flatten(1).numpy() for batch in batches],
            "stylegan2-ada": [fidelity(batch)[0].numpy() for batch in batches],
        }
    for protocol, theirs in peers.items():
        ours = [extractor.extract(source, metrics.PROTOCOLS[protocol]).pool() for source in sources]
        error = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs))
        size = float(np.abs(theirs[0]).mean())
        peer = {"stylegan2-ada": "torch-fidelity"}.get(protocol, protocol)
        # Float32 through 94 layers, folded and in another order: the largest of all, over their mean.
        yield Row(f"features, {protocol}: largest difference", peer, size + error, size, 5e-5)
        distances = [metrics.frechet_distance(*sides) for sides in (ours, theirs)]
        yield Row(f"FID from images, {protocol}", peer, *distances, tolerance=1e-5)


def resize_row() -> Row:
    """The resize of the protocol clean, as the largest difference of all pixels, in [0, 255]."""
    import_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # clean-fid predates the installed Pillow
        from cleanfid.resize import build_resizer

        theirs = build_resizer("clean")(picture(1, 400, 310))
    ours = metrics.PROTOCOLS["clean"].prepare(picture(1, 400, 310)).permute(1, 2, 0).numpy() * 128 + 128
    return Row(
        "resize, clean: largest difference", "clean-fid", float(np.abs(ours - theirs).max()), 0.0, 1e-3
    )


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
        compare_kid(real, [fake], [fake]).after, whole["kernel_inception_distance_mean"],
    )  # fmt: skip
    made = [_features(rows) for rows in (real, fake)]
    x, y = (torch.from_numpy(side.pool()) for side in made[::-1])
    found = kid_features_to_metric(
        x, y, kid_subsets=KID_SUBSETS, kid_subset_size=900, rng_seed=SEED, verbose=False
    )
    yield Row(
        "KID in fid", "torch-fidelity", metrics.kid(*made).value, found["kernel_inception_distance_mean"]
    )
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
        print(json.dumps([{**asdict(row), "difference": row.difference} for row in rows]))
    else:
        print("| metric | peer | relative difference | tolerance |\n|---|---|---|---|")
        for row in rows:
            print(f"| {row.metric} | {row.peer} | {row.difference:.1e} | {row.tolerance:.0e} |")
    return int(any(row.difference > row.tolerance for row in rows))


if __name__ == "__main__":
    sys.exit(main())
