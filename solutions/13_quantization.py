# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 13 · Quantization
#
# **Two bits for every weight.** The network below has learned to read digits. Each of its weights is a float of 32 bits:
# about four billion values to choose from. On the right, all weights were rounded to fewer and fewer values. Nothing was
# trained again.

# %% [markdown]
# **You will be able to**
#
# - quantize numbers to a grid with a scale and a zero point, and say how large the error is
# - choose a range: for weights channel by channel, for activations by calibration, with outliers or without
# - compute a fully connected layer and a convolution in integers, from int8 over sums in int32 to int8
# - turn a trained network into one of integers, with batch normalisation folded away
# - train a network for weights of two or three bits, with the straight-through estimator
# - say what quantization saves in bytes, energy and time, and what has to be there to get it
#
# **Time**: about 5 hours (estimated). **Needs**: [4 · Convolution](../04_convolution/04_convolution.ipynb),
# [8 · Messages on graphs](../08_message_passing/08_message_passing.ipynb),
# [11 · Why hardware decides](../11_acceleration/11_acceleration.ipynb) and [12 · Pruning](../12_pruning/12_pruning.ipynb).
# [Map of the course](../00_start/00_start.ipynb)

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import copy
import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from autograder import check, progress
from course_lib import data, graphs, measure, training
from course_lib.gnn import degree, gcn_norm
from course_lib.pruning import lenet, weights_of, with_weights
from course_lib.quantization.nodes import aggregated, as_it_is, gcn_logits, spared, train_gcn
from course_lib.training import track
from course_lib.viz import pending, style
from course_lib.viz import quantization as draw
from course_lib.viz.quantization_diagrams import integer_flow, rounded_in_training

torch.set_num_threads(1)
style()

digits = data.drawn()  # 3,000 to learn from, 5,000 to judge by
learn, held_out = [
    (torch.tensor(part.x, dtype=torch.float32), torch.tensor(part.labels)) for part in (digits.train, digits.test)
]

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
dense = lenet(hidden=(64, 64), seed=1)  # 64 pixels, two hidden layers of 64 units, 10 classes
training.fit(dense, learn, 20, 1e-2, schedule=training.cosine, label="digits")
weights, whole = weights_of(dense), training.evaluate(dense, held_out)


def score(weights):
    """The share of held-out digits that the network reads with other weights in it."""
    return training.evaluate(with_weights(dense, weights), held_out)


draw.few_bits(weights, score, len(held_out[1]))

# %% [markdown]
# Eight bits, 256 values: no difference that could be measured. (As in notebook 12 the digits are drawn, and 5,000 are held
# out: the standard error is 0.3 points.) Four bits: hardly any. Two bits, and it misreads most of them.
#
# Eight bits in place of 32 make the file four times smaller, let every byte that is moved carry four times as many numbers,
# and need arithmetic that costs a fraction of the energy. That is why networks on phones mostly run on **integers**. In this
# notebook you build such a network from nothing: the grid, the integer layers, the whole network. Then you take the two bits
# that failed, and train the network until they are nearly enough.
#
# | symbol | meaning |
# |:--|:--|
# | $x$ | real numbers: weights or activations |
# | $b$ | bits of an integer |
# | $q$ | the stored integers, from $q_\min$ to $q_\max$ |
# | $s$ | **scale**: the distance between two neighbouring grid points |
# | $z$ | **zero point**: the integer that means 0 |
# | $x'$ | what the integer means, $s\,(q - z)$ |
# | acc | sums of products of integers, in 32 bits |
#
# ## 13.1 A grid on the number line
#
# $b$ bits are $2^b$ integers. Signed ones reach from $-2^{b-1}$ to $2^{b-1} - 1$, unsigned ones from $0$ to $2^b - 1$.


# %% nbgrader={"grade": false, "grade_id": "limits", "locked": true, "schema_version": 3, "solution": false, "task": false}
def limits(bits, signed=True):
    """The least and the largest integer of so many bits."""
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


limits(8), limits(8, signed=False), limits(2)

# %% [markdown]
# To **quantize** numbers, lay the integers over their range like the marks of a ruler: the **grid**. The lowest number gets
# the lowest integer, the highest one gets the highest. Two numbers describe the grid: the scale and the zero point.
#
# $$s = \frac{\text{high} - \text{low}}{q_\max - q_\min} \qquad z = \mathrm{round}\!\left(q_\min - \frac{\text{low}}{s}\right)$$
#
# One thing must be right: **0 has to lie on a mark.** Padding is 0, half of what a ReLU gives is 0, a pruned weight is 0.
# If 0 were off by a third of a step, all of these would be off, always in the same direction. So the zero point is an
# integer, and the range is widened first until it holds 0.
#
# ### Exercise: `affine_qparams`
#
# `affine_qparams(low, high, bits=8, signed=True, symmetric=False) -> (scale, zero_point)`
#
# - Widen the range: `low` becomes 0 where it is above 0, and `high` becomes 0 where it is below.
# - Where nothing but 0 is left, return the scale 1.0.
# - `symmetric`: as many steps up as down. $s = \max(|\text{low}|, |\text{high}|) / (2^{b-1} - 1)$, and the zero point is in
#   the middle: 0 for signed integers, $2^{b-1}$ for unsigned ones.
# - The scale is a float, the zero point an `int` of the grid.
#
# **By hand.** From $-1$ to $3$ with two bits. The integers are $-2, -1, 0, 1$: four marks, *three* steps. $s = 4/3$. $z =
# \mathrm{round}(-2 + 3/4) = -1$. So the marks are at $-\frac43, 0, \frac43, \frac83$.


# %% nbgrader={"grade": false, "grade_id": "affine_qparams", "locked": false, "schema_version": 3, "solution": true, "task": false}
def affine_qparams(low, high, bits=8, signed=True, symmetric=False):
    """(scale, zero_point) of the grid that covers low ... high and 0."""
    ### BEGIN SOLUTION
    least, most = limits(bits, signed)
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        scale = max(-low, high) / (2 ** (bits - 1) - 1)
        return (scale or 1.0), (0 if signed else 2 ** (bits - 1))
    scale = (high - low) / (most - least) or 1.0
    return scale, min(max(round(least - low / scale), least), most)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "affine_qparams_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.affine_qparams", affine_qparams)

# %% [markdown]
# ### Exercise: `quantize`
#
# `quantize(x, scale, zero_point, bits=8, signed=True) -> integers shaped like x`
#
# $$q = \mathrm{clip}\big(\mathrm{round}(x / s) + z,\; q_\min,\; q_\max\big)$$
#
# - **Round half to even**: 0.5 becomes 0, 1.5 becomes 2, 2.5 becomes 2. `torch.round` does that. Round first, *then* add
#   the zero point.
# - What lies beyond the grid **saturates**: it gets the last integer. Clip before you cast. A cast does not clip, it wraps
#   around: 130 would become $-126$.
# - The result is stored in 8 bits: `torch.int8` or `torch.uint8`. (`bits` is at most 8 here.)
# - Scale and zero point may be tensors that broadcast against $x$.
#
# **By hand.** $x = (-1.2,\; 0.4,\; 0.8,\; 1.7,\; 9)$, $s = 1$, $z = 1$, three bits, so $-4 \dots 3$. Rounded: $-1, 0, 1, 2,
# 9$. Plus one: $0, 1, 2, 3, 10$. Clipped: $q = (0, 1, 2, 3, 3)$.


# %% nbgrader={"grade": false, "grade_id": "quantize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quantize(x, scale, zero_point, bits=8, signed=True):
    """The nearest integers of the grid, int8 or uint8, shaped like x."""
    ### BEGIN SOLUTION
    least, most = limits(bits, signed)
    q = torch.round(x / scale) + zero_point
    return q.clamp(least, most).to(torch.int8 if signed else torch.uint8)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "quantize_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.quantize", quantize)

# %% [markdown]
# ### Exercise: `dequantize`
#
# `dequantize(q, scale, zero_point) -> float32 shaped like q`
#
# The way back, $x' = s\,(q - z)$. One trap: in 8 bits $-128 - 100$ is $28$. Make the integers wider before you subtract.
#
# **By hand.** $q = (-3, 0, 5)$, $s = 0.5$, $z = 1$: $x' = (-2, -0.5, 2)$.


# %% nbgrader={"grade": false, "grade_id": "dequantize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dequantize(q, scale, zero_point):
    """What the integers mean, float32."""
    ### BEGIN SOLUTION
    return ((q.to(torch.int32) - zero_point) * scale).to(torch.float32)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "dequantize_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.dequantize", dequantize)

# %% [markdown]
# ### What your grid does to numbers

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_stairs", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("quantize", "dequantize"):
    draw.stairs(quantize, dequantize)

# %% [markdown]
# Left, what becomes of each number: stairs. Green is where the grid reaches. Right, the error. Inside the grid it is half a
# step at most. Outside it grows without end. These two errors, **rounding** and **saturation** (also called clipping), are
# all that quantization does wrong. A wide grid rounds coarsely, a narrow one saturates early. You will have to choose.
#
# And why half to *even*?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_halves", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("quantize"):
    draw.halves(quantize)

# %% [markdown]
# Halves are frequent where scales are powers of two. If all went up, every such rounding would add half a step, and a sum
# over hundreds of them would drift. Half to even goes up as often as down.
#
# Now the 4,096 weights of the second layer, with your grid on top. Move the slider.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_grid", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("affine_qparams", "quantize", "dequantize"):
    draw.grid_slider(affine_qparams, quantize, dequantize, weights[1])

# %% [markdown]
# On the right, how many weights each integer got. The vermilion bar is the zero point. With eight bits the grid follows the
# shape of the histogram. With two, nearly everything lands on 0.
#
# ## 13.2 Six decibels per bit, once the steps are fine
#
# How bad is it? Compare the power of the numbers with the power of the error, as engineers have done since there has been
# digital sound: the **signal-to-noise ratio**, in decibels.
#
# $$\text{SNR} = 10 \log_{10} \frac{\sum x^2}{\sum (x - x')^2} \quad\text{dB}$$
#
# 20 dB: the error is a tenth of the signal in size (a hundredth in power). 40 dB: a hundredth.
#
# ### Exercise: `quantization_error`
#
# `quantization_error(x, bits) -> float`, in dB
#
# The grid is signed and covers all of $x$: `affine_qparams(float(x.min()), float(x.max()), bits)`. Where nothing is lost,
# return `math.inf`.
#
# **By hand.** $x = (0,\; 1.2,\; 1.8,\; 3)$, two bits. The range is $0 \dots 3$, so $s = 1$, and $x' = (0, 1, 2, 3)$. The
# error's power is $0.04 + 0.04 = 0.08$, the signal's $1.44 + 3.24 + 9 = 13.68$. $10 \log_{10} 171 = 22.3$ dB.


# %% nbgrader={"grade": false, "grade_id": "quantization_error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quantization_error(x, bits):
    """The signal-to-noise ratio of min-max quantization in dB; math.inf where nothing is lost."""
    ### BEGIN SOLUTION
    scale, zero_point = affine_qparams(float(x.min()), float(x.max()), bits)
    back = (quantize(x, scale, zero_point, bits).double() - zero_point) * scale
    signal, noise = float((x.double() ** 2).sum()), float(((x - back) ** 2).sum())
    return 10 * math.log10(signal / noise) if noise > 0 else math.inf
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "quantization_error_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.quantization_error", quantization_error)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_decibels", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("affine_qparams", "quantize", "quantization_error"):
    generator = torch.Generator().manual_seed(0)
    uniform, bell = torch.rand(20000, generator=generator) * 2 - 1, torch.randn(20000, generator=generator)
    heavy, heavier = (  # Student's t: few numbers, and the fewer degrees, the more, lie far out
        bell / torch.randn(degrees, 20000, generator=generator).square().mean(0).sqrt() for degrees in (3, 2)
    )
    kinds = {"uniform": uniform, "weights of layer 2": weights[1], "bell curve": bell}
    kinds |= {"heavy tail": heavy, "heavier tail": heavier}
    draw.decibels(quantization_error, kinds, range(2, 9))
    print("dB gained by one more bit   ", *(f"{bits} to {bits + 1}" for bits in range(2, 8)), sep="  ")
    gained = {}
    for name, x in kinds.items():
        values = [quantization_error(x, bits) for bits in range(2, 9)]
        gained[name] = [after - before for before, after in pairwise(values)]
        print(f"{name:28}", *(f"{gain:6.1f}" for gain in gained[name]), sep=" ")

# %% [markdown]
# One more bit halves the step. Where the steps are fine compared with the numbers, the error of each number is as good as
# random within half a step. So it halves too. Half the error is a quarter of its power, and $10 \log_{10} 4 = 6.02$ dB:
# **every bit is worth 6 dB once the steps are fine** (Bennett, 1948).
#
# *Once the steps are fine.* Read the last two rows of the table. In a heavy tail a few huge numbers stretch the grid so far
# that nearly all others round to 0. Their error is then not the step, it is the number itself, and a finer step does not
# help yet: the first bits are worth a fraction of 6 dB. The rule holds only from the bit on at which the bulk of the numbers
# has marks of its own. For the heavier tail that is hardly reached at eight bits.
#
# And even where all lines have the same slope they do not lie on each other. Uniform numbers use the whole grid. A bell curve
# leaves its ends nearly empty. At eight bits the heavy tail is as good as uniform numbers with about three bits less.
#
# ## 13.3 Where to put the grid
#
# ### A ruler for every channel
#
# Weights of one layer differ. One output channel may have weights ten times as large as its neighbour's. With one scale for
# all (**per tensor**), the widest channel decides, and the narrow ones are rounded to dust. With a scale for each output
# channel (**per channel**) no channel pays for another. It costs one float per channel, and (as you will see) nothing in the
# inner loop.
#
# ### Exercise: `per_channel_qparams`
#
# `per_channel_qparams(w, axis, bits=8) -> (scales (channels,), zero_points (channels,))`
#
# Symmetric grids: for each slice along `axis`, $s = \max |w| / (2^{b-1} - 1)$ and $z = 0$. The scales have $w$'s dtype, the
# zero points are integers. A channel of zeros gets the scale 1. `axis` may be negative.
#
# *Hint:* `w.movedim(axis, 0).reshape(w.shape[axis], -1)` puts the channels into rows. It does the same for a vector, whose
# channels have one number each.
#
# **By hand.** The rows $(0.5, -1.0)$ and $(0.1, -12.7)$, eight bits: $s = (1/127,\; 0.1)$. With one scale for both, $0.1$,
# the first row would be stored as $(5, -10)$. With its own it is $(64, -127)$.


# %% nbgrader={"grade": false, "grade_id": "per_channel_qparams", "locked": false, "schema_version": 3, "solution": true, "task": false}
def per_channel_qparams(w, axis, bits=8):
    """Symmetric grids for the slices of w along an axis: scales and zero points, (channels,) each."""
    ### BEGIN SOLUTION
    rows = w.abs().movedim(axis, 0).reshape(w.shape[axis], -1)
    scales = rows.amax(1) / (2 ** (bits - 1) - 1)
    scales = torch.where(scales > 0, scales, 1)
    return scales, torch.zeros_like(scales, dtype=torch.int64)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "per_channel_qparams_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.per_channel_qparams", per_channel_qparams)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_channels", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("per_channel_qparams", "quantize", "dequantize"):
    draw.channels(per_channel_qparams, quantize, dequantize, weights[0])

# %% [markdown]
# The first layer with four bits. One scale for all is fine for the widest channel, and the narrower a channel, the more it
# loses. With scales of their own no channel falls behind.
#
# ### What to do with outliers
#
# Weights are known. Activations are not: they depend on the input. So run some typical inputs through the network, look at
# what comes out of each layer, and choose a range. This is **calibration**. If you take everything that occurred, a single
# outlier stretches the grid. If you cut the ends off, outliers saturate.
#
# ### Exercise: `calibrate`
#
# `calibrate(samples, method) -> (low, high)`
#
# `samples` is a tensor, or a list of tensors of any shapes, taken together.
#
# - `"minmax"`: the least and the largest number.
# - `"percentile"`: the quantiles 0.001 and 0.999. One number in a thousand is given up on each side. `torch.quantile`.
# - `"mse"`: the range whose grid of 8 bits gives the smallest mean squared error. Try for example all ranges $(k \cdot
#   \text{low},\; k \cdot \text{high})$ with $k = 0.01, 0.02, \dots, 1$. A range whose error is at most 2 % above ours is accepted.
#
# **By hand.** The numbers $0, 1, \dots, 1000$: "minmax" gives $(0, 1000)$, "percentile" gives $(1, 999)$.


# %% nbgrader={"grade": false, "grade_id": "calibrate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def calibrate(samples, method):
    """The range (low, high) that a grid should cover, by "minmax", "percentile" or "mse"."""
    ### BEGIN SOLUTION
    parts = [samples] if isinstance(samples, torch.Tensor) else samples
    x = torch.cat([part.flatten() for part in parts])
    low, high = float(x.min()), float(x.max())
    if method == "percentile":
        ends = torch.quantile(x, torch.tensor([0.001, 0.999], dtype=x.dtype, device=x.device))
        return float(ends[0]), float(ends[1])
    if method == "mse":

        def error(k):
            scale, zero_point = affine_qparams(k * low, k * high)
            q = quantize(x, scale, zero_point)
            return float(((dequantize(q, scale, zero_point) - x) ** 2).mean())

        best = min((step / 100 for step in range(1, 101)), key=error)
        return best * low, best * high
    return low, high
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "calibrate_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.calibrate", calibrate)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_ranges", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("calibrate", "affine_qparams", "quantize", "dequantize"):
    draw.ranges(calibrate, affine_qparams, quantize, dequantize, heavy)

# %% [markdown]
# The heavy tail from before. (Mind the axis: each tick is ten times as many numbers.) "minmax" covers all of it.
# "percentile" keeps 998 of 1,000 numbers on a much finer grid. "mse" looks for the best compromise.
#
# With **8 bits** cutting that much is a mistake: the few numbers that saturate lose more than all others gain, and "mse",
# made for 8 bits, wins by giving up next to nothing. With **4 bits** it is the other way round. The step is so coarse now
# that the percentile wins clearly. There is no best range for all: *the fewer the bits, the more of the tail you have to
# give up*. In large language models this is a main difficulty: a few features are far larger than all others (Dettmers and
# others, 2022).
#
# ## 13.4 Arithmetic with integers
#
# So far integers were only *stored*. Now compute with them. A fully connected layer, with $x' = s_x (q_x - z_x)$ and
# $w' = s_w (q_w - z_w)$:
#
# $$y = \sum_d x'_d\, w'_d = s_x s_w \underbrace{\sum_d (q_{x,d} - z_x)(q_{w,d} - z_w)}_{\text{acc: integers only}}$$
#
# Both scales move in front of the sum. Inside there is nothing but integers. So a network of integers looks like this:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "draw_flow", "locked": true, "schema_version": 3, "solution": false, "task": false}
integer_flow()

# %% [markdown]
# Floats are **quantized** once, at the door. The kernel multiplies integers of 8 bits and adds up in 32. The sums are
# **requantized** to the grid of the next layer. At the other door integers are **dequantized**. ONNX and the compilers for
# phones call the two ends *Q* and *DQ*. The next exercises are the boxes, from left to right.
#
# ### Exercise: `int8_matmul`
#
# `int8_matmul(qx (N, D), zx, qw (out, D), zw) -> (N, out) int32`
#
# $\text{acc} = (q_x - z_x)(q_w - z_w)^\top$. The inputs are `int8` or `uint8`. `zw` is an integer or a tensor (out,), one
# for each row.
#
# - A product of two 8-bit integers needs 16 bits, and a sum of thousands needs more. So: make both `torch.int32`, subtract,
#   then `@`.
# - **No floats.** Not even in between: the check watches. (So stay with torch's tensors or Python's integers. NumPy is locked
#   while your integer layers are checked.) float32 holds whole numbers only up to $2^{24}$, and the sums here go beyond.
#   Results are compared exactly.
#
# **By hand.** $q_x = (1, 2, 3)$, $z_x = 1$, rows of $q_w$: $(4, 5, 6)$ and $(0, -1, 2)$, $z_w = 0$. $(0, 1, 2)$ times the
# rows: $17$ and $3$.


# %% nbgrader={"grade": false, "grade_id": "int8_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
def int8_matmul(qx, zx, qw, zw):
    """(qx - zx)(qw - zw)^T in int32, (N, out)."""
    ### BEGIN SOLUTION
    if isinstance(zw, torch.Tensor) and zw.dim() == 1:
        zw = zw[:, None]
    x = qx.to(torch.int32) - zx
    w = (qw.to(torch.int32) - zw).to(torch.int32)
    return x @ w.T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "int8_matmul_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.int8_matmul", int8_matmul)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_too_far", "locked": true, "schema_version": 3, "solution": false, "task": false}
large = torch.tensor([2**24, 2**24 + 1, 2**24 + 2], dtype=torch.int32)
print("integers:  ", large.tolist())
print("as float32:", [int(value) for value in large.to(torch.float32)])

# %% [markdown]
# ### Exercise: `requantize`
#
# `requantize(acc (N, out, ...), scale_in, scale_w, scale_out, zero_out, bits=8, signed=True) -> integers`
#
# The sums have to become 8-bit inputs of the next layer. One unit of `acc` is worth $s_x s_w$. One step of the next grid is
# worth $s_y$.
#
# $$q_y = \mathrm{clip}\!\left(\mathrm{round}\!\left(\text{acc} \cdot \frac{s_x s_w}{s_y}\right) + z_y\right)$$
#
# `scale_w` is a number, or one for each channel along **dimension 1**, of `(N, out)` as of `(N, out, H, W)`. Round half to
# even, add the zero point, clip, cast. The factor is the only real number in the layer. Use float64 here: float32 cannot
# hold all sums.
#
# **By hand.** $\text{acc} = (40, -50, 25, 75)$, $s_x = 0.5$, $s_w = 0.1$, $s_y = 2.5$, $z_y = 4$. The factor is $0.02$:
# $0.8, -1, 0.5, 1.5$. Rounded: $1, -1, 0, 2$. So $q_y = (5, 3, 4, 6)$.


# %% nbgrader={"grade": false, "grade_id": "requantize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def requantize(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    """The sums as integers of the next grid, shaped like acc."""
    ### BEGIN SOLUTION
    if isinstance(scale_w, torch.Tensor) and scale_w.dim() == 1:
        scale_w = scale_w.double().reshape(1, -1, *[1] * (acc.dim() - 2))
    factor = scale_in * scale_w / scale_out
    return quantize(acc.double() * factor, 1.0, zero_out, bits, signed)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "requantize_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.requantize", requantize)

# %% [markdown]
# On a chip without floats that factor is an integer too: an integer of 32 bits and a shift to the right (Jacob and others,
# 2018). We leave it a float.
#
# ### Exercise: `int8_linear`
#
# `int8_linear(qx (N, D), scale_in, zero_in, qw (out, D), scale_w, zero_w, bias, scale_out, zero_out) -> (N, out)`
#
# Products, bias, new grid. The bias is `int32` in units of $s_x s_w$, so it is simply **added to the sums**. It may be
# `None`. The result has the dtype of `qx`: `int8` or `uint8`.
#
# **By hand.** $q_x = (3, -1)$, $s_x = 0.5$, $z_x = 1$. Rows of $q_w$: $(10, 20)$ and $(-4, 6)$, $s_w = 0.1$, $z_w = 0$,
# bias $(-8, 14)$. $s_y = 0.25$, $z_y = 2$.
#
# - Sums: $(2, -2)$ times the rows are $-20$ and $-20$. With the bias: $-28$ and $-6$.
# - The factor is $0.5 \cdot 0.1 / 0.25 = 0.2$: $-5.6$ and $-1.2$. Rounded $-6$ and $-1$, plus 2: $q_y = (-4, 1)$.


# %% nbgrader={"grade": false, "grade_id": "int8_linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
def int8_linear(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    """A linear layer in integers, (N, out) in qx's dtype."""
    ### BEGIN SOLUTION
    acc = int8_matmul(qx, zero_in, qw, zero_w)
    if bias is not None:
        acc = acc + bias
    return requantize(acc, scale_in, scale_w, scale_out, zero_out, signed=qx.dtype == torch.int8)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "int8_linear_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.int8_linear", int8_linear)

# %% [markdown]
# ### Exercise: `int8_conv2d`
#
# `int8_conv2d(qx (N, C, H, W), scale_in, zero_in, qw (out, C, KH, KW), scale_w, zero_w, bias, scale_out, zero_out,
# stride=1, padding=0) -> (N, out, H', W')`
#
# The same for a convolution. Cut out the windows, as in notebook 4, and each window is a row for `int8_matmul`:
#
# `padded.unfold(2, KH, stride).unfold(3, KW, stride)` has the shape (N, C, H', W', KH, KW). Bring it to rows of $C \cdot KH
# \cdot KW$ integers, one row for each position.
#
# **What do you pad with?** With the integer that means 0: with `zero_in`. `functional.pad(qx, (padding,) * 4, value=zero_in)`.
#
# **By hand.** One image, rows $(1, 2, 3)$ and $(4, 5, 6)$, $z_x = 1$. One kernel, rows $(1, 0)$ and $(0, -2)$, bias 4. All
# scales such that the factor is 1. Without the zero point the image is $(0, 1, 2), (3, 4, 5)$. The two positions: $0 - 2 \cdot
# 4 = -8$ and $1 - 2 \cdot 5 = -9$. With the bias: $-4$ and $-5$.


# %% nbgrader={"grade": false, "grade_id": "int8_conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def int8_conv2d(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    """A convolution in integers, (N, out, H', W') in qx's dtype."""
    ### BEGIN SOLUTION
    out, _, kh, kw = qw.shape
    padded = functional.pad(qx, (padding,) * 4, value=zero_in)
    windows = padded.unfold(2, kh, stride).unfold(3, kw, stride)
    n, _, height, width, _, _ = windows.shape
    rows = windows.permute(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)
    acc = int8_matmul(rows, zero_in, qw.reshape(out, -1), zero_w)
    if bias is not None:
        acc = acc + bias
    maps = acc.reshape(n, height, width, out).permute(0, 3, 1, 2)
    return requantize(maps, scale_in, scale_w, scale_out, zero_out, signed=qx.dtype == torch.int8)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "int8_conv2d_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.int8_conv2d", int8_conv2d)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_borders", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("int8_conv2d"):
    draw.borders(int8_conv2d, held_out[0][3].view(8, 8))

# %% [markdown]
# A digit in `int8`, blurred by your convolution. Pixels are never negative, so the best signed grid has the zero point
# $-128$: white. In the middle the border was padded with it. On the right it was padded with the integer 0, which looks
# innocent and means *half black*: a frame that is not there.
#
# ## 13.5 A network without floats
#
# Two things are missing: batch normalisation, and a function that builds the layers.
#
# ### Exercise: `fold_batch_norm`
#
# `fold_batch_norm(conv, bn) -> a new nn.Conv2d`
#
# In notebook 11 `fuse_conv_bn` folded four vectors into two tensors, to save a kernel. Why again? Because integers need it:
# between the sums of a layer and its requantizing there is no room for a normalisation in floats. And this time you get
# what a trained network is made of, two *modules*: with stride and padding, with running averages, perhaps in training mode,
# and in use elsewhere. The formula is the one you know. In inference, batch normalisation multiplies each channel by a number
# and adds another. With $g = \gamma / \sqrt{\text{var} + \epsilon}$:
#
# $$W' = g\, W \qquad\qquad b' = (b - \text{mean})\, g + \beta$$
#
# - $g$ belongs to the **output** channels: dimension 0 of the weight.
# - What counts is eval mode: the running averages, whatever mode `bn` is in. Return the new module in eval mode.
# - The convolution may have no bias. The new one always has.
# - `conv` and `bn` stay as they are. `copy.deepcopy(conv)` gives you a new one with the same geometry. `bn.weight` is
#   $\gamma$, `bn.bias` is $\beta$; `bn.running_mean`, `bn.running_var` and `bn.eps` are the rest.
#
# **By hand.** One weight: $W = 2$, $b = 5$, $\gamma = 3$, $\beta = 0.5$, mean 1, var 3, $\epsilon = 1$. $g = 3 / \sqrt 4 =
# 1.5$. $W' = 3$, $b' = 4 \cdot 1.5 + 0.5 = 6.5$. Check with $x = 1$: before, $(7 - 1) \cdot 1.5 + 0.5 = 9.5$. After, $3 +
# 6.5 = 9.5$.


# %% nbgrader={"grade": false, "grade_id": "fold_batch_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fold_batch_norm(conv, bn):
    """A new convolution that does the work of conv and bn in eval mode."""
    ### BEGIN SOLUTION
    new = copy.deepcopy(conv)
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    bias = 0 if conv.bias is None else conv.bias
    new.weight = nn.Parameter((conv.weight * gain[:, None, None, None]).detach())
    new.bias = nn.Parameter(((bias - bn.running_mean) * gain + bn.bias).detach())
    return new.eval()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fold_batch_norm_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.fold_batch_norm", fold_batch_norm)

# %% [markdown]
# ### Exercise: `quantize_model`
#
# `quantize_model(model, calibration) -> a new model`
#
# `model` is an `nn.Sequential` of linear layers, convolutions, ReLUs, max pooling and `nn.Flatten`. `calibration` is a
# batch of inputs. Replace every linear layer and every convolution by a module of your own that stores integers and
# computes with them. This is **post-training quantization**: no labels, no gradients.
#
# - Walk through the layers with the calibration batch: `y = layer(x)`. Then $x$ and $y$ give the two grids of that layer.
# - Weights: `per_channel_qparams(weight, 0)`. Bias: `torch.round(bias / (scale_in * scales))` as `int32`.
# - Keep the tensors with `self.register_buffer("weight", ...)`: then they are in the `state_dict`. The integers must be
#   there as `int8`, and the floats must be gone: the state may take a third of the bytes at most.
# - `forward(x)`: floats come in; quantize, `int8_linear` or `int8_conv2d`, dequantize; floats go out. ReLU, pooling and
#   flatten stay as they are. (So each of your modules has both doors of the diagram. A compiler for phones removes a
#   dequantize that is followed by a quantize with the same grid.)
# - The model that came in stays as it was. For a convolution `layer.stride[0]` and `layer.padding[0]` are the geometry.
#
# It is judged on CNNs and on linear networks, with thousands of digits that nobody has seen: at most one point of accuracy
# may be lost, and the logits may be off by 5 % of their spread (the root of the mean squares). Some inputs come in other
# units, tiny or huge, some are all negative or far from 0. And the check looks for products of *floating-point* matrices on
# the way.


# %% nbgrader={"grade": false, "grade_id": "quantize_model", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quantize_model(model, calibration):
    """A new model whose linear layers and convolutions store and multiply integers."""

    ### BEGIN SOLUTION
    class IntegerLayer(nn.Module):
        def __init__(self, layer, x, y):
            super().__init__()
            weight, zero_bias = layer.weight.detach(), torch.zeros(len(layer.weight))
            scales, _ = per_channel_qparams(weight, 0)
            self.grid_in = affine_qparams(*calibrate(x, "minmax"))
            self.grid_out = affine_qparams(*calibrate(y, "minmax"))
            bias = zero_bias if layer.bias is None else layer.bias.detach()
            self.register_buffer("weight", quantize(weight, scales.view(-1, *[1] * (weight.dim() - 1)), 0))
            self.register_buffer("scales", scales)
            self.register_buffer("bias", torch.round(bias / (self.grid_in[0] * scales)).to(torch.int32))
            self.geometry = (layer.stride[0], layer.padding[0]) if weight.dim() == 4 else ()

        def forward(self, x):
            work = int8_conv2d if self.geometry else int8_linear
            q = quantize(x, *self.grid_in)
            q = work(q, *self.grid_in, self.weight, self.scales, 0, self.bias, *self.grid_out, *self.geometry)
            return dequantize(q, *self.grid_out)

    layers, x = [], calibration
    with torch.no_grad():
        for layer in copy.deepcopy(model).eval():
            y = layer(x)
            layers.append(IntegerLayer(layer, x, y) if hasattr(layer, "weight") else layer)
            x = y
    return nn.Sequential(*layers).eval()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "quantize_model_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.quantize_model", quantize_model)

# %% [markdown]
# ### The bill
#
# Two networks in your integers: the one from above, and a small CNN with batch normalisation. Its normalisation is folded
# away first.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_eight_bits", "locked": true, "schema_version": 3, "solution": false, "task": false}
def size(model):
    """The bytes of everything that a network stores."""
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())


torch.manual_seed(0)
images, unseen = [(x.view(-1, 1, 8, 8), labels) for x, labels in (learn, held_out)]
cnn = nn.Sequential(
    *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10)),
)
training.fit(cnn, images, 4, 1e-2, schedule=training.cosine, label="a CNN")

with pending("fold_batch_norm", "quantize_model"):
    folded = nn.Sequential(fold_batch_norm(cnn[0], cnn[1]), *cnn[2:4], fold_batch_norm(cnn[4], cnn[5]), *cnn[6:])
    gap = float((training.predict(folded, unseen[0]) - training.predict(cnn, unseen[0])).abs().max())
    print(f"folding changes no logit by more than {gap:.0e}")
    rows = [
        ("64 and 64 units, float32", dense, held_out),
        ("64 and 64 units, integers", quantize_model(dense, learn[0][:300]), held_out),
        ("CNN, float32", cnn, unseen),
        ("CNN, folded", folded, unseen),
        ("CNN, folded, integers", quantize_model(folded, images[0][:300]), unseen),
    ]
    bill = {name: training.evaluate(model, rest) for name, model, rest in rows}
    for name, model, _ in rows:
        print(f"{name:26} {size(model):8,} bytes   digits read {bill[name]:6.1%}")
    print(f"standard error: {measure.standard_error(whole, 5000):.1%}")

# %% [markdown]
# With 8 bits both networks read as well as before, within the standard error: from a few hundred inputs without labels, in a
# fraction of a second. The **weights** are exactly four times smaller. The whole state is nearly that: biases still take 32
# bits, and the scales have joined them. In a large network both are a tiny part.
#
# ## 13.6 Two bits, and training that knows
#
# With two bits it was another story. Rounding is too coarse to be ignored. But the network could *learn* to live with it, if
# it felt it while training: round the weights in every forward pass, compute the loss of the rounded network, and let the
# gradients improve the exact weights behind. This is **quantization-aware training**.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "draw_training", "locked": true, "schema_version": 3, "solution": false, "task": false}
rounded_in_training()

# %% [markdown]
# There is one obstacle. Rounding is stairs. Its slope is 0 nearly everywhere, so no gradient would arrive. The trick is as
# bold as it is simple. On the way back, pretend that the stairs were a ramp:
#
# $$\frac{\partial x'}{\partial x} := \begin{cases} 1 & \text{where the integer } \mathrm{round}(x / s) + z \text{ lies within the limits} \\ 0 & \text{where it is clipped} \end{cases}$$
#
# This is the **straight-through estimator** (Bengio and others, 2013).
#
# ### Exercise: `fake_quantize`
#
# `fake_quantize(x, scale, zero_point, bits) -> x', shaped like x and of its dtype`
#
# There and back in one step, with signed integers of `bits` bits, and with that gradient. "Fake" because the result is a
# float: it lies on the grid, but it can be multiplied and trained like any other. Two ways:
#
# - `inside + (rounded - inside).detach()`: the value is `rounded`, the gradient that of `inside`. What is `inside`? The
#   number $x$ itself, with a gradient, where the rounded integer $\mathrm{round}(x / s) + z$ lies within the limits, before
#   it is clipped. Everywhere else 0.
# - Or a `torch.autograd.Function` with a `forward` and a `backward`.
#
# What decides is the *integer*, not $x$. A number that lies less than half a step beyond the last mark is rounded to that mark
# like its neighbours. Its integer lies within the limits, nothing is clipped, and its gradient passes. So do not clamp $x$ at
# the marks.
#
# **By hand.** $x = (-3, -0.4, 0.6, 1.3, 9)$, $s = 1$, $z = 1$, three bits: limits $-4$ and $3$. The integers are $(-2, 1, 2,
# 2, 10)$, and the last is clipped to 3. So $x' = (-3, 0, 1, 1, 2)$. The gradient of $\sum x'$ is $(1, 1, 1, 1, 0)$. A 2.3 in
# place of the 9 also becomes 2, but by rounding, to the integer 3: its gradient is 1.


# %% nbgrader={"grade": false, "grade_id": "fake_quantize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fake_quantize(x, scale, zero_point, bits):
    """The nearest points of the grid; the gradient is 1 where the rounded integer lies within the limits, else 0."""
    ### BEGIN SOLUTION
    least, most = limits(bits)
    q = torch.round(x / scale) + zero_point
    rounded = (q.clamp(least, most) - zero_point) * scale
    passes = x * ((q >= least) & (q <= most))
    return passes + (rounded - passes).detach()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fake_quantize_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.fake_quantize", fake_quantize)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_straight_through", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("fake_quantize"):
    draw.straight_through(fake_quantize)

# %% [markdown]
# ### Exercise: `train_aware`
#
# `train_aware(model, data (x, labels), bits) -> a new model of the same layers`
#
# `model` is an `nn.Sequential` of linear layers and ReLUs, trained already.
#
# - Work on a copy. In each forward pass, use rounded weights: `functional.linear(x, rounded, layer.bias)`, with symmetric
#   scales for each output channel of the weight as it is *now*. (Take the scales from `weight.detach()`.) Biases and
#   activations remain floats.
# - The optimizer moves the exact weights.
# - At the end write the **rounded** weights into the layers: at most $2^{\text{bits}}$ values in each row. Use all the bits that
#   you are given: the check expects that with eight bits most of the 64 weights in a row differ.
# - It is judged on a network like the one above and on digits that nobody has seen. With two or three bits at most four
#   points may be lost. It should take about five seconds at most.
#
# A way that works: Adam, 20 epochs, a rate of 0.01 that falls to 0 along a cosine (`training.cosine(done)` is the factor),
# batches of 64 from `training.batches(data, 64, generator)`.


# %% nbgrader={"grade": false, "grade_id": "train_aware", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_aware(model, data, bits):
    """A copy of a trained network, trained on with weights of so many bits."""

    ### BEGIN SOLUTION
    def on_grid(weight):
        scales, _ = per_channel_qparams(weight.detach(), 0, bits)
        return fake_quantize(weight, scales[:, None], 0, bits)

    new = copy.deepcopy(model)
    optimizer = torch.optim.Adam(new.parameters(), lr=0.01)
    order = torch.Generator().manual_seed(0)
    steps, step = 20 * math.ceil(len(data[1]) / 64), 0
    for _ in range(20):
        for x, labels in training.batches(data, 64, order):
            for layer in new:
                linear = isinstance(layer, nn.Linear)
                x = functional.linear(x, on_grid(layer.weight), layer.bias) if linear else layer(x)
            optimizer.param_groups[0]["lr"] = 0.01 * training.cosine(step / steps)
            optimizer.zero_grad()
            functional.cross_entropy(x, labels).backward()
            optimizer.step()
            step += 1
    with torch.no_grad():
        for layer in new:
            if isinstance(layer, nn.Linear):
                layer.weight.copy_(on_grid(layer.weight))
    return new.eval()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "train_aware_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("quantization.train_aware", train_aware)


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_bits", "locked": true, "schema_version": 3, "solution": false, "task": false}
def weights_on(bits):
    """A function that rounds a matrix of weights, with a scale for each row."""

    def rounded(w):
        scales, _ = per_channel_qparams(w.detach(), 0, bits)
        return fake_quantize(w, scales[:, None], 0, bits)

    return rounded


with pending("per_channel_qparams", "fake_quantize", "train_aware"):
    bits = [2, 3, 4, 6, 8]
    longer = copy.deepcopy(dense)  # 20 epochs more, as many as train_aware has
    training.fit(longer, learn, 20, 1e-2, schedule=training.cosine, label="as long, without a grid")
    equal, exact_weights = training.evaluate(longer, held_out), weights_of(longer)
    after = [
        training.evaluate(with_weights(longer, [weights_on(each)(w) for w in exact_weights]), held_out) for each in bits
    ]
    aware = {each: train_aware(dense, learn, each) for each in track(bits[:3], "trains with few bits")}
    reached = [training.evaluate(aware[each], held_out) if each in aware else math.nan for each in bits]
    draw.bits_and_accuracy(bits, {"rounded after training": after, "trained with the grid": reached}, equal, 5000)
    print(f"float32: {equal:.1%} ± {measure.standard_error(equal, 5000):.1%}, all after equally many epochs")
    print("bits                  ", *(f"{each:7}" for each in bits))
    print("rounded after training", *(f"{value:7.1%}" for value in after))
    print("trained with the grid ", *(f"{value:7.1%}" for value in reached[:3]))
    draw.two_bits(weights[1], weights_on(2)(weights[1]), weights_of(aware[2])[1])

# %% [markdown]
# All of these networks were trained for equally many epochs, the one in float32 too. Rounded to **two bits** after training,
# this network misreads four digits in five, and networks from other seeds at least one in three. Trained with the grid it
# comes back to within two points of float32. With **three bits** rounding costs a point or more, and training with the grid
# costs nothing that could be measured. With **four bits** the digits lose almost nothing even without such training: they are
# easy. On hard tasks four bits already need it.
#
# What did it learn? The last picture shows the second layer. On the left are its weights before, in steps of their own
# channel: what lies between the dashed lines rounds to 0. On the right: trained with the grid, about as many weights are 0
# as before. But about one in seven took another value. The network did not find *more* values. It found out **which** weights
# should be $-1$, 0 and 1.
#
# (Two bits allow four values. A symmetric grid uses three of them, $-1, 0, 1$. Such networks are called *ternary*. They
# need no multiplication at all: add, subtract, or do nothing.)
#
# ## 13.7 On a graph, the degree decides
#
# Does all that hold for a graph network? Here is a graph of 1,200 nodes in eight groups. A few nodes are **hubs** with
# dozens of neighbours, most nodes have a handful. Half of the nodes show their group. A graph convolutional network, two
# layers of notebook 8, has to find the group of the others. (It is trained with **weight decay**, which pulls all weights a
# little towards 0 at each step, and **dropout**, which sets random features to 0 at each step: both are regularisation.)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_graph", "locked": true, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(0)
popularity = ((1 - rng.random(1200)) ** (-1 / 1.2)).clip(max=60)
town = graphs.communities([150] * 8, 0.03, 0.0007, 16, 1.5, rng, popularity / popularity.mean())
seen = torch.tensor(rng.random(1200) < 0.5)

edges, strength = gcn_norm(town.edge_index, 1200)
adjacency = torch.zeros(1200, 1200).index_put((edges[1], edges[0]), strength, accumulate=True)
nodes = (town.x, adjacency, town.y, seen)
degrees = degree(town.edge_index[1], 1200).long()
exact = train_gcn(nodes, 16, 150)
print(f"degrees: half of the nodes have at most {int(degrees.median())}, the largest hub has {int(degrees.max())}")


def found(params, *rounding, among=None):
    """The share of unseen nodes whose group the network finds, its numbers rounded."""
    right = gcn_logits(params, town.x, adjacency, *rounding).argmax(1) == town.y
    return float(right[~seen if among is None else ~seen & among].double().mean())


unseen_nodes = int((~seen).sum())
error = measure.standard_error(found(exact), unseen_nodes)
print(f"float32: {found(exact):.1%} ± {error:.1%} of {unseen_nodes} unseen nodes")


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "few_bits_graph", "locked": true, "schema_version": 3, "solution": false, "task": false}
def nodes_on(bits, method):
    """A function that rounds what nodes hold, all on one grid."""

    def rounded(h):
        scale, zero_point = affine_qparams(*calibrate(h.detach(), method), bits)
        return fake_quantize(h, scale, zero_point, bits)

    return rounded


with pending("affine_qparams", "per_channel_qparams", "calibrate", "fake_quantize"):
    print(f"weights and nodes on 8 bits:           {found(exact, weights_on(8), nodes_on(8, 'minmax')):.1%}")
    print(f"weights on 2 bits:                     {found(exact, weights_on(2)):.1%}")
    learned = train_gcn(nodes, 16, 150, exact, weights_on(2))
    print(f"weights on 2 bits, trained with them:  {found(learned, weights_on(2)):.1%}")
    print(f"float32, trained for as long:          {found(train_gcn(nodes, 16, 150, exact)):.1%}")

# %% [markdown]
# The same story as with the digits. Eight bits are free, two bits cost more than twenty points, and training with the grid
# brings them back. (There are only some 600 unseen nodes, so each of
# these numbers has a standard error of one to two points.)
#
# Now round what the *nodes* hold. Each node adds up messages from its neighbours. A hub adds up many. Its sums are the
# largest in the graph, and there is one grid for all.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_degree_error", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("affine_qparams", "calibrate", "fake_quantize"):
    sums = aggregated(exact, town.x, adjacency)
    errors = {method: nodes_on(4, method)(sums) - sums for method in ("minmax", "percentile")}
    draw.nodes_by_degree(degrees, sums, {f"4 bits, {name}": error for name, error in errors.items()})
    for name, error in errors.items():
        few, hubs = (float((error[part] ** 2).mean().sqrt()) for part in (degrees <= 2, degrees > 30))
        print(f"{name:10}  error at degree 0 to 2: {few:.2f}   at hubs with more than 30: {hubs:.2f}")

# %% [markdown]
# With "minmax" the grid reaches out to the hubs, and the step is wide: **everyone pays for the hubs**. With "percentile"
# the grid ends before them: the error of all others is halved, and **the hubs pay**, because they saturate. An image
# network does not know this conflict. There, all positions add up equally many products.
#
# Who loses accuracy? Two bits now for what nodes hold, exact weights, so that the picture is clear.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_by_degree", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("affine_qparams", "calibrate", "fake_quantize"):
    bounds = [(0, 2), (3, 5), (6, 12), (13, 30), (31, 1199)]
    chance = 0.2 * degrees.argsort().argsort() / len(degrees)
    coarse, narrow = nodes_on(2, "minmax"), nodes_on(2, "percentile")
    lucky = spared(narrow, chance, torch.Generator().manual_seed(0))
    plain, protected = (train_gcn(nodes, 16, 150, exact, as_it_is, each) for each in (narrow, lucky))
    tries = {
        "float32": (exact,),
        "minmax": (exact, as_it_is, coarse),
        "percentile": (exact, as_it_is, narrow),
        "percentile, trained": (plain, as_it_is, narrow),
        "the same, hubs spared": (protected, as_it_is, narrow),
    }
    names = [f"{low} to {high}" for low, high in bounds[:-1]] + ["over 30"]
    masks = [(degrees >= low) & (degrees <= high) for low, high in bounds]
    curves = {name: [found(*each, among=mask) for mask in masks] for name, each in tries.items()}
    draw.by_degree(names, curves, [int((~seen & mask).sum()) for mask in masks])
    for name, each in tries.items():
        print(f"{name:22} {found(*each):6.1%} of all unseen nodes")

# %% [markdown]
# The nodes with few neighbours pay: half of them are wrong with "minmax", on a grid that was made for others. (A hub hears
# dozens of voices, and can afford to hear each of them badly.) The percentile gives most of it back, and training with the
# grid some more. Look at the bars before you compare two points: hubs are rare, so theirs are the longest.
#
# The last line is the idea of **Degree-Quant** (Tailor, Fernandez-Marques and Lane, 2021): while training, spare some nodes
# from rounding, hubs more often than others, so that their large errors do not spoil the gradients of the weights. In the
# paper that helps most where layers add up without dividing by the degree, such as GIN. Here the GCN's weights $1/\sqrt{d_i
# d_j}$ have tamed the hubs already, and sparing them changes next to nothing.
#
# ## 13.8 What does it cost in hardware?
#
# Two kinds of cost. First, energy. Horowitz (2014) gives these figures for a chip of 45 nanometres, in picojoules:
#
# | | multiply | add |
# |:--|--:|--:|
# | float, 32 bits | 3.7 | 0.9 |
# | integer, 32 bits | 3.1 | 0.1 |
# | integer, 8 bits | 0.2 | 0.03 |
#
# One multiply-accumulate in float32 takes $3.7 + 0.9 = 4.6$. A product of 8 bits, added in 32: $0.2 + 0.1 = 0.3$. **Fifteen
# times less.** The area on the chip shrinks in the same way, so more units fit. And reading 32 bits from the memory outside
# of the chip takes 640: with 8 bits each such read brings four numbers.
#
# Second, time. On this machine, with your own functions:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_time", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("int8_matmul"):
    generator = torch.Generator().manual_seed(0)
    x, w = torch.randn(64, 512, generator=generator), torch.randn(512, 512, generator=generator)
    qx, qw = (torch.randint(-128, 128, each.shape, generator=generator).to(torch.int8) for each in (x, w))
    floats = measure.quickest(lambda: x @ w.T, repeat=15)
    whole_numbers = measure.quickest(lambda: int8_matmul(qx, 3, qw, 0), repeat=5)
    print(f"float32:  {1e3 * floats:7.3f} ms   weights {4 * w.numel():9,} bytes")
    print(f"integers: {1e3 * whole_numbers:7.3f} ms   weights {qw.numel():9,} bytes")

# %% [markdown]
# A quarter of the bytes, and *slower*. Why? The products of float32 run in a library that people have tuned for decades:
# tiles, vector instructions, nothing read twice. For `int32` matrices, PyTorch has a plain loop. And your 8-bit numbers were
# made four times wider before they were multiplied at all. The hardware could do better. Processors have instructions that
# multiply 64 pairs of 8-bit integers and add them up in 32 bits, all at once. An A100 does $624 \cdot 10^{12}$ operations per
# second on int8 in its tensor cores, and $19.5 \cdot 10^{12}$ on float32 outside of them (NVIDIA, 2020). But hardware only
# offers the gain: software has to collect it. Compare with the zeros of notebook 12.
#
# | | needs | saves |
# |:--|:--|:--|
# | only weights in 8 bits | a multiplication after loading | bytes; time where memory is the bottleneck |
# | weights and activations in 8 bits | integer units, calibration | bytes, energy, time |
# | scales for each channel | one factor for each output, outside the inner loop | nothing; it saves accuracy |
# | zero points | a correction of the sums, or symmetric grids | nothing; it saves accuracy |
# | 4 or 2 bits | training with the grid, packing several numbers into a byte | more bytes |
#
# And notice where the scales are: always **outside the sum**. That is what makes integer hardware possible.
#
# ## 13.9 In your own words
#
# A network for photos is quantized to `int8`, weights with a scale for each channel, activations with one "minmax" grid for
# each layer. Accuracy falls from 76 % to 41 %. The weights alone cost nothing. In one layer, the activations of 255
# channels lie between $-3$ and $3$, and one channel reaches $400$.
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. What happens to the 255 channels? With numbers.
# 2. Someone says: "Use a scale for each *input* channel of the activations, as for the weights." Why does that not fit into
#    `int8_linear`? Look at where the scales are in the formula of section 13.4.
# 3. Name two things that would help, and what each of them costs.

# %% [markdown] nbgrader={"grade": true, "grade_id": "one_loud_channel", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. The grid reaches from $-3$ to $400$. Its step is $403 / 255 = 1.58$. So the 255 channels have four or five marks
#    between $-3$ and $3$: hardly more than two bits are left for them. All the rest of the grid serves one channel.
# 2. The sum runs over the input channels. $\sum_d s_d\,(q_{x,d} - z)(q_{w,d} - z_w)$ has another factor in each term, so it
#    cannot be taken out of the sum, and the integers alone cannot be added up. (A scale for each *output* channel is the
#    same for all terms of a sum.)
# 3. For example: a percentile or "mse" range, which costs saturation of the loud channel, and perhaps that channel matters.
#    Dividing that channel by a constant and multiplying its column of the next weights by it, which costs nothing in
#    inference, but makes those weights wider. Keeping that one channel in floats, which costs a second product.
#    Training with the grid, which costs training and data.

# %% [markdown]
# ## Recap
#
# - A grid has a scale and a zero point; 0 lies on it exactly. Inside it numbers are rounded, beyond it they saturate.
# - A bit is worth 6 dB once the steps are fine compared with the numbers. With a heavy tail the first bits are worth much less:
#   choose the range.
# - Scales move out of the sum. So int8 times int8, added up in int32, then requantized, is a whole layer.
# - Eight bits after training cost nothing that could be measured here, two bits most of the accuracy. Training with the grid
#   wins nearly all of it back.
# - The straight-through gradient is 1 where the rounded integer lies within the limits, and 0 where it is clipped.
#
# ## Now try
#
# 1. **One scale for all.** In `quantize_model` replace the scales for each channel by their largest. How much does the CNN lose
#    with 8 bits? And with weights on 3 bits (`bits=3` for their scales, and where they are quantized)?
# 2. **Worse calibration.** Give `quantize_model` inputs that are too dim, `learn[0][:300] / 2` and `/ 4`, and then inputs that are
#    too bright, `* 2` and `* 10`. Which of the two errors of section 13.1 is it each time? Which one costs more, and why?
# 3. **Four values in place of three.** A symmetric grid wastes one of the four values of two bits. Let `train_aware` round to the
#    values $-1.5, -0.5, 0.5, 1.5$ times a scale. Is it better than $-1, 0, 1$, by more than two standard errors?
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You have a network of integers, and you know what each bit costs. Pruning, sharing, quantization, distillation: notebook
# 14 gives you a budget and lets you use them all.
#
# ## References
#
# - W. Bennett, *Spectra of quantized signals*, 1948. Six decibels per bit, and when.
#   [doi:10.1002/j.1538-7305.1948.tb01340.x](https://doi.org/10.1002/j.1538-7305.1948.tb01340.x)
# - Y. Bengio, N. Léonard and A. Courville, *Estimating or propagating gradients through stochastic neurons*, 2013. Straight
#   through. [arXiv:1308.3432](https://arxiv.org/abs/1308.3432)
# - M. Horowitz, *Computing's energy problem (and what we can do about it)*, ISSCC 2014.
#   [doi:10.1109/ISSCC.2014.6757323](https://doi.org/10.1109/ISSCC.2014.6757323)
# - B. Jacob and others, *Quantization and training of neural networks for efficient integer-arithmetic-only inference*,
#   CVPR 2018. The integer layers of this notebook. [doi:10.1109/CVPR.2018.00286](https://doi.org/10.1109/CVPR.2018.00286)
# - R. Krishnamoorthi, *Quantizing deep convolutional networks for efficient inference: a whitepaper*, 2018.
#   [arXiv:1806.08342](https://arxiv.org/abs/1806.08342)
# - M. Nagel and others, *A white paper on neural network quantization*, 2021. The best place to read on.
#   [arXiv:2106.08295](https://arxiv.org/abs/2106.08295)
# - S. Tailor, J. Fernandez-Marques and N. Lane, *Degree-Quant: quantization-aware training for graph neural networks*, ICLR
#   2021. [arXiv:2008.05000](https://arxiv.org/abs/2008.05000)
# - T. Dettmers, M. Lewis, Y. Belkada and L. Zettlemoyer, *LLM.int8(): 8-bit matrix multiplication for transformers at
#   scale*, NeurIPS 2022. Outliers. [arXiv:2208.07339](https://arxiv.org/abs/2208.07339)
# - NVIDIA, *A100 tensor core GPU architecture*, 2020.
#   [nvidia.com](https://images.nvidia.com/aem-dam/en-zz/Solutions/data-center/nvidia-ampere-architecture-whitepaper.pdf)
# - ONNX, *Operator schemas*: QuantizeLinear, MatMulInteger, QLinearConv. The convention that your functions follow.
#   [onnx.ai](https://onnx.ai/onnx/operators/)
#
# **Next**: [14 · One network, one budget](../14_capstone/14_capstone.ipynb)
