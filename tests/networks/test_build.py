from typing import Any

import numpy as np
import pytest
import timm
import torch

from steelsight.networks.build import against_the_rest, build_classifier, build_segmenter, probabilities
from steelsight.networks.encoders import ENCODERS
from steelsight.networks.member import build_member
from steelsight.recipe import load_recipe


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_encoder_classifies(encoder: Any, channels: int) -> None:
    with torch.device("meta"):
        model = build_classifier(encoder, channels, dropout=0.2, drop_path=0.1)
        assert model(torch.empty(2, channels, 64, 96)).shape == (2,)


@pytest.mark.parametrize("encoder", ["b0", "b5", "lite0"])
@pytest.mark.parametrize(
    ("decoder", "widths"),
    [
        ("unetplusplus-reference", None),
        ("unetplusplus-nominal", (64, 32, 16, 16, 8)),
        ("unetplusplus", None),
        ("unetplusplus", (64, 32, 16, 16, 8)),
        ("fpn", None),
        ("fpn", (64, 32)),
    ],
)
def test_maps_have_the_size_of_the_input(encoder: str, decoder: str, widths: Any) -> None:
    with torch.device("meta"):
        model = build_segmenter(encoder, decoder, widths, classes=5, channels=1)
        assert model(torch.empty(2, 1, 64, 160)).shape == (2, 5, 64, 160)


def test_default_widths_are_the_nominal_ones_of_the_reference() -> None:
    with torch.device("meta"):
        blocks = build_segmenter("b0", "unetplusplus", None, 4, 3).network.decoder.blocks
    assert [blocks[f"x_0_{depth}"].conv2[0].out_channels for depth in range(5)] == [256, 128, 64, 32, 16]


def test_the_encoder_is_padded_and_normalised_as_its_weights_were_trained() -> None:
    """Asymmetric padding in every strided convolution and an epsilon of 1e-3: tf_ models of timm."""
    for model in (build_classifier("lite0", 1), build_segmenter("lite0", "fpn", None, 2, 1)):
        strided = [m for m in model.backbone.modules() if isinstance(m, torch.nn.Conv2d) and m.stride == (2, 2)]
        assert strided
        assert all(isinstance(m, timm.layers.Conv2dSame) for m in strided)
        norms = [m for m in model.backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert norms
        assert {m.eps for m in norms} == {1e-3}


def test_batch_normalisation_remembers_as_the_recipe_says() -> None:
    for recipe, momentum in (("paper", 0.01), ("lite", 0.1)):
        for of in load_recipe(recipe).members[:7:6]:
            settled = of.model_copy(
                update={"input": of.input.model_copy(update={"height": 64, "width": 64, "colour": "grey"})}
            )
            with torch.device("meta"):
                norms = [m for m in build_member(settled, 4).modules() if isinstance(m, torch.nn.BatchNorm2d)]
            assert {m.momentum for m in norms} == {momentum}


@pytest.mark.parametrize("name", ["classify-b0", "segment-b0-strategy-1"])
def test_paper_drops_deeper_blocks_more_often_up_to_a_fifth(name: str) -> None:
    """Stochastic depth of .2, linear over the blocks, in both steps; only blocks with a skip can be dropped."""
    of = load_recipe("paper").member(name)
    settled = of.model_copy(update={"input": of.input.model_copy(update={"height": 64, "width": 64, "colour": "grey"})})
    with torch.device("meta"):
        blocks = [block for stage in build_member(settled, 4).backbone.blocks for block in stage]
    rates = [getattr(block.drop_path, "drop_prob", 0.0) for block in blocks]
    assert len(blocks) == 16
    for number, (block, rate) in enumerate(zip(blocks, rates, strict=True)):
        assert rate == pytest.approx(0.2 * number / 16), block


def test_the_last_layer_starts_small_or_after_glorot() -> None:
    torch.manual_seed(0)
    small, glorot = (build_classifier("lite0", 1, last_layer=start) for start in ("small", "glorot"))  # type: ignore[arg-type]
    assert float(small.encoder.get_classifier().weight.detach().std()) == pytest.approx(0.01, rel=0.1)
    limit = (6 / (1280 + 1)) ** 0.5
    assert 0.95 * limit < glorot.encoder.get_classifier().weight.abs().max() <= limit


@pytest.mark.parametrize("field", ["dropout", "drop_path"])
def test_drop_rates_act_in_training_alone(field: str) -> None:
    model = build_classifier("lite0", 1, **{field: 0.9})
    inputs = torch.rand(4, 1, 64, 64)
    model.eval()
    assert torch.equal(model(inputs), model(inputs))
    for module in model.modules():  # so that only the drop rate makes passes differ
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0
    model.train()
    assert not torch.equal(model(inputs), model(inputs))


def test_an_exported_graph_gives_what_the_network_gives() -> None:
    model = build_segmenter("lite0", "unetplusplus", (16, 16, 8, 8, 8), 2, 1).eval()
    inputs = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        exported = torch.export.export(model, (inputs,), strict=False).module()
        np.testing.assert_allclose(exported(inputs), model(inputs), atol=1e-5)


def test_exclusive_classes_share_a_pixel_and_the_others_do_not() -> None:
    torch.manual_seed(0)
    shared, exclusive = (
        build_segmenter("lite0", "unetplusplus", (16, 16, 8, 8, 8), 3, 1, exclusive=flag).eval()
        for flag in (False, True)
    )
    exclusive.load_state_dict(shared.state_dict())
    with torch.no_grad():
        pixels = torch.rand(1, 1, 32, 64)
        logits, probability = shared(pixels), exclusive(pixels).sigmoid()
    background = torch.zeros_like(logits[:, :1])
    assert torch.allclose(probability, torch.cat([logits, background], 1).softmax(1)[:, :3], atol=1e-5)


@pytest.mark.parametrize("exclusive", [False, True])
def test_probabilities_are_the_sigmoid_of_the_logits(exclusive: bool) -> None:
    torch.manual_seed(0)
    model = build_segmenter("lite0", "unetplusplus", (16, 16, 8, 8, 8), 3, 1, exclusive=exclusive).eval()
    with torch.no_grad():
        pixels = torch.rand(2, 1, 32, 64)
        said = probabilities(model, pixels)
        assert torch.allclose(said, model(pixels).sigmoid(), atol=2e-6)
    assert said.shape == (2, 3, 32, 64)
    assert bool((said.sum(1) < 1).all()) >= exclusive


def test_exclusive_logits_stay_finite_and_so_do_their_gradients() -> None:
    logits = torch.tensor([[200.0, -200.0, 0.0], [50.0, 50.0, 50.0], [-300.0, -300.0, -300.0]], requires_grad=True)
    against = against_the_rest(logits)
    against.sum().backward()
    assert against.isfinite().all()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
