"""What torch does slowly in a training on a processor, computed another way: the same layers, in a fraction of the time."""

from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from timm.layers import Conv2dSame, pad_same
from torch import Tensor, nn

_N = TypeVar("_N", bound=nn.Module)
_QUICK_COLUMNS = 3  # of a depthwise kernel; oneDNN has no quick gradient for wider ones


def for_processor_training(model: _N) -> _N:
    """Have depthwise convolutions and group normalisation computed as a processor trains them fastest, in place.

    Parameters keep their names; outputs and gradients are the same but for rounding. Not for a GPU.

    - Depthwise convolutions compute in fp32 inside a bf16 autocast region: their backward pass takes up to seven times as
      long in bf16 as in fp32 with channels last (two cores with AMX, torch 2.14), so that the two casts pay.
    - The gradient of a depthwise weight wider than three columns is computed three columns at a time: oneDNN 3.12 computes
      wider ones by a general convolution, in two to four times the time (5 x 5, AVX512).
    - Group normalisation is given planes one after another: with channels last it takes up to ten times as long.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels and module.padding_mode == "zeros":
            if type(module) is nn.Conv2d:
                module.__class__ = _DepthwiseConv2d
            elif type(module) is Conv2dSame:
                module.__class__ = _DepthwiseConv2dSame
        elif type(module) is nn.GroupNorm:
            module.__class__ = _GroupNorm
    return model


class _DepthwiseConv2d(nn.Conv2d):
    def forward(self, input: Tensor) -> Tensor:
        return _depthwise(self, input, self.padding)


class _DepthwiseConv2dSame(Conv2dSame):  # type: ignore[misc]  # timm has no types
    def forward(self, x: Tensor) -> Tensor:
        return _depthwise(self, pad_same(x, self.kernel_size, self.stride, self.dilation), (0, 0))


def _depthwise(layer: nn.Conv2d, given: Tensor, padding: Any) -> Tensor:
    weight, bias, stride, dilation = layer.weight, layer.bias, layer.stride, layer.dilation
    plain = layer.out_channels == layer.in_channels and dilation == (1, 1) and not isinstance(padding, str)
    with torch.autocast(given.device.type, enabled=False):
        image = given.float()
        if plain and weight.shape[3] > _QUICK_COLUMNS and torch.is_grad_enabled():
            output: Tensor = _WideDepthwise.apply(image, weight, bias, stride, padding)
        else:
            output = F.conv2d(image, weight, bias, stride, padding, dilation, layer.groups)
        return output.to(given.dtype)


class _WideDepthwise(torch.autograd.Function):
    """A depthwise convolution whose weight's gradient is computed some columns at a time."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any) -> Tensor:
        ctx.save_for_backward(image, weight)
        ctx.stride, ctx.padding, ctx.biased = stride, padding, bias is not None
        return F.conv2d(image, weight, bias, stride, padding, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,), (image, weight) = gradients, ctx.saved_tensors
        of_image, of_weight = None, None
        if ctx.needs_input_grad[0]:
            of_image = _backward(gradient, image, weight, ctx.stride, ctx.padding, (True, False, False))[0]
        if ctx.needs_input_grad[1]:
            of_weight = _weight_gradient(gradient, image, weight, ctx.stride, ctx.padding)
        of_bias = gradient.sum((0, 2, 3)) if ctx.biased and ctx.needs_input_grad[2] else None
        return of_image, of_weight, of_bias, None, None


def _weight_gradient(gradient: Tensor, image: Tensor, weight: Tensor, stride: Any, padding: Any) -> Tensor:
    tall, wide = weight.shape[2:]
    (above, left), step = padding, stride[1]
    if image.shape[2] < tall or image.shape[3] < wide:  # oneDNN wants the border of so small an image laid around it
        image, above, left = F.pad(image, (left, left, above, above)), 0, 0
    spans, parts = (gradient.shape[3] - 1) * step, []
    for first in range(0, wide, _QUICK_COLUMNS):
        columns = weight[..., first : first + _QUICK_COLUMNS]
        start, end = first - left, first - left + spans + columns.shape[3]
        seen = F.pad(image, (-start, end - image.shape[3]))  # less than 0 cuts
        parts.append(_backward(gradient, seen, columns, stride, (above, 0), (False, True, False))[1])
    return torch.cat(parts, 3)


def _backward(gradient: Tensor, image: Tensor, weight: Tensor, stride: Any, padding: Any, wanted: Any) -> Any:
    return torch.ops.aten.convolution_backward(
        gradient, image, weight, None, stride, padding, (1, 1), False, (0, 0), weight.shape[0], wanted
    )


class _GroupNorm(nn.GroupNorm):
    def forward(self, input: Tensor) -> Tensor:
        output = super().forward(input.contiguous())
        return output.contiguous(memory_format=torch.channels_last) if output.ndim == 4 else output
