r"""Networks in integers: a real number becomes an integer on a grid, and a layer multiplies only integers.

A grid is given by two numbers, its step and the integer that means 0. Everything else follows: what is rounded,
what saturates, how products of integers turn into the next layer's integers, and how a network learns to live with it.

Symbols
    x           any             real numbers: weights or activations
    s           > 0             scale, the step of the grid
    z           integer         zero point, the integer that means exactly 0
    q           int8, uint8     the stored integers, in [q_min, q_max]
    b           2 ... 8         bits of an integer; signed [-2^(b-1), 2^(b-1) - 1], unsigned [0, 2^b - 1]
    acc         int32           sums of products of integers
    s_w         (out,)          one scale for each output channel of the weights

Equations
    q = clip(round(x / s) + z, q_min, q_max)     round half to even
    x' = s (q - z)
    s = (high - low) / (q_max - q_min),  z = round(q_min - low / s)     with low <= 0 <= high
    symmetric: s = max |x| / (2^(b-1) - 1),  z = 0
    acc = (q_x - z_x) (q_w - z_w)^T + bias,  q_y = clip(round(acc s_x s_w / s_y) + z_y)
    signal-to-noise = 10 log10(sum x^2 / sum (x - x')^2) dB
    straight-through estimator: d x' / d x := 1 inside the grid's range, 0 outside

Papers
    B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
        inference", 2018
    R. Krishnamoorthi, "Quantizing deep convolutional networks for efficient inference: a whitepaper", 2018
    Y. Bengio, N. Leonard, A. Courville, "Estimating or propagating gradients through stochastic neurons", 2013
    M. Nagel et al., "A white paper on neural network quantization", 2021
    S. Tailor, J. Fernandez-Marques, N. Lane, "Degree-Quant: quantization-aware training for graph neural
        networks", 2021
    W. Bennett, "Spectra of quantized signals", 1948
"""

from course_lib.quantization.aware import fake_quantize, train_aware
from course_lib.quantization.grids import (
    affine_qparams,
    calibrate,
    dequantize,
    per_channel_qparams,
    quantization_error,
    quantize,
)
from course_lib.quantization.integers import int8_conv2d, int8_linear, int8_matmul, requantize
from course_lib.quantization.networks import fold_batch_norm, quantize_model

__all__ = [
    "affine_qparams",
    "calibrate",
    "dequantize",
    "fake_quantize",
    "fold_batch_norm",
    "int8_conv2d",
    "int8_linear",
    "int8_matmul",
    "per_channel_qparams",
    "quantization_error",
    "quantize",
    "quantize_model",
    "requantize",
    "train_aware",
]
