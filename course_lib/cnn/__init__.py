"""Convolutional networks: one small set of weights that looks everywhere.

Four parts, each with its own symbols and equations:
    counting        weights, sizes of outputs, and what one output can see
    convolution     forward: the loops written out, im2col, the fast convolution, pooling, translation
    gradients       backward through convolution and pooling, and batch normalisation
    network         a network for the digits in torch, its training and its evaluation
"""

from course_lib.cnn.convolution import (
    avg_pool2d,
    conv2d,
    conv2d_channels,
    conv2d_loops,
    conv2d_single,
    equivariance_error,
    im2col,
    max_pool2d,
    translate,
)
from course_lib.cnn.counting import conv_weight_count, dense_weight_count, output_size, receptive_field

__all__ = [
    "avg_pool2d",
    "conv2d",
    "conv2d_channels",
    "conv2d_loops",
    "conv2d_single",
    "conv_weight_count",
    "dense_weight_count",
    "equivariance_error",
    "im2col",
    "max_pool2d",
    "output_size",
    "receptive_field",
    "translate",
]
