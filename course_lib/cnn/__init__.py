"""Convolutional networks: one small set of weights that looks everywhere.

Four parts, each with its own symbols and equations:
    counting        weights, sizes of outputs, and what one output can see
    convolution     forward: the loops written out, im2col, the fast convolution, pooling, translation
    gradients       backward through convolution and pooling, and batch normalisation both ways
    network         a network for the digits in torch, its training and evaluation
    curves          networks that show what a convolution is good for, and their recipe
    deep            twenty layers with and without residual connections
    overfitting     a network that learns by heart, watched on a validation set
"""

from course_lib.cnn.convolution import (
    avg_pool2d,
    conv2d,
    conv2d_channels,
    conv2d_loops,
    conv2d_single,
    equivariance_error,
    global_average_pool,
    im2col,
    max_pool2d,
    translate,
)
from course_lib.cnn.counting import (
    conv_weight_count,
    dense_weight_count,
    output_size,
    receptive_field,
    separable_weight_count,
)
from course_lib.cnn.curves import EPOCHS, PUBLISHED, SHUFFLED, curve_network, sheet_network, train_curves
from course_lib.cnn.deep import deep_network, gradient_sizes, train_deep
from course_lib.cnn.gradients import (
    batch_norm2d,
    batch_norm2d_backward,
    col2im,
    conv2d_backward,
    max_pool2d_backward,
)
from course_lib.cnn.network import build_cnn, evaluate, train_epoch
from course_lib.cnn.overfitting import watch_learning

__all__ = [
    "EPOCHS",
    "PUBLISHED",
    "SHUFFLED",
    "avg_pool2d",
    "batch_norm2d",
    "batch_norm2d_backward",
    "build_cnn",
    "col2im",
    "conv2d",
    "conv2d_backward",
    "conv2d_channels",
    "conv2d_loops",
    "conv2d_single",
    "conv_weight_count",
    "curve_network",
    "deep_network",
    "dense_weight_count",
    "equivariance_error",
    "evaluate",
    "global_average_pool",
    "gradient_sizes",
    "im2col",
    "max_pool2d",
    "max_pool2d_backward",
    "output_size",
    "receptive_field",
    "separable_weight_count",
    "sheet_network",
    "train_curves",
    "train_deep",
    "train_epoch",
    "translate",
    "watch_learning",
]
