"""The two networks: an EfficientNet with one output, and UNet++ or FPN over the same EfficientNet.

Both hold timm's `tf_` EfficientNet itself, with TensorFlow's asymmetric padding and its batch-normalisation epsilon of
1e-3, under which the ImageNet weights were trained. (What segmentation-models-pytorch names `timm-efficientnet-*` pads
symmetrically and uses 1e-5; the same weights give other features there.)
"""

from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
from torch import Tensor, nn

from steelsight.networks.cells import CellClassifier
from steelsight.networks.encoders import timm_name
from steelsight.networks.unetplusplus_reference import NOMINAL_CHANNELS, REFERENCE_CHANNELS, ReferenceUnetPlusPlus
from steelsight.recipe import Decoder, Encoder, LastLayer

UNETPLUSPLUS_CHANNELS = (256, 128, 64, 32, 16)
COUNTER = "num_batches_tracked"
"""Torch's counter of batches ends so: no weight, and in no older file."""
FPN_CHANNELS = (256, 128)
SEGMENTER = "network.encoder.model."
"""What a segmenter's state dict has before timm's names of its encoder."""


class Classifier(nn.Module):
    """Encoder, global average pooling, dropout, one output: float (n, channels, h, w) -> logits (n,)."""

    def __init__(
        self, encoder: Encoder, channels: int, dropout: float, drop_path: float, last_layer: LastLayer
    ) -> None:
        super().__init__()
        self.encoder = timm.create_model(
            timm_name(encoder), in_chans=channels, num_classes=1, drop_rate=dropout, drop_path_rate=drop_path
        )
        # timm draws a single output's weights from -1 to 1, which begins far from P = 0.5 and wastes the first epoch
        output = self.encoder.get_classifier()
        match last_layer:
            case "small":
                nn.init.normal_(output.weight, std=0.01)
            case "glorot":
                nn.init.xavier_uniform_(output.weight)
        nn.init.zeros_(output.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.encoder(inputs)
        return logits.squeeze(1)

    @property
    def backbone(self) -> nn.Module:
        """The module whose state dict has timm's names."""
        backbone: nn.Module = self.encoder
        return backbone

    @property
    def output_bias(self) -> Tensor:
        """Bias of the logit: float (1,)."""
        bias: Tensor = self.encoder.get_classifier().bias
        return bias


class Segmenter(nn.Module):
    """Encoder and decoder: float (n, channels, h, w) -> logits (n, classes, h, w); h and w are multiples of 32.

    With `exclusive`, a pixel has one class or none: the logits are those whose sigmoid is the softmax over the classes and a
    background of logit 0.
    """

    def __init__(self, network: nn.Module, exclusive: bool = False) -> None:
        super().__init__()
        self.network = network
        self.exclusive = exclusive

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs)
        return against_the_rest(logits) if self.exclusive else logits

    @property
    def backbone(self) -> nn.Module:
        """The module whose state dict has timm's names."""
        backbone: Any = self.network
        module: nn.Module = backbone.encoder.model
        return module

    @property
    def output_bias(self) -> Tensor:
        """Bias of the logit maps: float (classes,)."""
        network: Any = self.network
        bias: Tensor = network.segmentation_head[0].bias
        return bias


def probabilities(network: nn.Module, inputs: Tensor) -> Tensor:
    """What a network says: the one definition for evidence, prediction and export.

    The sigmoid of its logits; with exclusive classes the softmax itself, which those logits are made from.

    Args:
        network: of this module or `cells`, in evaluation.
        inputs: float (n, channels, h, w).

    Returns:
        float32 in [0, 1], (n,) or (n, classes, h, w).
    """
    if isinstance(network, Segmenter) and network.exclusive:
        logits: Tensor = network.network(inputs)
        return _with_background(logits.float()).softmax(1)[:, :-1]
    return network(inputs).float().sigmoid()  # type: ignore[no-any-return]


def against_the_rest(logits: Tensor) -> Tensor:
    """Logits whose sigmoid is the softmax over the classes and a background of logit 0.

    Args:
        logits: float (n, classes, ...).

    Returns:
        float32, same shape: log p - log(1 - p), at most 14.

    >>> logits = torch.tensor([[2.0, 1.0]])
    >>> probability = against_the_rest(logits).sigmoid()
    >>> torch.allclose(probability, torch.tensor([[2.0, 1.0, 0.0]]).softmax(1)[:, :2])
    True
    """
    # p = 1 to the last bit would have an infinite logit
    chosen = _with_background(logits.float()).log_softmax(1)[:, :-1].clamp(max=-1e-6)
    return chosen - torch.log(-torch.expm1(chosen))


def _with_background(logits: Tensor) -> Tensor:
    return torch.cat([logits, torch.zeros_like(logits[:, :1])], 1)


Network = Classifier | CellClassifier | Segmenter


def build_classifier(
    encoder: Encoder, channels: int, dropout: float = 0.0, drop_path: float = 0.0, last_layer: LastLayer = "small"
) -> Classifier:
    """Step 1, randomly initialised: one logit of P(defect) per image.

    Args:
        channels: of the input, 1 or 3.
        dropout: before the last layer, in [0, 1).
        drop_path: stochastic depth of the encoder's last block, in [0, 1).
        last_layer: how its weights start: `small`, deviation .01, or `glorot` (Glorot and Bengio 2010, uniform).
    """
    return Classifier(encoder, channels, dropout, drop_path, last_layer)


def build_segmenter(
    encoder: Encoder,
    decoder: Decoder,
    decoder_channels: tuple[int, ...] | None,
    classes: int,
    channels: int,
    drop_path: float = 0.0,
    exclusive: bool = False,
) -> Segmenter:
    """Step 2, randomly initialised: one logit map per class, at the input's size.

    Args:
        decoder: `unetplusplus` is that of segmentation-models-pytorch: stage outputs for skips, upsampled to the nearest
            neighbour. `unetplusplus-reference` and `unetplusplus-nominal` are the reference solution's, see
            `networks/unetplusplus_reference.py`, with the widths that it had and with those that were meant.
        decoder_channels: five for UNet++, deepest first (default 256, 128, 64, 32, 16; of the reference 16, 256, 128, 64,
            32); pyramid and segmentation channels for FPN (default 256, 128).
        channels: of the input, 1 or 3.
        drop_path: stochastic depth of the encoder's last block, in [0, 1).
        exclusive: whether a pixel has one class or none (softmax), or any number of them (sigmoids).
    """
    if decoder == "unetplusplus-reference" or decoder == "unetplusplus-nominal":
        usual = REFERENCE_CHANNELS if decoder == "unetplusplus-reference" else NOMINAL_CHANNELS
        widths = decoder_channels or usual
        return Segmenter(ReferenceUnetPlusPlus(encoder, widths, classes, channels, drop_path), exclusive)
    common: dict[str, Any] = {
        "encoder_name": f"tu-{timm_name(encoder)}",
        "encoder_weights": None,
        "in_channels": channels,
        "classes": classes,
        "drop_path_rate": drop_path,
    }
    match decoder:
        case "unetplusplus":
            network = smp.UnetPlusPlus(decoder_channels=decoder_channels or UNETPLUSPLUS_CHANNELS, **common)
        case "fpn":
            pyramid, segmentation = decoder_channels or FPN_CHANNELS
            network = smp.FPN(decoder_pyramid_channels=pyramid, decoder_segmentation_channels=segmentation, **common)
    return Segmenter(network, exclusive)


def set_memory(network: nn.Module, share: float) -> None:
    """Let each batch have this share in the running statistics of every batch normalisation (torch's momentum), in place."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = share


def count_parameters(network: nn.Module) -> int:
    """Parameters of a network with the running statistics of its normalisations, as Keras counts them."""
    return sum(tensor.numel() for name, tensor in network.state_dict().items() if not name.endswith(COUNTER))


def empty_backbone(encoder: Encoder) -> nn.Module:
    """timm's EfficientNet with its ImageNet classifier, on the meta device: names and shapes without values."""
    with torch.device("meta"):
        backbone: nn.Module = timm.create_model(timm_name(encoder), num_classes=1000)
    return backbone
