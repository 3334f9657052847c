"""DINOv2, CLIP and AlexNet: their inputs and features beside others' code, on random weights."""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from network_files import DEPTH, EMBEDDING, HEADS, WIDTH, clip_state, save_alexnet, save_clip, save_dinov2
from pictures import picture, save
from PIL import Image
from torch import Tensor, nn

from ffl_plugin.errors import FFLError
from ffl_plugin.metrics import open_images
from ffl_plugin.metrics.clip import ClipImages
from ffl_plugin.metrics.feature_choice import NETWORKS
from ffl_plugin.metrics.features import Extractor, FeatureMeter
from ffl_plugin.metrics.networks import RELEASES, build_network
from ffl_plugin.metrics.protocols import PROTOCOLS, Protocol, find_protocol
from ffl_plugin.metrics.torchvision_operators import import_torchvision
from ffl_plugin.metrics.weights import Weights

SAVE = {"dinov2": save_dinov2, "clip": save_clip, "alexnet": save_alexnet}
OTHERS = ("dinov2", "clip", "alexnet")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Weights]:
    folder = tmp_path_factory.mktemp("files")
    paths = {name: save(folder / f"{name}.pth") for name, save in SAVE.items()}
    return {name: Weights(path, digest(path), False) for name, path in paths.items()}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def network(name: str, files: dict[str, Weights]) -> nn.Module:
    if name == "dinov2":
        needs_timm()
    return build_network(name, files[name])


def needs_timm() -> None:
    import_torchvision()
    pytest.importorskip("timm", reason="DINOv2 needs ffl-plugin[dinov2]")


@pytest.mark.parametrize("size", [(64, 64), (50, 90), (300, 240), (1, 1)])
@pytest.mark.parametrize("name", ["dinov2", "alexnet"])
def test_inputs_are_those_of_torchvision(name: str, size: tuple[int, int]) -> None:
    """What dgm-eval does to an image for DINOv2."""
    import_torchvision()
    from torchvision import transforms

    image = random_image(*size)
    expected = transforms.Compose(
        [
            transforms.Resize((224, 224), transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )(Image.fromarray(image))
    torch.testing.assert_close(prepared(name, image), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "box"),
    [((64, 64), (0, 0, 64, 64)), ((50, 90), (20, 0, 70, 50)), ((400, 337), (0, 31, 337, 368))],
)
def test_inputs_of_clip_are_the_square_in_the_middle(
    size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    import_torchvision()
    from torchvision.transforms import functional

    image = random_image(*size)
    square = Image.fromarray(image).crop(box).resize((336, 336), Image.Resampling.BICUBIC)
    expected = functional.normalize(
        functional.to_tensor(square),
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
    )
    torch.testing.assert_close(prepared("clip", image), expected, rtol=0, atol=1e-6)


def test_features_of_alexnet_are_the_mean_of_the_last_layer_that_lpips_sees(
    files: dict[str, Weights],
) -> None:
    import_torchvision()
    lpips: Any = pytest.importorskip("lpips")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips asks torchvision for a network in a deprecated way
        trunk = lpips.pretrained_networks.alexnet(pretrained=False, requires_grad=False).eval()
    state = torch.load(files["alexnet"].path, weights_only=True)
    trunk.load_state_dict({name: state[f"features.{name.partition('.')[2]}"] for name in trunk.state_dict()})
    images = random_inputs(2, 224)
    expected = trunk(images).relu5.mean(dim=(2, 3))
    found = network("alexnet", files)(images)
    assert found.shape == (2, 256) and found.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_embeddings_of_clip_are_those_of_torch_fidelity(files: dict[str, Weights]) -> None:
    import_torchvision()
    from torch_fidelity import feature_extractor_clip

    theirs = feature_extractor_clip.build_model(clip_state(), torch.float32).visual
    images = random_inputs(2, 336)
    found = network("clip", files)(images)
    assert found.shape == (2, EMBEDDING) and found.std() > 1e-3
    torch.testing.assert_close(found, theirs(images), rtol=1e-4, atol=1e-5)


def test_the_token_of_dinov2_is_what_its_equations_say(files: dict[str, Weights]) -> None:
    images = random_inputs(2, 224)
    found = network("dinov2", files)(images)
    expected = vision_transformer(torch.load(files["dinov2"].path, weights_only=True), images)
    assert found.shape == (2, WIDTH) and found.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.upstream
@pytest.mark.skipif("FFL_DINOV2_CODE" not in os.environ, reason="FFL_DINOV2_CODE names no clone of dinov2")
def test_the_token_of_dinov2_is_that_of_its_own_code(
    files: dict[str, Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clone of facebookresearch/dinov2, with its settings of dinov2_vitl14 but for the size."""
    monkeypatch.setenv("XFORMERS_DISABLED", "1")
    monkeypatch.syspath_prepend(os.environ["FFL_DINOV2_CODE"])
    vision: Any = pytest.importorskip("dinov2.models.vision_transformer")
    theirs = vision.DinoVisionTransformer(
        img_size=518, patch_size=14, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, init_values=1.0,
        block_chunks=0, interpolate_antialias=False, interpolate_offset=0.1,
    ).eval()  # fmt: skip
    theirs.load_state_dict(torch.load(files["dinov2"].path, weights_only=True))
    images = random_inputs(2, 224)
    with torch.inference_mode():
        torch.testing.assert_close(network("dinov2", files)(images), theirs(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["clip", "alexnet"])
def test_features_of_a_set_are_those_of_its_images(
    name: str, files: dict[str, Weights], tmp_path: Path
) -> None:
    """Of images of two sizes, in the order of the set, and again from the cache without the network."""
    for index, size in enumerate((40, 70, 40)):
        save(tmp_path / "set" / f"{index}.png", picture(index, size, size))
    source, protocol = open_images(tmp_path / "set"), find_protocol(name)
    extractor = Extractor(files[name], network=name, device="cpu")
    found = extractor.extract(source, protocol, cache=tmp_path / "cache")
    images = [Image.open(tmp_path / "set" / f"{index}.png").convert("RGB") for index in range(3)]
    inputs = torch.stack([prepared(name, np.array(image)) for image in images])
    expected = network(name, files)(inputs).numpy()
    assert found.dimensions == expected.shape[1]
    np.testing.assert_allclose(found.pool(), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(FFLError, match="class logits"):
        found.logits()
    (tmp_path / "set" / "1.png").unlink()
    again = Extractor(Weights(Path("gone"), files[name].sha256, False), network=name, device="cpu")
    kept = again.extract(open_images(tmp_path / "set"), protocol, cache=tmp_path / "cache")
    np.testing.assert_array_equal(kept.pool(), found.pool()[[0, 2]])


def test_no_network_finds_features_of_another_in_the_cache(files: dict[str, Weights], tmp_path: Path) -> None:
    """Not of another network, nor of another file, nor of another preparation, with the same images."""
    save(tmp_path / "set" / "0.png", picture(0))
    source = open_images(tmp_path / "set")
    same, other = (Weights(Path("none"), letter * 64, False) for letter in "ab")
    protocols = [*PROTOCOLS.values(), *map(find_protocol, OTHERS)]
    kept = {
        FeatureMeter(Extractor(weights, network=protocol.network), source, protocol)._cache._prefix
        for protocol in protocols
        for weights in (same, other)
    }
    assert len(kept) == 2 * len(protocols)


@pytest.mark.parametrize(
    ("name", "wrong"), [("clip", "alexnet"), ("alexnet", "clip"), ("dinov2", "clip"), ("clip", "dinov2")]
)
def test_weights_of_another_network_are_refused(name: str, wrong: str, files: dict[str, Weights]) -> None:
    if name == "dinov2":
        needs_timm()
    with pytest.raises(FFLError, match=RELEASES[name].name) as refused:
        build_network(name, files[wrong])
    assert str(files[wrong].path) in str(refused.value)


@pytest.mark.parametrize("name", ["alexnet", "clip"])
def test_a_file_of_no_weights_is_refused_with_the_option_that_names_one(name: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"no weights")
    with pytest.raises(FFLError, match="--feature-weights"):
        build_network(name, Weights(path, digest(path), False))


def test_a_clip_for_another_size_is_refused(tmp_path: Path) -> None:
    path = save_clip(tmp_path / "224.pth", side=224)
    with pytest.raises(FFLError, match="336×336"):
        build_network("clip", Weights(path, digest(path), False))


def test_torchscript_is_opened_only_where_its_hash_is_the_published_one(tmp_path: Path) -> None:
    """OpenAI's file is TorchScript, which is a program."""
    path = tmp_path / "clip.pt"
    module = nn.Module()
    for name, tensor in clip_state().items():
        *folders, leaf = name.split(".")
        place = module
        for folder in folders:
            if not hasattr(place, folder):
                place.add_module(folder, nn.Module())
            place = getattr(place, folder)
        place.register_parameter(leaf, nn.Parameter(tensor, requires_grad=False))
    with pytest.warns(DeprecationWarning):
        torch.jit.save(torch.jit.script(module), path)  # type: ignore[no-untyped-call]
    found = ClipImages(Weights(path, digest(path), published=True))(random_inputs(1, 336))
    plain = save_clip(tmp_path / "clip.pth")
    expected = ClipImages(Weights(plain, digest(plain), published=False))(random_inputs(1, 336))
    torch.testing.assert_close(found, expected)
    with pytest.raises(FFLError, match="TorchScript"):
        ClipImages(Weights(path, digest(path), published=False))


def test_a_missing_package_is_named(files: dict[str, Weights], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.delitem(sys.modules, "timm.models.vision_transformer", raising=False)
    monkeypatch.delitem(sys.modules, "timm.models", raising=False)
    with pytest.raises(FFLError, match=r"timm: pip install 'ffl-plugin\[dinov2\]'"):
        build_network("dinov2", files["dinov2"])


def test_a_protocol_belongs_to_its_network(files: dict[str, Weights], tmp_path: Path) -> None:
    save(tmp_path / "0.png", picture(0))
    with pytest.raises(FFLError, match="clip is not one of AlexNet"):
        Extractor(files["alexnet"], network="alexnet").extract(open_images(tmp_path), find_protocol("clip"))


def test_every_network_has_a_release_and_a_protocol() -> None:
    assert set(RELEASES) == set(NETWORKS)
    assert {find_protocol(name).network for name in OTHERS} == set(OTHERS)
    assert {protocol.network for protocol in PROTOCOLS.values()} == {"inception"}


def prepared(name: str, image: Any) -> Tensor:
    protocol: Protocol = find_protocol(name)
    return protocol.prepare(torch.from_numpy(image)[None])[0]


def random_image(height: int, width: int) -> Any:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def random_inputs(count: int, side: int) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(3))


def vision_transformer(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """Dosovitskiy et al. 2021 with LayerScale (Touvron et al. 2021), one head at a time."""

    def norm(x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(dim=-1, keepdim=True)
        scaled = centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()
        return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def attention(x: Tensor, name: str) -> Tensor:
        heads = []
        for q, k, v in zip(
            *(part.split(WIDTH // HEADS, dim=-1) for part in linear(x, f"{name}.qkv").chunk(3, -1))
        ):
            weights = (q @ k.transpose(1, 2) / (WIDTH // HEADS) ** 0.5).softmax(dim=-1)
            heads.append(weights @ v)
        return linear(torch.cat(heads, dim=-1), f"{name}.proj")

    patches = F.unfold(images, 14, stride=14).transpose(1, 2)
    kernel = state["patch_embed.proj.weight"].flatten(1)
    x = patches @ kernel.T + state["patch_embed.proj.bias"]
    token, grid = state["pos_embed"][:, :1], state["pos_embed"][:, 1:]
    grid = F.interpolate(
        grid.reshape(1, 37, 37, WIDTH).permute(0, 3, 1, 2), scale_factor=16.1 / 37, mode="bicubic"
    )
    assert grid.shape[2:] == (16, 16)
    x = torch.cat([(state["cls_token"] + token).expand(len(x), -1, -1), x + grid.flatten(2).mT], dim=1)
    for block in range(DEPTH):
        name = f"blocks.{block}"
        x = x + state[f"{name}.ls1.gamma"] * attention(norm(x, f"{name}.norm1"), f"{name}.attn")
        hidden = F.gelu(linear(norm(x, f"{name}.norm2"), f"{name}.mlp.fc1"))
        x = x + state[f"{name}.ls2.gamma"] * linear(hidden, f"{name}.mlp.fc2")
    return norm(x, "norm")[:, 0]
