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
# # 4 · Convolution
#
# **62,500 weights.** That is what a single hidden node needs to look at a picture of 250 × 250 pixels: one weight for each
# pixel. And then it has learned to look for its pattern in *one position* only.
#
# How much does the position matter? Below is a network like the one of notebook 2. It was trained on digits in the middle of
# their sheet, and it reads 99 of 100 digits that it has never seen. Then we push each digit **one pixel** to the right.
#
# To you the three digits are the same. To the network they are different inputs: every weight now meets another pixel.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
from functools import partial

import numpy as np

from autograder import check, progress
from course_lib import data, measure
from course_lib.viz import cnn as draw
from course_lib.viz import cnn_diagrams as diagrams
from course_lib.viz import pending, style

style()
photo = data.photograph()
grey, small = photo.mean(axis=0), data.photograph(125)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
from sklearn.neural_network import MLPClassifier

digits = data.digits()
sheets = [np.pad(part.x.reshape(-1, 8, 8), ((0, 0), (2, 2), (2, 2))) for part in (digits.train, digits.test)]
reader = MLPClassifier((32,), learning_rate_init=0.01, alpha=0.1, random_state=0)
reader.fit(sheets[0].reshape(-1, 144), digits.train.labels)
moved = [np.roll(sheets[1], shift, axis=2) for shift in range(3)]
right = [reader.score(sheet.reshape(-1, 144), digits.test.labels) for sheet in moved]
draw.moved_digits([sheet[3] for sheet in moved], right, grey)

# %% [markdown]
# **You will be able to**
#
# - write a convolution layer as plain loops that you can watch, and as one matrix product that is fast;
# - work out output sizes, weights, multiply-accumulates and receptive fields of a network before it runs;
# - read a kernel as a question to the image, and say what stride, padding, dilation, channels and pooling do;
# - tell equivariance from invariance, test a layer for both, and say which layers have them;
# - say what a convolution assumes about its data, and what it costs in hardware beside a fully connected layer.
#
# **Time** about 4 hours (estimated). **Needs** [2 · Forward propagation](../02_mlp_forward/02_mlp_forward.ipynb).
# [Map of the course](../00_start/00_start.ipynb)

# %% [markdown]
# ## 4.1 Counting weights
#
# What would repair the network above? It takes two ideas, and both make the network *smaller*:
#
# 1. **Look at a small patch.** What belongs together in a picture lies close together.
# 2. **Use the same weights in every position.** An edge is an edge wherever it is.
#
# A layer that does both is a **convolution**.
#
# | symbol | meaning |
# |:--|:--|
# | $H, W$ | height and width of an image, in pixels |
# | $C$ or $C_{\text{in}}$ | its channels: 1 for grey, 3 for red, green and blue |
# | $C_{\text{out}}$ | channels of the output, one for each kernel |
# | $K$ | side of a kernel |
#
# A **fully connected** layer (also called *dense*; in PyTorch `nn.Linear`) joins every hidden node to every number of the
# image: $H \cdot W \cdot C$ weights for each node.
#
# A convolution has **kernels**, also called **filters**: small squares of weights, $K \times K$, one slice for each input
# channel. What one kernel makes is one channel of the output, a **feature map**. Each kernel has one bias. Nothing in this
# depends on $H$ or $W$:
#
# $$\text{fully connected: } H\,W\,C \cdot \text{hidden} \qquad\qquad \text{convolution: } C_{\text{out}}\,(C_{\text{in}}\,K^2 + 1)$$

# %% [markdown]
# ### Exercise: `dense_weight_count`
#
# `dense_weight_count(height, width, channels, hidden) -> int`
#
# Weights only, no biases.
#
# **By hand.** 4 × 5 pixels in three colours are 60 numbers. Two hidden nodes need 120 weights. One node on 250 × 250 grey
# pixels needs 62,500.


# %% nbgrader={"grade": false, "grade_id": "dense_weight_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dense_weight_count(height, width, channels, hidden):
    """Weights between an image and a fully connected layer of `hidden` nodes, without biases."""
    ### BEGIN SOLUTION
    return height * width * channels * hidden
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "dense_weight_count_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.dense_weight_count", dense_weight_count)

# %% [markdown]
# ### Exercise: `conv_weight_count`
#
# `conv_weight_count(c_in, c_out, kernel, bias=True) -> int`
#
# `kernel` is the side $K$. With `bias` there is one more number for each output channel.
#
# **By hand.** From 3 channels to 2 with $K = 5$: each kernel has $3 \cdot 25 = 75$ weights and one bias. Two of them: 152.


# %% nbgrader={"grade": false, "grade_id": "conv_weight_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_weight_count(c_in, c_out, kernel, bias=True):
    """Weights, and with `bias` also biases, of a convolution with kernels of side `kernel`."""
    ### BEGIN SOLUTION
    each = c_in * kernel**2
    return c_out * (each + 1 if bias else each)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "conv_weight_count_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv_weight_count", conv_weight_count)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_counts", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("dense_weight_count", "conv_weight_count"):
    draw.counts(dense_weight_count, conv_weight_count)

# %% [markdown]
# Mind the axes: both are logarithmic. At 1,000 × 1,000 pixels it is 16,000,000 weights against 400.

# %% [markdown]
# ## 4.2 A kernel slides
#
# Lay the kernel on the image. Multiply each weight by the pixel under it. Add the products up. That is one number of the
# output. Then move the kernel by one pixel and do it again.
#
# $$\text{out}_{ij} = \sum_{u=0}^{K-1} \sum_{v=0}^{K-1} \text{image}_{i+u,\;j+v} \cdot \text{kernel}_{uv}$$
#
# | symbol | meaning |
# |:--|:--|
# | $i, j$ | a position: row and column of the output, and of the patch's upper left pixel |
# | $u, v$ | a weight: row and column of the kernel |
#
# The kernel never leaves the image. So along a side of $H$ pixels there are $H - K + 1$ positions.
#
# Mathematicians flip the kernel before they slide it. Deep learning does not. The formula above is what they call
# *cross-correlation*, and everyone here calls it convolution.

# %% [markdown]
# ### Exercise: `conv2d_single`
#
# `conv2d_single(image (H, W), kernel (K, K)) -> (H - K + 1, W - K + 1)`
#
# Write the loops out: over $i$ and $j$, and inside them over $u$ and $v$, or over a whole patch at once. Speed comes later.
#
# **By hand.**
#
# $$\begin{pmatrix} 1 & 2 & 0 \\ 0 & 1 & 3 \\ 4 & 0 & 1 \end{pmatrix} \;\text{under}\;
# \begin{pmatrix} 1 & -1 \\ 2 & 3 \end{pmatrix} \;\text{gives}\;
# \begin{pmatrix} 1 - 2 + 0 + 3 & 2 - 0 + 2 + 9 \\ 0 - 1 + 8 + 0 & 1 - 3 + 0 + 3 \end{pmatrix} =
# \begin{pmatrix} 2 & 13 \\ 7 & 1 \end{pmatrix}$$


# %% nbgrader={"grade": false, "grade_id": "conv2d_single", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d_single(image, kernel):
    """One channel under one kernel: (H, W) and (K, K) to (H - K + 1, W - K + 1)."""
    ### BEGIN SOLUTION
    K = len(kernel)
    H, W = image.shape
    out = np.zeros((H - K + 1, W - K + 1), image.dtype)
    for i in range(H - K + 1):
        for j in range(W - K + 1):
            for u in range(K):
                for v in range(K):
                    out[i, j] += image[i + u, j + v] * kernel[u, v]
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "conv2d_single_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv2d_single", conv2d_single)

# %% [markdown]
# ### Watch it slide
#
# The example from above, at its third position. The number in the frame on the right comes from *your* function. The line on top
# says whether it agrees with the products you see.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_step", "locked": true, "schema_version": 3, "solution": false, "task": false}
corner = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [4.0, 0.0, 1.0]])
with pending("conv2d_single"):
    example = np.array([[1.0, -1.0], [2.0, 3.0]])
    draw.step(conv2d_single(corner, example)[None], corner[None], example[None, None], place=2)

# %% [markdown]
# Now a larger image: a bright bar on a dark ground. The kernel has $-1$ on its left and $+1$ on its right. Pull the slider and
# say, before each step, what the next number will be.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_step", "locked": true, "schema_version": 3, "solution": false, "task": false}
bar = np.zeros((5, 7))
bar[1:, 3:5] = 1
edge = np.array([[-1.0, 0.0, 1.0]] * 3)
with pending("conv2d_single"):
    draw.stepper(conv2d_single(bar, edge)[None], bar[None], edge[None, None], start=6)

# %% [markdown]
# It is blue (plus) where the picture gets brighter to the right, vermilion (minus) where it gets darker, and 0 where nothing
# changes. **A kernel is a question, asked everywhere.** Here are three questions to a real photograph:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_filters", "locked": true, "schema_version": 3, "solution": false, "task": false}
kernels = {
    "brighter to the right?": np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]),
    "brighter below?": np.array([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]]),
    "unlike its surroundings?": np.array([[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0]]),
}
with pending("conv2d_single"):
    draw.filters(conv2d_single, small.mean(axis=0), kernels)

# %% [markdown]
# People chose these nine numbers by hand for decades (the first two kernels are Sobel's, of 1968). A convolutional network
# learns them.

# %% [markdown]
# ## 4.3 How large is the output?
#
# Three knobs change where the kernel lies:
#
# - **stride** $s$: move by $s$ pixels at a time. The output gets smaller, by about $s$ along each side.
# - **padding** $p$: first put $p$ rows and columns of zeros around the image. With $K = 3$ and $p = 1$ the output is as large
#   as the image.
# - **dilation** $d$: pull the weights apart, so that $d - 1$ pixels lie between two of them. The kernel then *spans*
#   $d\,(K - 1) + 1$ pixels.
#
# After padding there are $\text{size} + 2p$ pixels. The kernel can move by $\text{size} + 2p - \text{span}$ of them, in steps
# of $s$. The start counts as a position too:
#
# $$\text{out} = \left\lfloor \frac{\text{size} + 2p - d\,(K - 1) - 1}{s} \right\rfloor + 1$$

# %% [markdown]
# ### Exercise: `output_size`
#
# `output_size(size, kernel, stride=1, padding=0, dilation=1) -> int`
#
# **By hand.** 8 pixels, $K = 3$, $s = 2$: the kernel has room for 5 pixels, which is 2 full steps, so 3 positions. The last pixel
# is never looked at. 9 pixels, $K = 4$, $s = 3$, $p = 2$: $\lfloor 9 / 3 \rfloor + 1 = 4$.


# %% nbgrader={"grade": false, "grade_id": "output_size", "locked": false, "schema_version": 3, "solution": true, "task": false}
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    """How many positions a kernel has along one side of an image, as an int."""
    ### BEGIN SOLUTION
    span = dilation * (kernel - 1) + 1
    return (size + 2 * padding - span) // stride + 1
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "output_size_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.output_size", output_size)

# %% [markdown]
# The upper row is a row of pixels, white ones are padding. Each line below is one position of the kernel.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_places", "locked": true, "schema_version": 3, "solution": false, "task": false}
settings = [
    {"kernel": 3},
    {"kernel": 3, "padding": 1},
    {"kernel": 3, "stride": 2, "padding": 1},
    {"kernel": 3, "dilation": 2},
]
with pending("output_size"):
    draw.places(output_size, 9, settings)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_places", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("output_size"):
    draw.places_slider(output_size)

# %% [markdown]
# ## 4.4 Channels add up
#
# A colour image has three channels. A kernel then has three slices, and each slice slides over its own channel. **The three
# results are added up.** One kernel always makes *one* feature map, however deep the input is:
#
# $$\text{out}_{ij} = \sum_{c} \sum_{u, v} \text{image}_{c,\;i+u,\;j+v} \cdot \text{kernel}_{cuv}$$

# %% [markdown]
# ### Exercise: `conv2d_channels`
#
# `conv2d_channels(image (C, H, W), kernel (C, K, K)) -> (H - K + 1, W - K + 1)`
#
# These are the loops of `conv2d_single` with one more around them, so a part is there already, as a comment: the map of
# each channel, from your own function. What is missing is what makes one map of them.
#
# **By hand.** Two channels of 2 × 2 pixels, so there is only one position:
#
# | channel | pixels | weights | sum of products |
# |:--|:--|:--|--:|
# | 0 | $1, 2, 3, 4$ | $1, 0, 0, -1$ | $1 - 4 = -3$ |
# | 1 | $0, 1, 1, 0$ | $2, 5, 1, 1$ | $5 + 1 = 6$ |
#
# The output is `[[3.]]`.


# %% nbgrader={"grade": false, "grade_id": "conv2d_channels", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d_channels(image, kernel):
    """Several channels under one kernel as deep as they are: (C, H, W) and (C, K, K) to one map."""
    # A head start, one map for each channel: maps = [conv2d_single(image[c], kernel[c]) for c in range(len(image))]
    ### BEGIN SOLUTION
    maps = [conv2d_single(image[c], kernel[c]) for c in range(len(image))]
    total = maps[0]
    for each in maps[1:]:
        total = total + each
    return total
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "conv2d_channels_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv2d_channels", conv2d_channels)

# %% [markdown]
# This kernel asks: *is it redder than blue here?* Its red slice averages, its blue slice averages with a minus, its green
# slice is 0. The walls and the roof light up blue (plus). Lake and sky turn vermilion (minus).

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_channels", "locked": true, "schema_version": 3, "solution": false, "task": false}
redder = np.stack([np.full((3, 3), 1 / 9), np.zeros((3, 3)), np.full((3, 3), -1 / 9)])
with pending("conv2d_single", "conv2d_channels"):
    draw.channels(conv2d_channels, conv2d_single, data.photograph(64), redder)

# %% [markdown]
# ## 4.5 The whole layer
#
# A layer takes a batch of $N$ images and has $C_{\text{out}}$ kernels, each with its bias:
#
# $$y_{n o i j} = b_o + \sum_{c} \sum_{u, v} x^{\text{padded}}_{n,\;c,\;i s + u,\;j s + v} \cdot w_{o c u v}$$
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $x$ | $(N, C, H, W)$ | a batch of images; padded with $p$ zeros on all four sides |
# | $w$ | $(C_{\text{out}}, C, K_H, K_W)$ | one kernel for each output channel; it need not be square |
# | $b$ | $(C_{\text{out}},)$ | biases, or `None` |
# | $y$ | $(N, C_{\text{out}}, H', W')$ | one feature map for each kernel; $H'$ and $W'$ from `output_size` |
#
# For one image these are **six nested loops**. Read them from the outside in:
#
# | loop over | asks |
# |:--|:--|
# | $o$ | which kernel? |
# | $i$, $j$ | where does it lie? |
# | $c$ | which channel? |
# | $u$, $v$ | which weight? |

# %% [markdown]
# ### Exercise: `conv2d_loops`
#
# `conv2d_loops(x (N, C, H, W), w (C_out, C, KH, KW), b=None, stride=1, padding=0) -> (N, C_out, H', W')`
#
# The batch, several kernels, stride and padding are new. You need not write all loops again: the inner ones, over $c$, $u$
# and $v$, may be one line, `np.sum(patch * w[o])`, for a patch of shape `(C, KH, KW)`.
#
# - `np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))` puts zeros around every image.
# - The patch of output $(i, j)$ begins at pixel $(i s, j s)$ of the padded image.
#
# **By hand.** The first case of the check: one image of two channels, two kernels, biases 10 and 20. The first output number
# is $(1\cdot1 + 2\cdot1) + (0\cdot1 - 1\cdot1) + 10 = 12$.


# %% nbgrader={"grade": false, "grade_id": "conv2d_loops", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d_loops(x, w, b=None, stride=1, padding=0):
    """A convolution layer as loops: (N, C, H, W) to (N, C_out, H', W')."""
    ### BEGIN SOLUTION
    N, _, H, W = x.shape
    C_out, _, KH, KW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, columns = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    y = np.zeros((N, C_out, rows, columns), x.dtype)
    for n in range(N):
        for o in range(C_out):
            for i in range(rows):
                for j in range(columns):
                    patch = padded[n, :, i * stride : i * stride + KH, j * stride : j * stride + KW]
                    y[n, o, i, j] = np.sum(patch * w[o]) + (0 if b is None else b[o])
    return y
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "conv2d_loops_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv2d_loops", conv2d_loops)

# %% [markdown]
# ### Watch the loops
#
# Two channels, two kernels, padding of 1, stride of 2. The line on top adds up what the loops add up: one sum for each
# channel, then the bias. First a still picture, then the same with a slider. When the slider passes the last position of output
# channel 0, the next kernel starts.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_loops", "locked": true, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(4)
image = rng.integers(0, 4, (2, 5, 6)).astype(float)
weights = rng.integers(-2, 3, (2, 2, 3, 3)).astype(float)
biases = np.array([1.0, -3.0])
with pending("conv2d_loops"):
    maps = conv2d_loops(image[None], weights, biases, stride=2, padding=1)[0]
    draw.step(maps, image, weights, biases, stride=2, padding=1, place=4)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_loops", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("conv2d_loops"):
    maps = conv2d_loops(image[None], weights, biases, stride=2, padding=1)[0]
    draw.stepper(maps, image, weights, biases, stride=2, padding=1)

# %% [markdown]
# ## 4.6 Fast: one matrix product
#
# Loops in Python are slow. Processors are fast at one thing above all: multiplying matrices. So turn the convolution into a
# matrix product.
#
# Write each patch out as a **column**. With all patches side by side you have a matrix with one column for each position. Write
# each kernel out as a **row**. Then row times column is exactly the sum of the formula, and
#
# $$y = w_{\text{rows}} \cdot \text{cols} + b \qquad (C_{\text{out}} \times C K_H K_W) \cdot (C K_H K_W \times L)$$
#
# does all positions and all kernels at once. $L = H' W'$ is the number of positions. Building the columns is called **im2col**.

# %% [markdown]
# ### Exercise: `im2col`
#
# `im2col(x (N, C, H, W), kernel (KH, KW), stride=1, padding=0) -> (N, C * KH * KW, L)`
#
# - Along a column: first all of channel 0, row by row of the patch, then channel 1, and so on.
# - Along $L$: the positions row by row, as you read.
# - **No loop over the image.** Two ways: loop over the few weights $(u, v)$ only, and take for each one the slice
#   `padded[:, :, u : u + s * (rows - 1) + 1 : s, ...]` of all pixels that it meets. Or use
#   `np.lib.stride_tricks.sliding_window_view`, then `transpose` and `reshape`.
#
# **By hand.** The image $\begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix}$ has two patches of 2 × 2. They become the columns
#
# $$\begin{pmatrix} 1 & 2 \\ 2 & 3 \\ 4 & 5 \\ 5 & 6 \end{pmatrix}$$


# %% nbgrader={"grade": false, "grade_id": "im2col", "locked": false, "schema_version": 3, "solution": true, "task": false}
def im2col(x, kernel, stride=1, padding=0):
    """Every patch as a column: (N, C, H, W) to (N, C * KH * KW, L)."""
    ### BEGIN SOLUTION
    KH, KW = kernel
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, columns = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    cols = np.empty((N, C, KH, KW, rows, columns), x.dtype)
    for u in range(KH):
        for v in range(KW):
            down = slice(u, u + stride * (rows - 1) + 1, stride)
            across = slice(v, v + stride * (columns - 1) + 1, stride)
            cols[:, :, u, v] = padded[:, :, down, across]
    return cols.reshape(N, C * KH * KW, rows * columns)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "im2col_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.im2col", im2col)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_patches", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("im2col"):
    draw.patches(im2col, np.arange(1.0, 17.0).reshape(1, 1, 4, 4), (2, 2), chosen=4)

# %% [markdown]
# ### Exercise: `conv2d`
#
# `conv2d(x (N, C, H, W), w (C_out, C, KH, KW), b=None, stride=1, padding=0) -> (N, C_out, H', W')`
#
# The same layer as `conv2d_loops`, without a loop over the image: kernels to rows, `im2col`, one `@`, the bias, and back to
# rows and columns. NumPy's `@` takes the images of a batch one after the other by itself: `(C_out, K)` times `(N, K, L)` is
# `(N, C_out, L)`.


# %% nbgrader={"grade": false, "grade_id": "conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d(x, w, b=None, stride=1, padding=0):
    """A convolution layer as one matrix product: (N, C, H, W) to (N, C_out, H', W')."""
    ### BEGIN SOLUTION
    C_out, _, KH, KW = w.shape
    y = w.reshape(C_out, -1) @ im2col(x, (KH, KW), stride, padding)
    if b is not None:
        y = y + b[:, None]
    rows, columns = output_size(x.shape[2], KH, stride, padding), output_size(x.shape[3], KW, stride, padding)
    return y.reshape(len(x), C_out, rows, columns)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "conv2d_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv2d", conv2d)

# %% [markdown]
# ### A race
#
# Your loops, your matrix product, and PyTorch's convolution: 8 channels in, 16 out, kernels of 3 × 3, `float32`, on larger
# and larger images. All three do exactly the same multiplications, and all three get **one thread**: NumPy's matrix product
# would take every core it finds, so `measure.one_thread` holds it back. The loops drop out after 32 × 32, or you would wait.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_race", "locked": true, "schema_version": 3, "solution": false, "task": false}
import torch

sides = [8, 16, 32, 64, 128]
with pending("conv2d_loops", "im2col", "conv2d", "output_size"), measure.one_thread():
    w = rng.standard_normal((16, 8, 3, 3)).astype(np.float32)
    times = {"loops": [], "im2col": [], "torch": []}
    for side in sides:
        x = rng.standard_normal((1, 8, side, side)).astype(np.float32)
        tensors = torch.from_numpy(x), torch.from_numpy(w)
        runs = {
            "loops": partial(conv2d_loops, x, w, padding=1),
            "im2col": partial(conv2d, x, w, padding=1),
            "torch": partial(torch.nn.functional.conv2d, *tensors, padding=1),
        }
        for name, run in runs.items():
            if name == "loops" and side > 32:
                continue
            seconds = measure.quickest(run, repeat=2 if name == "loops" else 20)
            size = measure.torch_bytes(run) if name == "torch" else measure.peak_bytes(run)
            times[name].append((seconds, size))
    macs = [16 * output_size(side, 3, padding=1) ** 2 * 8 * 3 * 3 for side in sides]
    draw.race(sides, macs, times)
    for name, results in times.items():
        print(
            f"{name:7} {1e3 * results[2][0]:9.2f} ms  {results[2][1] / 1e3:7.0f} kB   for {macs[2]:,} MACs at 32 x 32"
        )
    for slow, fast in (("loops", "im2col"), ("im2col", "torch")):
        ratios = [one[0] / other[0] for one, other in zip(times[slow], times[fast], strict=False)]
        print(
            f"{slow} / {fast}: "
            + ", ".join(f"{ratio:,.{int(ratio < 10)}f} at {side}" for ratio, side in zip(ratios, sides, strict=False))
        )

# %% [markdown]
# - **Time.** The last two lines say by what factor. One matrix product in place of loops in Python usually gains two orders of
#   magnitude or more. PyTorch is faster still, but only by a small factor. On 8 × 8 pixels much of the time goes into
#   calling functions, not into multiplying.
# - **Memory** is the price. A pixel is part of up to $K^2 = 9$ patches, so the columns hold nine copies of the image. Look at
#   PyTorch's curve: on small images it pays that price too. For larger ones it switches to a kernel that never builds the
#   columns, and asks for little more than its output. (The loops need almost nothing but the output.)
# - **MACs** (multiply-accumulates, notebook 2) are the same for all three. What differs is how many per second come out of the
#   same processor.

# %% [markdown]
# ## 4.7 Pooling
#
# Often one does not need to know exactly *where* something was found, only that it was found around here. **Pooling** keeps one
# number of each window: the largest (**max pooling**) or the mean (**average pooling**). It has no weights, and it works on
# each channel alone.
#
# The windows usually touch and do not overlap: with `stride=None`, the stride is the size of the window. Rows and columns at
# the end that fill no window are dropped.

# %% [markdown]
# ### Exercise: `max_pool2d`
#
# `max_pool2d(x (N, C, H, W), kernel, stride=None) -> (N, C, H', W')`
#
# `kernel` is an int, for a square window, or a pair `(KH, KW)`. `stride` is an int or `None`.
#
# **By hand.** With a window of 2:
#
# $$\begin{pmatrix} 1 & -5 & 2 & 0 \\ 3 & 0 & -1 & 4 \\ -2 & -3 & 0 & 1 \\ -1 & -7 & 6 & 2 \end{pmatrix} \;\to\;
# \begin{pmatrix} 3 & 4 \\ -1 & 6 \end{pmatrix}$$


# %% nbgrader={"grade": false, "grade_id": "max_pool2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool2d(x, kernel, stride=None):
    """The largest number of each window: (N, C, H, W) to (N, C, H', W')."""
    ### BEGIN SOLUTION
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (KH, KW), axis=(2, 3))
    return windows[:, :, ::down, ::right].max(axis=(4, 5))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "max_pool2d_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.max_pool2d", max_pool2d)

# %% [markdown]
# ### Exercise: `avg_pool2d`
#
# `avg_pool2d(x (N, C, H, W), kernel, stride=None) -> (N, C, H', W')`
#
# **By hand.** The matrix from above gives $\begin{pmatrix} -0.25 & 1.25 \\ -3.25 & 2.25 \end{pmatrix}$.


# %% nbgrader={"grade": false, "grade_id": "avg_pool2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def avg_pool2d(x, kernel, stride=None):
    """The mean of each window: (N, C, H, W) to (N, C, H', W')."""
    ### BEGIN SOLUTION
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    windows = np.lib.stride_tricks.sliding_window_view(x, (KH, KW), axis=(2, 3))
    return windows[:, :, ::down, ::right].mean(axis=(4, 5))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "avg_pool2d_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.avg_pool2d", avg_pool2d)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_pooling", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("conv2d", "im2col", "output_size", "max_pool2d", "avg_pool2d"):
    edges = conv2d(small.mean(axis=0)[None, None], kernels["brighter to the right?"][None, None])[0, 0]
    draw.pooling({"max": max_pool2d, "average": avg_pool2d}, np.maximum(edges, 0), kernel=4)

# %% [markdown]
# The answers to "brighter to the right?", with the noes removed by a ReLU, and what is left of them in windows of 4 × 4. The
# maximum keeps every strong edge. The mean washes thin ones out. Both have 16 times fewer numbers.

# %% [markdown]
# ## 4.8 How far does an output see?
#
# A kernel of 3 sees 3 pixels. A second one on top of it sees 3 outputs of the first, and those saw 5 pixels together. The
# pixels that can change one output are its **receptive field**.
#
# Walk through the layers, first to last, with two numbers: the field $R$, and the **jump** $J$, the distance in pixels between
# two neighbouring outputs. Both start at 1.
#
# $$R \leftarrow R + (K - 1)\,J \qquad\text{and then}\qquad J \leftarrow J \cdot s$$

# %% [markdown]
# ### Exercise: `receptive_field`
#
# `receptive_field(layers [(kernel, stride), ...]) -> int`
#
# Pooling counts like a convolution. Padding does not matter.
#
# **By hand.** A convolution of 3, a pooling of 2 with stride 2, a convolution of 3:
#
# | layer | $R$ | $J$ |
# |:--|--:|--:|
# | input | 1 | 1 |
# | $K = 3, s = 1$ | $1 + 2\cdot1 = 3$ | 1 |
# | $K = 2, s = 2$ | $3 + 1\cdot1 = 4$ | 2 |
# | $K = 3, s = 1$ | $4 + 2\cdot2 = 8$ | 2 |


# %% nbgrader={"grade": false, "grade_id": "receptive_field", "locked": false, "schema_version": 3, "solution": true, "task": false}
def receptive_field(layers):
    """How many pixels along a side one output of the last layer can see; layers: [(kernel, stride), ...]."""
    ### BEGIN SOLUTION
    R = J = 1
    for K, s in layers:
        R += (K - 1) * J
        J *= s
    return R
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "receptive_field_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.receptive_field", receptive_field)

# %% [markdown]
# Is that formula true? Try it. Your `conv2d` runs over a row of pixels of which only one is bright, once for each pixel. The
# coloured ones are those that reach the middle output of each layer.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_receptive", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("receptive_field", "conv2d", "im2col", "output_size"):
    draw.receptive(receptive_field, conv2d, [(3, 1), (3, 1), (2, 2), (3, 1), (3, 1), (2, 2), (3, 1)])

# %% [markdown]
# Without the strides seven such layers would see 13 pixels. With two of them it is 24: after a stride of 2, every later layer
# looks twice as far. A node that is to recognise a face must see a whole face.
#
# ### A whole network
#
# Convolution, ReLU, pooling, the same again, and fully connected layers at the end: this is the architecture of *LeNet-5*,
# which read the amounts on cheques in the 1990s (LeCun et al., 1998), with today's ReLU and max pooling. (In the original,
# most of the 16 kernels saw only some of the 6 maps.) The sides are computed by *your* `output_size`. Follow them from left
# to right: the maps get smaller, and there are more of them. The network gives up *where* and gains *what*.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "draw_architecture", "locked": true, "schema_version": 3, "solution": false, "task": false}
lenet = [("conv", 6, 5, 0), ("pool", 2), ("conv", 16, 5, 0), ("pool", 2), ("flatten",)]
lenet += [("linear", 120), ("linear", 84), ("linear", 10)]
picture = None
with pending("output_size"):
    picture = diagrams.architecture(output_size, (1, 32), lenet, "LeNet-5, 1998")
picture

# %% [markdown]
# Where are its weights? Your two functions count them, and the answer is the lesson of this notebook once more.

# %% nbgrader={"grade": false, "grade_id": "count_lenet", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("conv_weight_count", "dense_weight_count"):
    convolutions = conv_weight_count(1, 6, 5) + conv_weight_count(6, 16, 5)
    first_dense = dense_weight_count(5, 5, 16, 120)
    print(f"both convolutions together   {convolutions:7,} weights and biases")
    print(f"first fully connected layer  {first_dense:7,} weights")

# %% [markdown]
# ## 4.9 Moving the picture
#
# Back to the digit that moved. Push the image by some pixels, and the output of a convolution moves by as many, and otherwise
# stays what it is:
#
# $$\text{layer}(\text{translate}(x)) = \text{translate}(\text{layer}(x))$$
#
# This is **equivariance** to translation: the output moves along. It follows from using the same weights everywhere. It is not
# **invariance**, which would be: move the image and *nothing* changes. First the one, then the other.

# %% [markdown]
# ### Exercise: `translate`
#
# `translate(image (..., H, W), dy, dx) -> (..., H, W)`
#
# Down by `dy` and right by `dx`, or up and left where they are negative. What leaves is lost, zeros come in. A new array: the
# old one stays as it was.
#
# **By hand.** $\begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix}$ by `dy=1, dx=-1` is
# $\begin{pmatrix} 0 & 0 & 0 \\ 2 & 3 & 0 \end{pmatrix}$. By `dy=2` nothing is left of it.


# %% nbgrader={"grade": false, "grade_id": "translate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def translate(image, dy, dx):
    """Moves an image, (..., H, W), down by dy and right by dx; zeros come in."""
    ### BEGIN SOLUTION
    H, W = image.shape[-2:]
    dy, dx = max(-H, min(H, dy)), max(-W, min(W, dx))
    moved = np.zeros_like(image)
    moved[..., max(0, dy) : H + min(0, dy), max(0, dx) : W + min(0, dx)] = image[
        ..., max(0, -dy) : H - max(0, dy), max(0, -dx) : W - max(0, dx)
    ]
    return moved
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "translate_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.translate", translate)

# %% [markdown]
# ### Exercise: `equivariance_error`
#
# `equivariance_error(layer, image (..., H, W), dy, dx, border) -> float`
#
# `layer` is a function from an image to an image. Compute both sides of the equation above and return the largest absolute
# difference between them. Leave out `border` pixels along all four edges of the output: there, zeros came in.
#
# **By hand.** A layer that adds to each pixel the number of its column knows where it is. On an image of ones,
# moved by `dx=2`, both sides differ by 2 in every pixel inside, so the error is `2.0`.


# %% nbgrader={"grade": false, "grade_id": "equivariance_error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def equivariance_error(layer, image, dy, dx, border):
    """Largest |layer(translate(image)) - translate(layer(image))|, `border` pixels away from every edge."""
    ### BEGIN SOLUTION
    gap = np.abs(layer(translate(image, dy, dx)) - translate(layer(image), dy, dx))
    H, W = gap.shape[-2:]
    return float(gap[..., border : H - border, border : W - border].max())
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "equivariance_error_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.equivariance_error", equivariance_error)

# %% [markdown]
# ### A convolution moves along, a fully connected layer does not
#
# Both layers turn 24 × 24 pixels into 24 × 24 pixels. The convolution is yours, with 9 weights. The fully connected layer
# has $576^2$, which is 331,776 weights drawn at random. The error counts what lies inside the dashed frame.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_equivariance", "locked": true, "schema_version": 3, "solution": false, "task": false}
dense_weights = np.random.default_rng(0).standard_normal((576, 576)) / 24
temple = data.photograph(24).mean(axis=0)[None]
temple = temple - temple.mean()


def conv_layer(picture):
    """From (1, H, W) to (1, H, W) with 9 weights."""
    return conv2d(picture[None], kernels["brighter below?"][None, None], padding=1)[0]


def dense_layer(picture):
    """From (1, 24, 24) to (1, 24, 24) with 331,776 weights."""
    return (dense_weights @ picture.ravel()).reshape(picture.shape)


with pending("translate", "equivariance_error", "conv2d", "im2col", "output_size"):
    layers = {"convolution": conv_layer, "fully connected": dense_layer}
    draw.equivariance(translate, equivariance_error, layers, temple, (4, -3), border=5)

# %% [markdown]
# The upper difference is 0 inside the frame: the same numbers are multiplied and added, only elsewhere. Along the edges even
# the convolution differs, because there it saw the zeros that came in.
#
# ### From equivariance to invariance
#
# "Is there a cat?" should not depend on where the cat is. One step makes an answer that moves along into one that stays: take
# the mean of each feature map over *all* positions. This is **global average pooling**. Where a feature was found is
# forgotten, how much of it was found is kept.
#
# Is it exact? What leaves a translated image is lost, so the mean changes a little. It is exact where nothing gets lost: the
# image is *rolled* (what leaves on the right comes in on the left, as with `np.roll`), and the convolution's borders wrap
# around in the same way. Then every feature map holds the same numbers in another order, and their mean does not change.

# %% [markdown]
# ### Exercise: `global_average_pool`
#
# `global_average_pool(x (N, C, H, W)) -> (N, C)`
#
# PyTorch's `nn.AdaptiveAvgPool2d(1)` does the same, but keeps two axes of length 1. The check also rolls an image and
# sends it through a convolution with wrapped borders, a ReLU and your function: nothing may change.
#
# **By hand.** Two channels $\begin{pmatrix} 1 & 2 \\ 3 & 6 \end{pmatrix}$ and $\begin{pmatrix} 0 & -4 \\ 0 & 0 \end{pmatrix}$ of
# one image give `[[3., -1.]]`.


# %% nbgrader={"grade": false, "grade_id": "global_average_pool", "locked": false, "schema_version": 3, "solution": true, "task": false}
def global_average_pool(x):
    """The mean of each channel over the whole image: (N, C, H, W) to (N, C)."""
    ### BEGIN SOLUTION
    return x.mean(axis=(2, 3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "global_average_pool_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.global_average_pool", global_average_pool)

# %% [markdown]
# Three kernels, a ReLU and your pooling on the left; three fully connected nodes on the right. Both get the temple, rolled to
# the right, two pixels at a time. In the middle the borders do not wrap around but are padded with zeros, as in most networks.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_invariance", "locked": true, "schema_version": 3, "solution": false, "task": false}
bank = np.stack(list(kernels.values()))[:, None]


def pooled(picture, mode):
    """From (1, H, W) to one number for each kernel; the border is "wrap" or zeros ("constant")."""
    padded = np.pad(picture, ((0, 0), (1, 1), (1, 1)), mode=mode)
    return global_average_pool(np.maximum(conv2d(padded[None], bank), 0))[0]


with pending("global_average_pool", "conv2d", "im2col", "output_size"):
    ways = {"wrapped borders": partial(pooled, mode="wrap"), "zeros around": partial(pooled, mode="constant")}
    ways["fully connected"] = lambda picture: dense_weights[:3] @ picture.ravel()
    draw.invariance(ways, temple, range(0, 24, 2))

# %% [markdown]
# The left lines are flat, up to rounding. With zeros around they still move a little: the border and the seam of the rolled
# image are seen differently.
# The fully connected nodes answer something else at every step. So a whole network can be invariant although none of its
# convolutions is: **equivariant layers first, one invariant step at the end.** Notebook 5 trains such a network on the digit
# that moved.

# %% [markdown]
# ## 4.10 What does it cost in hardware?
#
# A fully connected layer uses every weight once for each image. A convolution uses every weight again in each of its $H' W'$
# positions:
#
# $$\text{MACs} = H'\,W' \cdot C_{\text{out}}\,C_{\text{in}}\,K^2$$
#
# So a convolution is *small and busy*: few numbers to store, many multiplications. Here are both on a grey image of
# 250 × 250, with 4 bytes for each number and 2 FLOP (floating-point operations) for each MAC. Bytes are weights, input and
# output, each moved once.

# %% nbgrader={"grade": false, "grade_id": "count_layers", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("dense_weight_count", "conv_weight_count", "output_size"):
    side = 250
    places = output_size(side, 5, padding=2) ** 2
    rows = {
        "fully connected, 16": (dense_weight_count(side, side, 1, 16), dense_weight_count(side, side, 1, 16), 16),
        "16 kernels of 5 x 5": (
            conv_weight_count(1, 16, 5, False),
            places * conv_weight_count(1, 16, 5, False),
            16 * places,
        ),
    }
    print("layer                    weights        MACs       bytes  FLOP per byte")
    for name, (stored, layer_macs, outputs) in rows.items():
        layer_bytes = 4 * (stored + side * side + outputs)
        print(f"{name:20} {stored:11,} {layer_macs:11,} {layer_bytes:11,} {2 * layer_macs / layer_bytes:13.2f}")

# %% [markdown]
# With 2,500 times fewer weights, the convolution does 25 times the work, and it gets 25 times as many FLOP out
# of every byte that is moved. That is what processors like: their arithmetic is fast, their memory is slow. Almost all bytes
# of the convolution are its *output*, 16 maps as large as the image. That is one reason why networks use strides and pooling
# early.
#
# And im2col? It would write the columns out, $25 \times 62{,}500$ numbers, 6,250,000 bytes more, only to read them
# once. You saw in the race that PyTorch avoids this for large images. Notebook 11 comes back to it.
#
# ### Cheaper still: look first, mix later
#
# An ordinary convolution does two things at once: it looks around in every channel, and it mixes the channels. Networks for
# phones, *MobileNet* first among them (Howard et al., 2017), do one after the other. A **depthwise** convolution gives each
# input channel one square of weights of its own. Then a **pointwise** convolution, with kernels of 1 × 1, mixes the channels
# in each position. Both together are a **depthwise-separable convolution**.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "draw_separable", "locked": true, "schema_version": 3, "solution": false, "task": false}
diagrams.separable()

# %% [markdown]
# ### Exercise: `separable_weight_count`
#
# `separable_weight_count(c_in, c_out, kernel) -> int`
#
# Weights of both steps, without biases. `kernel` is the side $K$ of the depthwise squares.
#
# **By hand.** From 3 channels to 2 with $K = 5$: three squares of 25 weights, then $3 \cdot 2$ weights that mix, 81 in all. The
# ordinary convolution has 150.


# %% nbgrader={"grade": false, "grade_id": "separable_weight_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
def separable_weight_count(c_in, c_out, kernel):
    """Weights of a depthwise and a pointwise convolution, one after the other, without biases."""
    ### BEGIN SOLUTION
    return c_in * kernel**2 + c_in * c_out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "separable_weight_count_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.separable_weight_count", separable_weight_count)

# %% nbgrader={"grade": false, "grade_id": "count_separable", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("separable_weight_count", "conv_weight_count"):
    print("channels   ordinary 3 x 3   separable   ratio")
    for c in (16, 64, 256, 512):
        ordinary, separable = conv_weight_count(c, c, 3, bias=False), separable_weight_count(c, c, 3)
        print(f"{c:8} {ordinary:16,} {separable:11,} {ordinary / separable:7.1f}")

# %% [markdown]
# With many channels the ratio comes close to $K^2 = 9$, in weights and in MACs alike, since every weight is used once in
# every position.
#
# Is it nine times faster, then? Usually not: the depthwise step has only $K^2$ multiplications for every number that it
# reads, so its time goes into moving numbers. MACs are not milliseconds. Notebook 11 shows how to tell beforehand whether
# arithmetic or memory limits a layer.

# %% [markdown]
# ## 4.11 In your own words
#
# A team finds ships on satellite images of 1,000 × 1,000 grey pixels. Their network begins with a fully connected layer of 100
# nodes. A colleague proposes 100 kernels of 9 × 9 instead. Someone objects: *"A fully connected layer can compute everything
# that a convolution can. So it can only be better."*
#
# Answer in a few sentences (3 points, graded by a person):
#
# 1. How many weights does each of the two layers have?
# 2. The first sentence of the objection is true. Why does the second not follow from it? Think of a ship that was never
#    in the lower left corner of a training image.
# 3. Name data for which a convolution would be the wrong choice, and say which of its two assumptions fails.

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_share", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. Fully connected: $1{,}000 \cdot 1{,}000 \cdot 100 = 100{,}000{,}000$ weights. Convolution: $100 \cdot 81 = 8{,}100$, whatever the size of
#    the image.
# 2. A convolution is a fully connected layer in which most weights are 0 and the others are repeated. The fully connected layer
#    *can* find these weights, but nothing makes it: it has to learn a ship anew in each position, from the training images that
#    show one there. In a corner where no ship ever was, its weights learn nothing about ships. With 100 million free weights it also fits the
#    noise of its training images. The convolution uses every ship, wherever it lies, to learn the same 81 weights, and what it
#    learned holds in every corner.
# 3. A table with columns such as age, income and postcode, or pixels in shuffled order. What is near to each other need not
#    belong together there, and a pattern means something else in each position: neither a small patch nor shared weights make
#    sense. (Or: passport photographs that are always aligned. Patches make sense, but an eye is only ever where eyes are, so
#    sharing the weights over all positions is not needed.)

# %% [markdown]
# ## Recap
#
# - A convolution multiplies every patch of its input by the same small kernel and adds up. Its number of weights does not
#   depend on the size of the image.
# - Channels add up: one kernel, as deep as its input, makes one feature map. Stride, padding and dilation set the size of the
#   output, and with depth the receptive field grows.
# - As loops it can be watched; as one matrix product (im2col) it is orders of magnitude faster, and pays with memory.
# - A convolution is equivariant to translation, a fully connected layer is not. Global average pooling at the end makes a
#   network invariant.
# - Few weights, many multiplications: convolutions keep arithmetic busy, fully connected layers keep memory busy.
#   Depthwise-separable convolutions save both weights and MACs.
#
# ## Now try
#
# Nobody grades these.
#
# 1. Blur and sharpen: send `small.mean(axis=0)` through `np.full((5, 5), 1 / 25)` with your `conv2d_single`. Then subtract the
#    blurred image from the original (cut to the same size, `[2:-2, 2:-2]`), add that difference to the original, and look at
#    all three with matplotlib's `imshow`. Which single 5 × 5 kernel does all of this at once?
# 2. Is max pooling equivariant? Measure it with your `equivariance_error` on a layer that pools and then repeats every pixel
#    (`np.kron(maxima, np.ones((2, 2)))`), on `temple`, for `dx=1` and for `dx=2`, with `dy=0` and a border of 4. Explain the
#    difference.
# 3. A convolution of 7 × 7 has the receptive field of three convolutions of 3 × 3. Compare their weights for 64 channels with
#    `conv_weight_count`, and their MACs. What else do three layers have that one does
#    not?
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# ## References
#
# - K. Fukushima, *Neocognitron*, Biological Cybernetics 36, 1980,
#   [doi:10.1007/BF00344251](https://doi.org/10.1007/BF00344251). Shared patches, before backpropagation.
# - Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document recognition*, Proceedings of the
#   IEEE 86, 1998, [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791). Convolution, pooling and learned kernels together:
#   LeNet-5.
# - K. Chellapilla, S. Puri and P. Simard, *High performance convolutional neural networks for document processing*, IWFHR 2006,
#   [inria-00112631](https://inria.hal.science/inria-00112631). Convolution as a matrix product.
# - M. Lin, Q. Chen and S. Yan, *Network in network*, ICLR 2014, [arXiv:1312.4400](https://arxiv.org/abs/1312.4400). Global
#   average pooling.
# - V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning*, 2016,
#   [arXiv:1603.07285](https://arxiv.org/abs/1603.07285). Output sizes, in pictures.
# - A. Howard et al., *MobileNets: efficient convolutional neural networks for mobile vision applications*, 2017,
#   [arXiv:1704.04861](https://arxiv.org/abs/1704.04861). Depthwise-separable convolutions.
# - A. Araujo, W. Norris and J. Sim, *Computing receptive fields of convolutional neural networks*, Distill, 2019,
#   [doi:10.23915/distill.00021](https://doi.org/10.23915/distill.00021).
# - I. Sobel and G. Feldman, *An isotropic 3 × 3 image gradient operator*, talk at the Stanford AI Project, 1968; history in
#   [doi:10.13140/RG.2.1.1912.4965](https://doi.org/10.13140/RG.2.1.1912.4965). The edge kernels.
# - The photograph is *china.jpg* of scikit-learn, by
#   [danielbuechele](https://www.flickr.com/photos/danielbuechele/) on Flickr (CC BY 2.0).
#
# **Next**: [5 · Training a CNN](../05_cnn_training/05_cnn_training.ipynb), where gradients flow back through all this and the
# network learns its own kernels. To watch: 3Blue1Brown, [*But what is a
# convolution?*](https://www.3blue1brown.com/lessons/convolutions)
