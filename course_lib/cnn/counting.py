r"""What can be known about a convolutional network before it runs: its weights, its sizes, and how far it sees.

Symbols
    H, W, C         height, width and channels of an image
    K               side of a kernel; s stride, p padding on each side, d dilation
    R               receptive field: side of the square of inputs that one output can see
    J               jump: how many inputs lie between two neighbouring outputs

Equations
    dense weights of one hidden layer:  H W C hidden
    weights of a convolution:           C_out (C_in K_h K_w + 1),  whatever the size of the image
    depthwise-separable convolution:    C_in K^2 + C_in C_out,  without biases
    output size:                        floor((size + 2 p - d (K - 1) - 1) / s) + 1
    receptive field, layer by layer:    R <- R + (K - 1) J,  J <- J s,  from R = J = 1

Papers
    Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998
    V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016
    A. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017
    A. Araujo, W. Norris, J. Sim, "Computing receptive fields of convolutional neural networks", Distill 2019
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "conv_weight_count",
    "dense_weight_count",
    "output_size",
    "pair",
    "receptive_field",
    "separable_weight_count",
]


def dense_weight_count(height: int, width: int, channels: int, hidden: int) -> int:
    """Weights between an image and a fully connected layer of `hidden` nodes; biases are not counted.

    Raises:
        ValueError: a size is below 1.
    """
    _at_least_one(height=height, width=width, channels=channels, hidden=hidden)
    return int(height) * int(width) * int(channels) * int(hidden)


def conv_weight_count(c_in: int, c_out: int, kernel: int | tuple[int, int], bias: bool = True) -> int:
    """The numbers that a convolution stores: its kernels, and with `bias` one more per output channel.

    Args:
        c_in: channels of the input.
        c_out: channels of the output, one kernel for each.
        kernel: side of the kernels, or (height, width).
        bias: whether there are biases.

    Raises:
        ValueError: a size is below 1.
    """
    rows, columns = pair(kernel)
    _at_least_one(c_in=c_in, c_out=c_out, kernel=min(rows, columns))
    return int(c_out) * (int(c_in) * rows * columns + bool(bias))


def separable_weight_count(c_in: int, c_out: int, kernel: int) -> int:
    """Weights of a depthwise-separable convolution (MobileNets, 2017); biases are not counted.

    A depthwise convolution gives each input channel one square kernel of its own, a pointwise convolution of
    1 x 1 then mixes the channels.

    Args:
        c_in: channels of the input.
        c_out: channels of the output.
        kernel: side of the depthwise kernels.

    Raises:
        ValueError: a size is below 1.
    """
    _at_least_one(c_in=c_in, c_out=c_out, kernel=kernel)
    return int(c_in) * int(kernel) ** 2 + int(c_in) * int(c_out)


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """In how many positions a kernel fits along one axis.

    Args:
        size: size of the input.
        kernel: size of the kernel.
        stride: steps between two positions.
        padding: zeros added on each of the two sides.
        dilation: steps between two neighbouring weights of the kernel.

    Raises:
        ValueError: a size or step is below 1, the padding below 0, or the kernel fits nowhere.
    """
    _at_least_one(size=size, kernel=kernel, stride=stride, dilation=dilation)
    if padding < 0:
        raise ValueError(f"padding is {padding}; output_size expects 0 or more")
    span = dilation * (kernel - 1) + 1
    if size + 2 * padding < span:
        raise ValueError(
            f"a kernel that spans {span} does not fit into {size} + 2 * {padding}: use a smaller kernel or more padding"
        )
    return int((size + 2 * padding - span) // stride + 1)


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """How many inputs, along one axis, one output of the last layer can see.

    Args:
        layers: (kernel, stride) of each layer, the first layer first; pooling counts like convolution.

    Raises:
        ValueError: a kernel or stride is below 1.
    """
    field = jump = 1
    for kernel, stride in layers:
        _at_least_one(kernel=kernel, stride=stride)
        field += (int(kernel) - 1) * jump
        jump *= int(stride)
    return field


def pair(kernel: int | Sequence[int]) -> tuple[int, int]:
    """An int twice, a pair unchanged."""
    if isinstance(kernel, Sequence):
        rows, columns = kernel
        return int(rows), int(columns)
    return int(kernel), int(kernel)


def _at_least_one(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}; expected 1 or more")
