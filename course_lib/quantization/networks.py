"""Whole networks in integers: batch normalisation folded in, each layer with the grids that calibration found."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from course_lib.quantization.grids import affine_qparams, calibrate, dequantize, per_channel_qparams, quantize
from course_lib.quantization.integers import int8_conv2d, int8_linear

__all__ = ["IntegerLayer", "fold_batch_norm", "quantize_model"]


def fold_batch_norm(conv: nn.Conv2d, bn: nn.BatchNorm2d) -> nn.Conv2d:
    """One convolution that does the work of a convolution and the batch normalisation after it, in eval mode.

    Args:
        conv: with or without a bias; left unchanged.
        bn: its running mean and variance are used; left unchanged.

    Returns:
        A new convolution with a bias, in eval mode.
    """
    folded = copy.deepcopy(conv).eval()
    mean, var = bn.running_mean, bn.running_var
    if mean is None or var is None:
        raise ValueError("bn keeps no running mean and variance (track_running_stats=False), so it cannot be folded")
    with torch.no_grad():
        gain = torch.rsqrt(var + bn.eps) if bn.weight is None else bn.weight * torch.rsqrt(var + bn.eps)
        shift = torch.zeros_like(mean) if bn.bias is None else bn.bias
        bias = torch.zeros_like(mean) if conv.bias is None else conv.bias
        folded.weight = nn.Parameter(conv.weight * gain[:, None, None, None])
        folded.bias = nn.Parameter((bias - mean) * gain + shift)
    return folded


class IntegerLayer(nn.Module):
    """A linear layer or a convolution that stores and multiplies integers; real numbers go in and come out.

    Attributes:
        weight: int8, the layer's shape.
        bias: int32, in units of `scale_in * scale_w`.
        scale_w: float32, one for each output channel.
        grids: float32, (4,): scale and zero point of the inputs, then of the outputs.
    """

    weight: Tensor
    bias: Tensor
    scale_w: Tensor
    grids: Tensor

    def __init__(self, layer: nn.Linear | nn.Conv2d, inputs: Tensor, outputs: Tensor):
        """Quantizes a layer for the observed inputs and outputs."""
        super().__init__()
        scale_w, zeros = per_channel_qparams(layer.weight.detach(), 0)
        shape = (-1, *[1] * (layer.weight.dim() - 1))
        scale_in, zero_in = affine_qparams(*calibrate(inputs, "minmax"))
        scale_out, zero_out = affine_qparams(*calibrate(outputs, "minmax"))
        bias = torch.zeros_like(scale_w) if layer.bias is None else layer.bias.detach()
        self.register_buffer("weight", quantize(layer.weight.detach(), scale_w.view(shape), zeros.view(shape)))
        self.register_buffer("bias", torch.round(bias / (scale_in * scale_w)).to(torch.int32))
        self.register_buffer("scale_w", scale_w.float())
        self.register_buffer("grids", torch.tensor([scale_in, zero_in, scale_out, zero_out], dtype=torch.float32))
        self.geometry = (layer.stride[0], int(layer.padding[0])) if isinstance(layer, nn.Conv2d) else ()

    def forward(self, x: Tensor) -> Tensor:
        """From real numbers to real numbers, with integers in between."""
        scale_in, zero_in, scale_out, zero_out = self.grids.tolist()
        layer = int8_conv2d if self.weight.dim() == 4 else int8_linear
        q = layer(
            quantize(x, scale_in, int(zero_in)),
            scale_in,
            int(zero_in),
            self.weight,
            self.scale_w,
            0,
            self.bias,
            scale_out,
            int(zero_out),
            *self.geometry,
        )
        return dequantize(q, scale_out, int(zero_out))


def quantize_model(model: nn.Sequential, calibration: Tensor) -> nn.Sequential:
    """Turns a network into integers, without training.

    Args:
        model: layers in a row; left unchanged.
        calibration: typical inputs; the grids of all activations cover the values that these produce.

    Returns:
        The same layers with every linear layer and convolution in 8-bit integers, in eval mode.
    """
    layers: list[nn.Module] = []
    with torch.no_grad():
        x = calibration
        for layer in copy.deepcopy(model).eval():
            y = layer(x)
            layers.append(IntegerLayer(layer, x, y) if isinstance(layer, nn.Linear | nn.Conv2d) else layer)
            x = y
    return nn.Sequential(*layers).eval()
