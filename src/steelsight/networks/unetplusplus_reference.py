"""The reference solution's UNet++: skips taken inside EfficientNet's blocks, transposed convolutions, widths by row.

Row r has stride 2^r. Column 0 is the skip: the activation after the expansion (1 x 1) convolution of the first block of stage
2, 3, 4, 6, so that its width is six times that of the stage before. Column 1 is upsampled from a tap of twice the stride: the
expansion of the second block of stage 2 and 3, of the first block of stage 5, and the top activation. Column j + 1 is
upsampled from column j of the row below. Row 0 has a single node, from row 1's last, without a skip.
"""

from typing import Any

import timm
import torch
from torch import Tensor, nn

from steelsight.networks.encoders import timm_name
from steelsight.recipe import Encoder

REFERENCE_CHANNELS = (16, 256, 128, 64, 32)
"""Widths of rows 4 to 0 as the reference trained them, through a slip of an index."""

NOMINAL_CHANNELS = (256, 128, 64, 32, 16)
"""Widths of rows 4 to 0 as its author meant them."""

EPSILON = 1e-3
"""Of the decoder's batch normalisation, as in the encoder."""

ROWS = 4
_SKIPS = ((2, 1), (3, 1), (4, 1), (6, 1))  # stage and block, counted from 1, of rows 1 to 4
_SOURCES = ((2, 2), (3, 2), (5, 1))  # of column 1 in rows 1 to 3; row 4's is the top activation


class TappedEncoder(nn.Module):
    """An EfficientNet that hands out what its blocks hold inside: float (n, channels, h, w) -> (skips, sources).

    Both lists are of rows 1 to 4: skips of stride 2, 4, 8, 16, sources of stride 4, 8, 16, 32.

    Attributes:
        model: timm's network, whose state dict has timm's names.
        skip_channels, source_channels: widths of rows 1 to 4.
    """

    def __init__(self, encoder: Encoder, channels: int, drop_path: float) -> None:
        super().__init__()
        self.model: Any = timm.create_model(
            timm_name(encoder), in_chans=channels, num_classes=0, drop_path_rate=drop_path
        )
        width = {tap: self._block(*tap).conv_pw.out_channels for tap in (*_SKIPS, *_SOURCES)}
        self.skip_channels = tuple(width[tap] for tap in _SKIPS)
        self.source_channels = (*(width[tap] for tap in _SOURCES), self.model.num_features)

    def forward(self, inputs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        model = self.model
        features: Tensor = model.bn1(model.conv_stem(inputs))
        tapped: dict[tuple[int, int], Tensor] = {}
        for stage, blocks in enumerate(model.blocks, start=1):
            for number, block in enumerate(blocks, start=1):
                if (stage, number) in (*_SKIPS, *_SOURCES):
                    tapped[stage, number], features = expanded(block, features)
                else:
                    features = block(features)
        top: Tensor = model.bn2(model.conv_head(features))
        return [tapped[tap] for tap in _SKIPS], [*(tapped[tap] for tap in _SOURCES), top]

    def _block(self, stage: int, number: int) -> Any:
        return self.model.blocks[stage - 1][number - 1]


def expanded(block: Any, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """The activation after a block's expansion, and the block's output: the steps of timm's `InvertedResidual`."""
    inside: Tensor = block.bn1(block.conv_pw(inputs))
    output: Tensor = block.se(block.aa(block.bn2(block.conv_dw(inside))))
    output = block.bn3(block.conv_pwl(output))
    return inside, block.drop_path(output) + inputs if block.has_skip else output


class Node(nn.Module):
    """Doubles the size of what lies below, joins it with the earlier nodes of its row, and convolves once.

    Args:
        below: channels of what is upsampled.
        earlier: channels of all earlier nodes of the row together, column 0 included.
        width: channels of the output.
    """

    def __init__(self, below: int, earlier: int, width: int) -> None:
        super().__init__()
        enlarge = nn.ConvTranspose2d(below, width, 4, stride=2, padding=1, bias=False)
        convolve = nn.Conv2d(width + earlier, width, 3, padding=1, bias=False)
        nn.init.xavier_uniform_(enlarge.weight)
        nn.init.kaiming_uniform_(convolve.weight, nonlinearity="relu")
        self.up = nn.Sequential(enlarge, nn.BatchNorm2d(width, eps=EPSILON), nn.ReLU(inplace=True))
        self.conv = nn.Sequential(convolve, nn.BatchNorm2d(width, eps=EPSILON), nn.ReLU(inplace=True))

    def forward(self, below: Tensor, earlier: list[Tensor]) -> Tensor:
        joined = torch.cat([self.up(below), *earlier], 1)
        output: Tensor = self.conv(joined)
        return output


class ReferenceUnetPlusPlus(nn.Module):
    """Encoder, nodes and output: float (n, channels, h, w) -> logits (n, classes, h, w); h and w are multiples of 32.

    Attributes:
        encoder: with timm's network as `model`.
        nodes: by name, `row_column`.
        segmentation_head: the output's convolution, with bias.
    """

    def __init__(
        self, encoder: Encoder, widths: tuple[int, ...], classes: int, channels: int, drop_path: float
    ) -> None:
        super().__init__()
        self.encoder = TappedEncoder(encoder, channels, drop_path)
        by_row = dict(zip(range(ROWS, -1, -1), widths, strict=True))
        self.nodes = nn.ModuleDict()
        for row in range(1, ROWS + 1):
            skip, source = self.encoder.skip_channels[row - 1], self.encoder.source_channels[row - 1]
            for column in range(1, _columns(row) + 1):
                below = source if column == 1 else by_row[row + 1]
                self.nodes[f"{row}_{column}"] = Node(below, skip + (column - 1) * by_row[row], by_row[row])
        self.nodes["0_1"] = Node(by_row[1], 0, by_row[0])
        output = nn.Conv2d(by_row[0], classes, 3, padding=1)
        nn.init.xavier_uniform_(output.weight)
        self.segmentation_head = nn.Sequential(output)

    def forward(self, inputs: Tensor) -> Tensor:
        skips, sources = self.encoder(inputs)
        rows: list[list[Tensor]] = [[], *([skip] for skip in skips)]
        for column in range(1, ROWS + 1):
            for row in range(1, ROWS + 1):
                if column <= _columns(row):
                    below = sources[row - 1] if column == 1 else rows[row + 1][column - 1]
                    rows[row].append(self.nodes[f"{row}_{column}"](below, rows[row]))
        logits: Tensor = self.segmentation_head(self.nodes["0_1"](rows[1][-1], []))
        return logits


def _columns(row: int) -> int:
    """Nodes of a row beside its skip.

    >>> [_columns(row) for row in (1, 2, 3, 4)]
    [4, 3, 2, 1]
    """
    return ROWS + 1 - row
