"""A classifier that learns where, not only whether: one logit per class and cell of 8 x 8 pixels, pooled to the image's."""

import math
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steelsight.networks.encoders import timm_name
from steelsight.recipe import Encoder

CELL = 8
"""Pixels of the input along a side of a cell."""
_WIDTH = 64
_SHARPNESS = 4.0  # of the pooling: 0 would be the mean of the cells, infinity the greatest
_FRESH = math.log(0.02 / 0.98)  # a fresh network's logit of every cell: defects are rare (Lin et al. 2017, section 4.1)


class CellClassifier(nn.Module):
    """Float (n, channels, h, w) -> logits (n,); in training also the cells' logits (n, classes, h / 8, w / 8).

    The encoder's features of stride 8, 16 and 32 are added from the top down, as in FPN (Lin et al. 2017). The logit of the
    image is a + b log mean exp(4 c) / 4 over its cells c (Pinheiro and Collobert 2015), a and b learned: close to the most
    suspicious cell, so that a small defect is not averaged away.

    Attributes:
        backbone: the module whose state dict has timm's names.
        output_bias: of the image's logit, float (1,).
    """

    def __init__(self, encoder: Encoder, channels: int, classes: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        features: Any = timm.create_model(
            timm_name(encoder), features_only=True, out_indices=(2, 3, 4), in_chans=channels, drop_path_rate=drop_path
        )
        self.backbone: nn.Module = features
        self.lateral = nn.ModuleList(
            nn.Conv2d(width, _WIDTH, 1, bias=False) for width in features.feature_info.channels()
        )
        last = nn.Conv2d(_WIDTH, classes, 1)
        nn.init.normal_(last.weight, std=0.01)
        last.bias = nn.Parameter(torch.full((classes,), _FRESH))
        self.head = nn.Sequential(
            nn.BatchNorm2d(_WIDTH),
            nn.ReLU(inplace=True),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1, bias=False),
            nn.BatchNorm2d(_WIDTH),
            nn.ReLU(inplace=True),
            nn.Dropout2d(dropout),
            last,
        )
        self.scale = nn.Parameter(torch.ones(1))
        self.output_bias = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        *finer, deepest = self.backbone(inputs)
        *laterals, last = self.lateral
        total = last(deepest)
        for features, lateral in zip(reversed(finer), reversed(laterals), strict=True):
            total = lateral(features) + F.interpolate(total, scale_factor=2, mode="nearest")
        cells: Tensor = self.head(total).float()
        logits = self.scale * (_pooled(cells) - _FRESH) + self.output_bias
        return (logits, cells) if self.training else logits


def _pooled(cells: Tensor) -> Tensor:
    """Log-mean-exp of (n, classes, rows, columns) -> (n,)."""
    flat = _SHARPNESS * cells.flatten(1)
    return (flat.logsumexp(1) - math.log(flat.shape[1])) / _SHARPNESS
