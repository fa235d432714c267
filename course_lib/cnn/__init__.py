"""Convolutional networks: one small set of weights that looks everywhere.

Four parts, each with its own symbols and equations:
    counting        weights, sizes of outputs, and what one output can see
    convolution     forward: the loops written out, im2col, the fast convolution, pooling, translation
    gradients       backward through convolution and pooling, and batch normalisation
    network         a network for the digits in torch, its training and evaluation
    curves          networks that show what a convolution is good for, and their recipe
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
from course_lib.cnn.curves import PUBLISHED, curve_network, sheet_network, train_curves
from course_lib.cnn.gradients import batch_norm2d, col2im, conv2d_backward, max_pool2d_backward
from course_lib.cnn.network import build_cnn, evaluate, train_epoch

__all__ = [
    "PUBLISHED",
    "avg_pool2d",
    "batch_norm2d",
    "build_cnn",
    "col2im",
    "conv2d",
    "conv2d_backward",
    "conv2d_channels",
    "conv2d_loops",
    "conv2d_single",
    "conv_weight_count",
    "curve_network",
    "dense_weight_count",
    "equivariance_error",
    "evaluate",
    "im2col",
    "max_pool2d",
    "max_pool2d_backward",
    "output_size",
    "receptive_field",
    "sheet_network",
    "train_curves",
    "train_epoch",
    "translate",
]
