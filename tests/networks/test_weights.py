import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from timm.data import ImageNetInfo

from steelsight.core.errors import UserError
from steelsight.networks.build import build_classifier, build_segmenter, empty_backbone
from steelsight.networks.cells import CellClassifier
from steelsight.networks.encoders import find_weights, hub_name, timm_name
from steelsight.networks.weights import add_weights, load_encoder, load_weights, read_weights

LITES = ["lite0", "lite1", "lite2"]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEELSIGHT_HOME", str(tmp_path / "home"))


def photo() -> torch.Tensor:
    """A palace (a photograph that comes with scikit-learn), cropped and normalised as the Lite weights were trained."""
    image = load_sample_image("china.jpg")
    height, width = image.shape[:2]
    square = image[:, (width - height) // 2 : (width + height) // 2]
    pixels = cv2.resize(square, (256, 256), interpolation=cv2.INTER_AREA)[16:240, 16:240] / np.float32(255)
    return torch.from_numpy((pixels.transpose(2, 0, 1)[None] - 0.5) / 0.5).float()


def stored(encoder: Any) -> Any:
    found = find_weights(encoder)
    assert found is not None
    return read_weights(found)


def networks(encoder: Any, channels: Any) -> Any:
    return [
        build_classifier(encoder, channels),
        build_segmenter(encoder, "unetplusplus", (16, 16, 8, 8, 8), 4, channels),
        build_segmenter(encoder, "fpn", (32, 32), 4, channels),
    ]


@pytest.mark.parametrize("encoder", LITES)
def test_the_packaged_weights_see_a_palace(encoder: Any) -> None:
    """Names, order, padding, epsilon and normalisation are right all together only if ImageNet's answer comes out."""
    model = timm.create_model(timm_name(encoder), num_classes=1000)
    model.load_state_dict(stored(encoder))
    with torch.inference_mode():
        best = model.eval()(photo()).softmax(1)[0].argmax()
    assert ImageNetInfo("imagenet-1k").index_to_description(int(best)) == "palace"


@pytest.mark.parametrize("encoder", LITES)
def test_every_encoder_tensor_equals_the_file(encoder: Any) -> None:
    tensors = stored(encoder)
    for model in networks(encoder, 3):
        load_weights(model, encoder, "imagenet")
        loaded = {name: t for name, t in model.backbone.state_dict().items() if not name.startswith("classifier.")}
        assert any(name.endswith("running_var") for name in loaded)
        assert [name for name, tensor in loaded.items() if not torch.equal(tensor, tensors[name])] == []


def test_features_are_those_of_timm_on_a_real_photo() -> None:
    reference = timm.create_model("tf_efficientnet_lite0", features_only=True)
    reference.load_state_dict(stored("lite0"), strict=False)
    segmenter = build_segmenter("lite0", "unetplusplus", None, 4, 3)
    load_weights(segmenter, "lite0", "imagenet")
    with torch.inference_mode():
        expected = reference.eval()(photo())
        features = segmenter.eval().network.encoder(photo())[1:]
    assert all(torch.equal(one, other) for one, other in zip(features, expected, strict=True))


def test_one_channel_equals_three_equal_channels() -> None:
    grey = photo().mean(1, keepdim=True)
    for one, three in zip(networks("lite0", 1), networks("lite0", 3), strict=True):
        for model in (one, three):
            load_weights(model, "lite0", "imagenet")
        stem = [model.backbone.conv_stem.eval() for model in (one, three)]
        with torch.inference_mode():
            torch.testing.assert_close(stem[0](grey), stem[1](grey.repeat(1, 3, 1, 1)), atol=1e-5, rtol=1e-4)


def test_random_leaves_the_network_as_it_was_built() -> None:
    model = build_classifier("b0", 3)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert load_weights(model, "b0", "random") is None
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_absent_weights_are_no_silent_random_start() -> None:
    with pytest.raises(UserError, match=r"members\.first\.weights=random"):
        load_weights(build_classifier("b0", 3), "b0", "imagenet", "first")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_added_weights_are_what_every_network_starts_from(tmp_path: Path, suffix: str) -> None:
    source = timm.create_model("tf_efficientnet_b0", num_classes=1000).state_dict()
    file = tmp_path / f"theirs{suffix}"
    save_file(source, file) if suffix == ".safetensors" else torch.save(source, file)
    added = add_weights("b0", file)
    assert find_weights("b0") == added
    assert json.loads(added.path.with_suffix(".json").read_text())["sha256"] == added.sha256
    model = build_classifier("b0", 3)
    assert load_weights(model, "b0", "imagenet") == added
    wanted = {name: tensor for name, tensor in source.items() if not name.startswith("classifier.")}
    assert all(torch.equal(model.backbone.state_dict()[name], tensor) for name, tensor in wanted.items())


def test_a_changed_added_file_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "b0.safetensors"
    save_file(timm.create_model("tf_efficientnet_b0", num_classes=0).state_dict(), file)
    added = add_weights("b0", file)
    content = bytearray(added.path.read_bytes())
    content[-1] ^= 1
    added.path.write_bytes(content)
    with pytest.raises(UserError, match="checksum"):
        load_weights(build_classifier("b0", 3), "b0", "imagenet")


class _Runs:
    def __reduce__(self) -> Any:
        return print, ("this ran",)


def test_wrong_files_are_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = timm.create_model("tf_efficientnet_b0", num_classes=0).state_dict()
    save_file(state, tmp_path / "b0.safetensors")
    save_file({name: t for name, t in state.items() if name != "conv_head.weight"}, tmp_path / "less.safetensors")
    torch.save({"model": _Runs()}, tmp_path / "unsafe.pth")
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    (tmp_path / "text.pth").write_text("not weights")
    (tmp_path / "text.safetensors").write_text("not weights")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "b0.safetensors").read_bytes()[:100_000])
    for encoder, name, words in [
        ("b1", "b0.safetensors", "of the .* tensors of b1 are missing"),
        ("lite0", "b0.safetensors", "another encoder"),
        ("b0", "less.safetensors", "conv_head.weight"),
        ("b0", "unsafe.pth", "foreign code"),
        ("b0", "list.pth", "not a state dict"),
        ("b0", "text.pth", "not a readable"),
        ("b0", "text.safetensors", "not a readable"),
        ("b0", "cut.safetensors", "not a readable"),
        ("b0", "nowhere.pth", "no such file"),
    ]:
        with pytest.raises(UserError, match=words) as refused:
            add_weights(encoder, tmp_path / name)
        assert str(refused.value).startswith(str(tmp_path / name))
        assert find_weights(encoder) is None or encoder == "lite0"
    assert "this ran" not in capsys.readouterr().out


@pytest.mark.parametrize("encoder", ["b0", "b1", "b2", "b3", "b4", "b5", *LITES])
def test_the_hub_names_are_known_to_timm(encoder: Any) -> None:
    assert timm.get_pretrained_cfg(hub_name(encoder).removeprefix("timm/")).hf_hub_id == hub_name(encoder)
    assert empty_backbone(encoder).default_cfg["num_classes"] == 1000


def test_a_segmenters_encoder_goes_into_a_classifier_with_cells(tmp_path: Path) -> None:
    segmenter = build_segmenter("lite0", "unetplusplus", (16, 16, 8, 8, 8), 2, 1)
    save_file(
        {name: tensor.contiguous() for name, tensor in segmenter.state_dict().items()}, tmp_path / "w.safetensors"
    )
    model = CellClassifier("lite0", 1, 2, 0.0, 0.0)
    load_encoder(model, tmp_path / "w.safetensors")
    theirs = segmenter.backbone.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in model.backbone.state_dict().items())
    with pytest.raises(UserError, match="not the weights of a segmenter with this encoder"):
        load_encoder(CellClassifier("lite1", 1, 2, 0.0, 0.0), tmp_path / "w.safetensors")
