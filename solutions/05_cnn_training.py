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
# # 5 · Training a CNN
#
# **Mix up the points of a curve, and you cannot read it any more.** Below are five curves of a data set called MNIST-1D, a
# very small sister of the famous digits. In the lower row each curve has the same 40 values as above it, in another order, the
# same order for all.
#
# A multilayer perceptron learns the lower row as well as the upper one: it reads 68 of 100 curves. The convolutional network
# that was published with the data (Greydanus and Kobak, 2024) reads 94 of 100 curves of the upper row. What will such a
# network make of the lower row? Guess now. At the end of this notebook you will know.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import check, progress
from course_lib import cnn, data, measure, training
from course_lib.cnn import conv2d, im2col
from course_lib.viz import cnn_deep as deep
from course_lib.viz import cnn_diagrams as diagrams
from course_lib.viz import cnn_training as draw
from course_lib.viz import pending, style

style()
torch.set_num_threads(1)
device = torch.device("cpu")

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
curves = data.mnist1d()
shuffled = data.shuffled_positions(curves)
draw.curves(curves.train.x, shuffled.train.x, curves.train.labels)

# %% [markdown]
# **You will be able to**
#
# - send gradients back through convolution, max pooling and batch normalisation, and check them by nudging;
# - say what training mode and inference mode are, and what goes wrong when they are mixed up;
# - build, train and evaluate a convolutional network in PyTorch, with a training, a validation and a test set;
# - recognise overfitting in two curves, and name three remedies;
# - say what residual connections do to the gradient of a deep network;
# - say what a convolution knows about its data, and what happens when that is not true.
#
# **Time** about 4 hours (estimated). **Needs** [1 · Linear
# classification](../01_linear_classification/01_linear_classification.ipynb),
# [3 · Backpropagation](../03_backpropagation/03_backpropagation.ipynb) and
# [4 · Convolution](../04_convolution/04_convolution.ipynb). [Map of the course](../00_start/00_start.ipynb)

# %% [markdown]
# ## 5.1 Back to the pixels
#
# In notebook 4 the kernels were chosen by hand. Now the network finds its own. For that, gradients have to flow back through a
# convolution and through pooling. From notebook 4 you may use `im2col` and `conv2d`: they are imported in the first cell.
#
# A convolution is a matrix product, and you know from notebook 3 how gradients go back through one:
#
# $$y = w_{\text{rows}} \cdot \text{cols} + b \qquad\qquad \text{cols} = \text{im2col}(x)$$
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $x$ | $(N, C, H, W)$ | input of the layer |
# | $w$, $w_{\text{rows}}$ | $(C_{\text{out}}, C, K_H, K_W)$, $(C_{\text{out}}, C K_H K_W)$ | kernels (filters), and the same numbers with one kernel per row |
# | $\text{cols}$ | $(N, C K_H K_W, L)$ | patches as columns, one for each of $L = H' W'$ positions |
# | $dy$ or `dout` | $(N, C_{\text{out}}, H', W')$ | gradient of the loss with respect to the output |
# | $dx, dw, db$ | as $x$, $w$, $b$ | what we want |
#
# One step is new. Going forward, `im2col` *copies* a pixel into every patch that it is in. Going back, the gradients of all
# these copies have to be **added up** at that pixel. (In notebook 3 you met the rule: what is used several times
# collects the gradients of all its uses.) This step back is called **col2im**.

# %% [markdown]
# ### Exercise: `col2im`
#
# `col2im(cols (N, C * KH * KW, L), image_shape (N, C, H, W), kernel (KH, KW), stride=1, padding=0) -> (N, C, H, W)`
#
# Add every column to the pixels that it was cut from. What falls on the padding is dropped.
#
# - `cols.reshape(N, C, KH, KW, rows, columns)` gives every number its weight $(u, v)$ and its position $(i, j)$ back. `rows` and
#   `columns` are $\lfloor (\text{size} + 2p - K) / s \rfloor + 1$ along each side.
# - Add to an array of zeros of the *padded* size, then cut the padding off.
#
# **By hand.** An image of 2 × 3 has two patches of 2 × 2. Their columns are
#
# $$\begin{pmatrix} 1 & 2 \\ 3 & 4 \\ 5 & 6 \\ 7 & 8 \end{pmatrix} \quad\text{so the patches are}\quad
# \begin{pmatrix} 1 & 3 \\ 5 & 7 \end{pmatrix} \text{ and } \begin{pmatrix} 2 & 4 \\ 6 & 8 \end{pmatrix}
# \quad\text{and col2im gives}\quad \begin{pmatrix} 1 & 3 + 2 & 4 \\ 5 & 7 + 6 & 8 \end{pmatrix}$$


# %% nbgrader={"grade": false, "grade_id": "col2im", "locked": false, "schema_version": 3, "solution": true, "task": false}
def col2im(cols, image_shape, kernel, stride=1, padding=0):
    """Adds every column back to the pixels that it was cut from: (N, C * KH * KW, L) to (N, C, H, W)."""
    ### BEGIN SOLUTION
    N, C, H, W = image_shape
    KH, KW = kernel
    rows = (H + 2 * padding - KH) // stride + 1
    columns = (W + 2 * padding - KW) // stride + 1
    patches = cols.reshape(N, C, KH, KW, rows, columns)
    padded = np.zeros((N, C, H + 2 * padding, W + 2 * padding), cols.dtype)
    for u in range(KH):
        for v in range(KW):
            down = slice(u, u + stride * (rows - 1) + 1, stride)
            across = slice(v, v + stride * (columns - 1) + 1, stride)
            padded[:, :, down, across] += patches[:, :, u, v]
    return padded[:, :, padding : padding + H, padding : padding + W]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "col2im_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.col2im", col2im)

# %% [markdown]
# `col2im` does *not* undo `im2col`. Send an image of ones through both, and you see how many patches each pixel is in. That is
# also how many shares of gradient it will collect. Pixels at an edge are looked at less often.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_coverage", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("col2im"):
    draw.coverage(im2col, col2im, [(3, 1, 0), (3, 1, 1), (3, 2, 1)])

# %% [markdown]
# ## 5.2 Convolution, backwards
#
# Write $dy$ with one row for each output channel and one column for each position, as the forward product has it. Then
#
# $$db = \sum_{n,\,\text{positions}} dy \qquad dw_{\text{rows}} = \sum_n dy_n \, \text{cols}_n^\top \qquad
# d\text{cols} = w_{\text{rows}}^\top \, dy \qquad dx = \text{col2im}(d\text{cols})$$
#
# Read the second one slowly. **Every position of every image speaks to the same few weights**, and all that they say is added up.
# That is weight sharing, seen from behind.

# %% [markdown]
# ### Exercise: `conv2d_backward`
#
# `conv2d_backward(dout (N, C_out, H', W'), x (N, C, H, W), w (C_out, C, KH, KW), stride=1, padding=0) -> (dx, dw, db)`
#
# Use `im2col`, your `col2im`, and two matrix products. `.transpose(0, 2, 1)` swaps the last two axes of three.
#
# **By hand.** One image $\begin{pmatrix} 1 & 2 & 0 \\ 0 & 1 & 3 \end{pmatrix}$, one kernel
# $\begin{pmatrix} 1 & -1 \\ 2 & 3 \end{pmatrix}$, so there are two positions. Let $dy = (1, 10)$. Then $db = 11$, and
#
# $$dw = 1 \begin{pmatrix} 1 & 2 \\ 0 & 1 \end{pmatrix} + 10 \begin{pmatrix} 2 & 0 \\ 1 & 3 \end{pmatrix}
# = \begin{pmatrix} 21 & 2 \\ 10 & 31 \end{pmatrix} \qquad
# dx = \begin{pmatrix} 1 & -1 + 10 & -10 \\ 2 & 3 + 20 & 30 \end{pmatrix}$$


# %% nbgrader={"grade": false, "grade_id": "conv2d_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d_backward(dout, x, w, stride=1, padding=0):
    """Gradients (dx, dw, db) of a convolution layer with input x and kernels w."""
    ### BEGIN SOLUTION
    C_out, _, KH, KW = w.shape
    dy = dout.reshape(len(x), C_out, -1)
    cols = im2col(x, (KH, KW), stride, padding)
    db = dy.sum(axis=(0, 2))
    dw = (dy @ cols.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
    dcols = w.reshape(C_out, -1).T @ dy
    return col2im(dcols, x.shape, (KH, KW), stride, padding), dw, db
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "conv2d_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.conv2d_backward", conv2d_backward)

# %% [markdown]
# ### Nudge it
#
# The test that never lies, from notebook 3: nudge one number, run the convolution, see how the loss changes. Here every
# number of a small layer is nudged. Each dot is one gradient, and it should lie on the line.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_nudges", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("conv2d_backward", "col2im"):
    draw.gradient_check(conv2d_backward, conv2d)

# %% [markdown]
# ## 5.3 Pooling, backwards
#
# Max pooling lets one number of each window through. Nudge any of the others a little, and the output does not change: their
# gradient is 0. The winner gets everything.
#
# If several numbers are equal and the largest, the *first* of them takes it all, in reading order. (After a ReLU that is no
# rare case: think of a window full of zeros.)

# %% [markdown]
# ### Exercise: `max_pool2d_backward`
#
# `max_pool2d_backward(dout (N, C, H', W'), x (N, C, H, W), kernel, stride=None) -> (N, C, H, W)`
#
# `kernel` is an int or a pair, `stride` an int or `None` (windows that touch). Where windows overlap, a pixel may win several
# times: its gradients add up. `argmax` of a window gives the first maximum, and `np.unravel_index` its row and column.
#
# **By hand.** A window of 2 over $\begin{pmatrix} 1 & 2 & 0 & 3 \\ 4 & 0 & 5 & 1 \end{pmatrix}$ with $dy = (10, 20)$ gives
# $\begin{pmatrix} 0 & 0 & 0 & 0 \\ 10 & 0 & 20 & 0 \end{pmatrix}$.


# %% nbgrader={"grade": false, "grade_id": "max_pool2d_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool2d_backward(dout, x, kernel, stride=None):
    """Gradient of max pooling with input x: all of it to the first maximum of each window."""
    ### BEGIN SOLUTION
    KH, KW = (kernel, kernel) if isinstance(kernel, int) else kernel
    down, right = (KH, KW) if stride is None else (stride, stride)
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * down : i * down + KH, j * right : j * right + KW]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, i * down + u, j * right + v] += dout[n, c, i, j]
    return dx
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "max_pool2d_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.max_pool2d_backward", max_pool2d_backward)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_routes", "locked": true, "schema_version": 3, "solution": false, "task": false}
rng = np.random.default_rng(1)
with pending("max_pool2d_backward"):
    picture = np.maximum(rng.integers(-5, 8, (6, 6)), 0).astype(float)
    draw.routes(max_pool2d_backward, picture, rng.integers(-4, 5, (3, 3)).astype(float), kernel=2)

# %% [markdown]
# Most of $dx$ is 0. Pooling is a switch that was set on the way forward, and the gradient takes the same track back.

# %% [markdown]
# ## 5.4 Batch normalisation
#
# Imagine three channels of a layer. One is large, one is small, one lies far from 0. Each of them would need a learning rate
# of its own, and while the layers before it learn, all of this keeps changing.
#
# **Batch normalisation** puts every channel back to mean 0 and standard deviation 1, then gives it a scale $\gamma$ and a shift
# $\beta$ that are learned:
#
# $$y = \gamma \, \frac{x - m}{\sqrt{v + \epsilon}} + \beta$$
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $m$, $v$ | $(C,)$ | mean and variance of each channel, over the batch **and** all positions: $n = N H W$ numbers |
# | $\gamma$, $\beta$ | $(C,)$ | learned scale and shift |
# | $\epsilon$ | | a small number, so that a constant channel does not divide by 0 |
# | running mean, running variance | $(C,)$ | averages over all batches so far |
#
# Now the trap. In training an image's output depends on its neighbours in the batch. At **inference**, when the trained network
# is used, it should not: there may be no neighbours at all. So there are two modes:
#
# - **training**: use the batch's own $m$ and $v$ (with divisor $n$), and update the running averages:
#   $\text{running} \leftarrow (1 - \text{momentum}) \cdot \text{running} + \text{momentum} \cdot \text{new}$. For the variance,
#   the new value is the *unbiased* one, with divisor $n - 1$: it estimates the data, not this batch.
# - **inference** (in PyTorch: *eval mode*): use the running averages, and leave them as they are.

# %% [markdown]
# ### Exercise: `batch_norm2d`
#
# `batch_norm2d(x (N, C, H, W), gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5)`
# `-> (y, running_mean, running_var)`
#
# All four vectors have shape `(C,)`. Return new arrays and change none that you were given. `v[:, None, None]` makes a shape
# `(C, 1, 1)` that broadcasts over images.
#
# **By hand.** One channel with the numbers 1, 3, 5, 7, scale 1, shift 0, running mean 0, running variance 1, in training.
# $m = 4$ and $v = (9 + 1 + 1 + 9)/4 = 5$. The output is $(-3, -1, 1, 3)/\sqrt5 = (-1.342, -0.447, 0.447, 1.342)$. The running
# mean becomes $0.9 \cdot 0 + 0.1 \cdot 4 = 0.4$. The unbiased variance is $20/3$, so the running one becomes
# $0.9 + 0.667 = 1.567$.


# %% nbgrader={"grade": false, "grade_id": "batch_norm2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """Batch normalisation by torch's rules; returns (y, running_mean, running_var)."""
    ### BEGIN SOLUTION
    if training:
        n = x.size // x.shape[1]
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    else:
        mean, var = running_mean, running_var
    y = (x - mean[:, None, None]) / np.sqrt(var + eps)[:, None, None]
    y = gamma[:, None, None] * y + beta[:, None, None]
    return y, running_mean.copy(), running_var.copy()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "batch_norm2d_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.batch_norm2d", batch_norm2d)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_normalised", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("batch_norm2d"):
    wild = rng.standard_normal((32, 3, 6, 6)) * np.array([3.0, 0.4, 1.0])[:, None, None]
    draw.normalised(batch_norm2d, wild + np.array([0.0, 2.0, -6.0])[:, None, None])

# %% [markdown]
# And the running averages on their way, from batches of only 4 images. The dotted lines are the truth. What does a momentum of
# 0.5 buy, and what does it cost?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_averages", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("batch_norm2d"):
    draw.averages(batch_norm2d)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_averages", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("batch_norm2d"):
    draw.averages_slider(batch_norm2d)

# %% [markdown]
# ### Batch normalisation, backwards
#
# One number of $x$ reaches the outputs of its channel in **three ways**: straight to its own output, through the mean $m$, and
# through the variance $v$. The last two lead to *every* output of the channel. Write $z = (x - m)/\sqrt{v + \epsilon}$ for the
# normalised input, so that $y = \gamma z + \beta$. Then
#
# $$d\beta = \sum dy \qquad d\gamma = \sum dy \, z \qquad
# dx = \frac{\gamma}{\sqrt{v + \epsilon}} \Big(\, dy \;-\; \underbrace{\overline{dy}}_{\text{through } m} \;-\;
# \underbrace{z \; \overline{dy\,z}}_{\text{through } v} \Big)$$
#
# with sums and means (the bars) over the batch and all positions of a channel. Where do the two terms come from? Raise one
# number $x_i$ by a little, and follow both ways:
#
# - $m$ grows by $1/n$ of it. That lowers *every* $z$ of the channel by the same amount, so all $dy$ are added up and divided
#   by $n$: the mean of $dy$.
# - $\sqrt{v + \epsilon}$ grows by $z_i/n$ of it. That shrinks *every* $z$ in proportion to itself, so all $dy\,z$ are added up
#   and divided by $n$, and $z_i$ is left as a factor.
#
# Read it as a sentence: **what would shift the whole channel is taken out of the gradient, and so is what would stretch it.**
# Neither can change the output, because the normalisation undoes both.

# %% [markdown]
# ### Exercise: `batch_norm2d_backward`
#
# `batch_norm2d_backward(dout (N, C, H, W), x (N, C, H, W), gamma (C,), eps=1e-5) -> (dx, dgamma, dbeta)`
#
# Training mode: mean and variance are those of the batch. `keepdims=True` keeps the reduced axes, so that the result
# broadcasts.
#
# **By hand.** One channel with the numbers 3, 3, 5, 5, so $m = 4$, $v = 1$ and $z = (-1, -1, 1, 1)$. Let $\gamma = 2$ and
# $dy = (4, 0, 0, 0)$. Then $d\beta = 4$ and $d\gamma = -4$. The means are $\overline{dy} = 1$ and $\overline{dy\,z} = -1$, so
# $dx = 2\,(4 - 1 - 1,\; 0 - 1 - 1,\; 0 - 1 + 1,\; 0 - 1 + 1) = (4, -4, 0, 0)$. It adds up to 0.


# %% nbgrader={"grade": false, "grade_id": "batch_norm2d_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batch_norm2d_backward(dout, x, gamma, eps=1e-5):
    """Gradients (dx, dgamma, dbeta) of batch normalisation in training mode."""
    ### BEGIN SOLUTION
    axes = (0, 2, 3)
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    z = (x - x.mean(axis=axes, keepdims=True)) / deviation
    through_mean = dout.mean(axis=axes, keepdims=True)
    through_variance = z * (dout * z).mean(axis=axes, keepdims=True)
    dx = gamma[:, None, None] / deviation * (dout - through_mean - through_variance)
    return dx, (dout * z).sum(axis=axes), dout.sum(axis=axes)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "batch_norm2d_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.batch_norm2d_backward", batch_norm2d_backward)

# %% [markdown]
# Nudge it as well: your backward step against your own forward step.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_norm_nudges", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("batch_norm2d", "batch_norm2d_backward"):
    draw.norm_check(batch_norm2d_backward, batch_norm2d)

# %% [markdown]
# ## 5.5 Now PyTorch
#
# PyTorch has all of this, and it finds the gradients by itself: its **autograd** writes the tape of notebook 3 while you compute.
# Three things make up a training program:
#
# | in PyTorch | what it is |
# |:--|:--|
# | `nn.Module` | a network: layers, and a call from inputs to logits. `nn.Sequential(a, b, c)` runs them one after the other |
# | `DataLoader` | gives batches `(inputs, labels)` in a `for` loop |
# | `torch.optim.Adam(model.parameters())` | knows the parameters and moves them: `zero_grad()`, `step()` |
#
# Layers that you know by now, under their names here: `nn.Conv2d(c_in, c_out, kernel, stride, padding)`, `nn.BatchNorm2d(channels)`,
# `nn.ReLU()`, `nn.MaxPool2d(kernel)`, `nn.Flatten()`, `nn.Linear(inputs, outputs)`.

# %% [markdown]
# ### Exercise: `build_cnn`
#
# `build_cnn(classes=10) -> nn.Module`
#
# A convolutional network for digits of 8 × 8 pixels: from images `(N, 1, 8, 8)` to logits `(N, classes)`.
#
# - At most **20,000** parameters. A fully connected layer on many feature maps costs the most: shrink the maps first.
# - Return logits. The loss brings its own softmax.
# - **What is judged** is your network *after the course's training*, the same for everyone: 12 epochs of Adam, batches of 32, a
#   rate that falls from 0.01 to 0, labels smoothed by 0.1 (nine tenths of the target are the right class, one tenth is
#   spread evenly over all classes). It learns from 1,440 new digits, drawn by a program, with a numbering of the classes
#   that you do not know. It has to read **97 of 100** of 1,000 others. You need no tricks for that: two convolutions, each
#   with an activation and a pooling, pass with room to spare.
#
# **By hand.** How large are the maps? $8 \times 8$ pixels, a convolution of 3 with padding 1: $8 \times 8$. Pooling by 2:
# $4 \times 4$. The same again: $2 \times 2$. With 32 channels, `nn.Flatten()` then makes $32 \cdot 2 \cdot 2 = 128$ numbers
# of it.


# %% nbgrader={"grade": false, "grade_id": "build_cnn", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_cnn(classes=10):
    """A convolutional network from images, (N, 1, 8, 8), to logits, (N, classes), of at most 20,000 parameters."""
    ### BEGIN SOLUTION
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, classes),
    )
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "build_cnn_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.build_cnn", build_cnn)

# %% [markdown]
# ### Exercise: `train_epoch`
#
# `train_epoch(model, loader, optimizer, device) -> float`
#
# Once through the data. For every batch: clear the old gradients, run the model, take the cross-entropy
# (`nn.functional.cross_entropy(logits, labels)`, a mean over the batch), call the loss's `backward()` and the optimizer's
# `step()`.
#
# - Call `model.train()` first. It switches batch normalisation to its training mode.
# - Batches go where the model is: `inputs.to(device)`. On the CPU this does nothing.
# - Return the mean loss **over all samples**, each as it was in its own step. The last batch may be smaller.
#
# **By hand.** A batch of 6 with a mean loss of 2 and a batch of 2 with a mean loss of 1: $(6\cdot2 + 2\cdot1)/8 = 1.75$, not
# 1.5.


# %% nbgrader={"grade": false, "grade_id": "train_epoch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_epoch(model, loader, optimizer, device):
    """One epoch in training mode, one step a batch; returns the mean loss over the samples, a float."""
    ### BEGIN SOLUTION
    model.train()
    total, count = 0.0, 0
    for inputs, labels in loader:
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
    return total / count
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "train_epoch_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.train_epoch", train_epoch)

# %% [markdown]
# ### Exercise: `evaluate`
#
# `evaluate(model, loader, device) -> float`
#
# The share of samples whose largest logit is at their label. In `model.eval()` mode, and under `with torch.no_grad():`, so that
# torch does not keep everything for a step back that never comes.
#
# **By hand.** 5 of 6 right in the first batch and 1 of 2 in the last: $6/8 = 0.75$.


# %% nbgrader={"grade": false, "grade_id": "evaluate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def evaluate(model, loader, device):
    """The accuracy of a model in eval mode, a float between 0 and 1."""
    ### BEGIN SOLUTION
    model.eval()
    right, count = 0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            predicted = model(inputs.to(device)).argmax(dim=1)
            right += (predicted == labels.to(device)).sum().item()
            count += len(labels)
    return right / count
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "evaluate_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("cnn.evaluate", evaluate)

# %% [markdown]
# ### Your network learns to read
#
# Here it is, drawn from its own layers:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "draw_network", "locked": true, "schema_version": 3, "solution": false, "task": false}
picture = None
with pending("build_cnn"):
    picture = diagrams.architecture_of(build_cnn(), torch.zeros(1, 1, 8, 8), "Your network")
picture

# %% [markdown]
# Now your three functions together, on the digits of notebook 1. The examples are cut into **three** sets:
#
# | set | what it is for |
# |:--|:--|
# | **training set** | the weights are fitted to it |
# | **validation set** | you look at it as often as you like: to choose the learning rate, the size, when to stop |
# | **test set** | opened once, at the end: it says how good the network really is |
#
# Why not two? Whatever you choose by looking at a set, you fit to that set. Of twenty networks that are equally good, the one
# that is best on the validation set was also a bit lucky there. Only a set that had no part in any choice is an honest judge.

# %% nbgrader={"grade": false, "grade_id": "digit_data", "locked": true, "schema_version": 3, "solution": false, "task": false}
digits = data.digits()
pixels, labels = digits.train.x.reshape(-1, 1, 8, 8), digits.train.labels
sets = {
    "training": (pixels[:1000], labels[:1000]),
    "validation": (pixels[1000:], labels[1000:]),
    "test": (digits.test.x.reshape(-1, 1, 8, 8), digits.test.labels),
}
tensors = {name: TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y)) for name, (x, y) in sets.items()}
model = None  # the network that the next cell trains
print({name: len(part) for name, part in tensors.items()})

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_digits", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("build_cnn", "train_epoch", "evaluate"):
    torch.manual_seed(0)
    model = build_cnn().to(device)
    loader = DataLoader(tensors["training"], batch_size=64, shuffle=True)
    validation, test = (DataLoader(tensors[name], batch_size=500) for name in ("validation", "test"))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses, accuracies = [], []
    for _ in training.track(range(12), "digits"):
        losses.append(train_epoch(model, loader, optimizer, device))
        accuracies.append(evaluate(model, validation, device))
    draw.learning(losses, accuracies)
    share, count = evaluate(model, test, device), len(tensors["test"])
    error = measure.standard_error(share, count)
    print(f"{training.parameter_count(model):,} parameters")
    print(f"test set, opened once: {share:.1%} of {count} digits, standard error {error:.1%}")

# %% [markdown]
# The last line has a **standard error**: another 500 digits would give another number, and each of them lies typically that
# far from what endlessly many digits would give. With so few digits 98 % and 99 % are nearly the same result.

# %% [markdown]
# ### What did it learn?
#
# First the kernels of its first layer. Some have blue on one side and vermilion on the other, as the edge kernels of notebook
# 4 had. Nobody told the network about edges.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_kernels", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("build_cnn", "train_epoch", "evaluate"):
    draw.kernels(model)

# %% [markdown]
# And what the layers make of one digit: the first eight **feature maps** of each. The first convolution answers with strokes
# and edges, pixel by pixel. After each pooling the maps say less about *where* and more about *what*. The last one has only
# four positions left for each channel.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_features", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("build_cnn", "train_epoch", "evaluate"):
    draw.feature_maps(model, tensors["test"][3][0])

# %% [markdown]
# ### The digit that moved
#
# Notebook 4 began with a network that read digits in the middle of their sheet, and lost nearly all of them once they were
# moved by two pixels. Here is a convolutional network on the same sheets. It ends with *global max pooling*: the largest number
# of each feature map, wherever it is. The convolutions are equivariant, so what they find moves along with the digit, and the
# maximum is invariant: it forgets where that was. The network has never seen a digit that moved.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_sheets", "locked": true, "schema_version": 3, "solution": false, "task": false}
sheets = [np.pad(part.x.reshape(-1, 1, 8, 8), ((0, 0), (0, 0), (2, 2), (2, 2))) for part in (digits.train, digits.test)]
reader = cnn.sheet_network()
training.fit(reader, (sheets[0], digits.train.labels), 12, schedule=training.cosine, label="sheets")
still_right = []
for shift in range(3):
    moved = np.roll(sheets[1], shift, axis=3)
    still_right.append(training.evaluate(reader, (moved, digits.test.labels)))
    print(f"moved by {shift}: {100 * still_right[-1]:.1f} % right")

# %% [markdown]
# ## 5.6 Deeper: twenty layers
#
# Two convolutions read digits. Networks for photographs have fifty or a hundred. What happens if you just stack more of them?
# In notebook 3 you saw a gradient vanish on its way back through twenty layers. Here are twenty convolutions in a row, with
# the weights that PyTorch draws by default, and with two repairs.
#
# One repair you know: batch normalisation after each convolution. The other is a wire. A **residual connection** leads
# *around* a pair of layers and adds their input to their output (He et al., 2016):
#
# $$y = \text{ReLU}\big(x + F(x)\big)$$

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "draw_residual", "locked": true, "schema_version": 3, "solution": false, "task": false}
diagrams.residual_block()

# %% [markdown]
# The layers $F$ now only have to learn what to *change*; with $F = 0$ the block lets everything through. And look at the way
# back. The derivative of $x + F(x)$ is $1 + F'(x)$: whatever $F'$ is, there is a 1. The gradient that arrives at the plus goes
# on to $x$ as it is, and what comes back through $F$ is added to it. Twenty factors that are small make a vanishing product.
# Ten factors of *one plus something small* do not.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_depth", "locked": true, "schema_version": 3, "solution": false, "task": false}
networks = {
    "plain": (False, False),
    "residual": (True, False),
    "plain, batch norm": (False, True),
    "residual, batch norm": (True, True),
}
batch = torch.tensor(sets["training"][0][:128], dtype=torch.float32), torch.tensor(sets["training"][1][:128])
sizes = {name: cnn.gradient_sizes(cnn.deep_network(*kind), *batch) for name, kind in networks.items()}
deep.depth(sizes)

# %% [markdown]
# The plain network's first layers get about a billionth of what the last one gets. With residual connections nearly all of
# it arrives. With batch normalisation alone it is the other way round: the gradient *grows* on its way back, by a factor of
# about 100. (Yang et al., 2019, show that the normalisation itself does this, and that no size of the first weights cures
# it.) With both it still grows, but less. Do these curves matter? All four networks now learn the digits, with the same
# epochs, the same rate and the same batches.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_deep", "locked": true, "schema_version": 3, "solution": false, "task": false}
deep_shares = {}
for name, kind in networks.items():
    _, history = cnn.train_deep(*kind, digits)
    deep_shares[name] = history.accuracies[-1]
    print(f"{name:22} training loss {history.losses[-1]:.2f}, test set {deep_shares[name]:.1%}")

# %% [markdown]
# The plain network guesses, as it did before it was trained. Each repair alone makes it learn, and both together do better than
# either. That is why nearly every deep network since 2016 has both a normalisation and residual connections: ResNets, and the
# transformers behind today's language models. (The test set is looked at four times here. Nothing is chosen by it, so that is allowed. Its
# 500 digits give a standard error of at most 2.2 points.)
#
# Two remarks, so that you do not believe too much of this picture. PyTorch's default weights are smaller than He's of notebook
# 2, which would keep much more of the plain network's gradient; the second task below lets you try it. And He and colleagues
# report that their plain deep networks, with batch normalisation, had healthy gradients and still trained worse. A gradient that
# arrives is needed. It is not enough.

# %% [markdown]
# ## 5.7 Learning by heart
#
# Back to the curves. A multilayer perceptron with two hidden layers of 256 has 79,000 parameters, and 3,000 training curves. It
# can learn them all by heart. Does it? We set 1,000 other curves aside as a validation set and watch the loss on both.
#
# Beside it are two remedies, kinds of **regularisation**, which is the name for everything that makes it harder to learn by heart:
#
# - **weight decay**: each step also shrinks every weight a little, so that only what keeps being useful stays large;
# - **dropout**: in training each step switches off a random share of the hidden units, here 30 %, so that none can rely on
#   another one. At inference all are on.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_overfitting", "locked": true, "schema_version": 3, "solution": false, "task": false}
learn = data.Dataset(curves.train.x[:3000], curves.train.labels[:3000])
aside = data.Dataset(curves.train.x[3000:], curves.train.labels[3000:])
remedies = {"none": {}, "weight decay": {"weight_decay": 1.0}, "dropout": {"dropout": 0.3}}
watched = {name: cnn.watch_learning(learn, aside, label=name, **settings) for name, settings in remedies.items()}
runs = {name: rows for name, (_, rows) in watched.items()}
deep.overfitting(runs)
print("after 30 epochs   training     validation")
for name, rows in runs.items():
    print(f"{name:16} {rows[-1, 2]:9.1%} {rows[-1, 3]:12.1%}   validation loss {rows[-1, 1]:.2f}")

# %% [markdown]
# This is **overfitting**. Without a remedy the training loss goes towards 0, and practically all training curves are read. The validation loss
# falls at first, turns around after about a dozen epochs, and rises while the network learns the noise of its examples by
# heart. Three remedies:
#
# 1. **Early stopping**: keep the weights of the epoch with the lowest validation loss (the diamond).
# 2. **Regularisation**, here by weight decay or dropout: the turn comes later or not at all, and the lowest validation loss is
#    lower.
# 3. More data, or a network that *knows* more about the data. That is the next section, and it is the strongest.
#
# One thing may surprise you. Without a remedy the validation *loss* gets worse and worse, but the validation *accuracy*
# does not fall. It does not make more errors; it grows more and more certain of those it makes, and the loss counts that.
# And the three validation accuracies are close together: with 1,000 curves each has a standard error of 1.5 points.

# %% [markdown]
# ## 5.8 Who needs positions?
#
# Three networks learn the curves: a linear classifier, a multilayer perceptron with two hidden layers of 256, and a network
# of four convolutions of one dimension (the kernel slides along a line). All have the same recipe: 15 epochs of AdamW with
# a weight decay of 0.01, batches of 100, a rate that falls from 0.01 to 0. Then all three learn again, with the points
# shuffled. The 1,000 test curves had no part in any choice.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_curves", "locked": true, "schema_version": 3, "solution": false, "task": false}
results = {}
for kind in cnn.PUBLISHED:
    ends = []
    for split in (curves, shuffled):
        trained, history = cnn.train_curves(kind, split)
        ends.append(history.accuracies[-1])
    results[kind] = tuple(ends)
    print(f"{kind:7} {training.parameter_count(trained):6,} parameters: {ends[0]:.1%} in order, {ends[1]:.1%} shuffled")
draw.comparison(results, {kind: (cnn.PUBLISHED[kind], cnn.SHUFFLED[kind]) for kind in cnn.PUBLISHED})

# %% [markdown]
# The dashed lines are the figures of Greydanus and Kobak (2024): 32, 68 and 94 % in order, 32, 68 and 56 % shuffled. (Their
# convolutional network differs from ours.)
#
# - **Linear** and **MLP** do not care about the order. To them the order of the inputs means nothing: shuffle the inputs, shuffle
#   the columns of the first weights along, and you have the same network.
# - **The CNN** leads by far as long as neighbours belong together, and with a ninth of the MLP's parameters. Shuffled, it falls
#   below the MLP.
#
# So convolution is not a *better* network. It is a network that **knows something** about its data before it sees any: what
# belongs together lies close together, and it means the same everywhere. This is called an **inductive bias**. Where it is true,
# it saves weights and examples. Where it is not, it is in the way.

# %% [markdown]
# ## 5.9 What does it cost in hardware?
#
# Here is the bill of your network, layer by layer, for one image.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_layers", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("build_cnn"):
    costs = measure.layer_costs(build_cnn(), torch.zeros(1, 1, 8, 8))
    print("layer           output         parameters       MACs    numbers written")
    for cost in costs:
        shape = " x ".join(map(str, cost.shape))
        print(f"{cost.name:14}  {shape:13} {cost.parameters:11,} {cost.macs:10,} {cost.outputs:14,}")
    totals = [sum(getattr(cost, key) for cost in costs) for key in ("parameters", "macs", "outputs")]
    print(f"{'all':14}  {'':13} {totals[0]:11,} {totals[1]:10,} {totals[2]:14,}")

# %% [markdown]
# **The layers differ.** Divide the MACs of each by its parameters. A kernel of the first convolution is used in 64 positions, one
# of a second convolution behind a pooling in 16, and a weight of the fully connected layer once. Kernels keep a processor's
# arithmetic busy. A fully connected layer keeps its memory busy. That is why pruning (notebook 12) and quantization (notebook
# 13) win different things on them.
#
# **Training costs more than inference.** For inference you need the parameters and the feature maps of one layer at a time. To
# train the network, you need all of this:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_training", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("build_cnn"):
    batch, costs = 64, measure.layer_costs(build_cnn(), torch.zeros(1, 1, 8, 8))
    parameters, macs, outputs = (sum(getattr(cost, key) for cost in costs) for key in ("parameters", "macs", "outputs"))
    print(f"{'parameters':34} {4 * parameters:10,} bytes")
    print(f"{'their gradients':34} {4 * parameters:10,} bytes")
    print(f"{'Adam: two averages each':34} {8 * parameters:10,} bytes")
    print(f"{f'all maps of a batch of {batch}':34} {4 * batch * outputs:10,} bytes")
    print(f"{'MACs of a step, about 3 x forward':34} {3 * batch * macs:10,}")

# %% [markdown]
# The maps are by far the largest part, and they grow with the batch. (The step back needs two products for each one on the way
# forward: one for $dw$, one for $dx$. You wrote both.)
#
# **Batch normalisation costs nothing at inference.** There its mean and variance are constants, so each number is only
# multiplied by one constant and another is added. Both can be folded into the weights and biases of the convolution before
# it. You will do that in notebook 11. A residual connection costs no parameters and hardly any arithmetic, but $x$ has to
# be kept until the plus.

# %% [markdown]
# ## 5.10 In your own words
#
# A friend trains a CNN with batch normalisation. In training it reads 99 % of the digits. Then she uses it on a phone, one
# photograph at a time, and forgets `model.eval()`. *"It gives nearly the same answer for everything. And a colleague's
# network without batch normalisation works, although she forgot it too!"*
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. What does batch normalisation compute from, in training mode, when the batch is one photograph? What is lost?
# 2. Why does the same line not matter to the colleague's network?
# 3. She now calls `model.eval()`, and the accuracy on the *training* images falls a little below what she saw in training.
#    Name a reason.

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_eval", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. Mean and variance of each channel are then taken over the positions of this one photograph. Whatever lifts or stretches a
#    whole channel (this photograph is bright, this channel answers strongly everywhere) is subtracted and divided away, so
#    the layers behind it see nearly the same statistics for every input. The network was trained with the statistics of many
#    images mixed, and it is shown something else. (The running averages are spoiled on the way, too.)
# 2. `train()` and `eval()` only switch layers that behave differently in the two modes: batch normalisation and dropout.
#    Convolution, ReLU, pooling and linear layers compute the same in both.
# 3. In eval mode the running averages take the place of the batch's own mean and variance. They are estimates, and they lag behind:
#    weights that moved in the last steps belong to other averages. (Or: momentum and few batches make them noisy; or the
#    accuracy "in training" was measured on augmented or on other batches.)

# %% [markdown]
# ## Recap
#
# - The way back through a convolution is two matrix products and one `col2im`. A shared weight collects the gradients of all
#   positions; max pooling sends its gradient to the winner.
# - Batch normalisation uses the batch in training and running averages at inference. Its gradient takes out what would shift or
#   stretch the whole channel.
# - Fit on the training set, choose on the validation set, open the test set once, and give the standard error.
# - Overfitting is a validation loss that rises while the training loss falls. Early stopping, weight decay and dropout help; a
#   network that knows about the data helps most.
# - Residual connections give the gradient a way past the layers. With normalisation they make twenty layers, or a hundred, train.
#
# ## Now try
#
# Nobody grades these.
#
# 1. How many examples is a convolution worth? Train the CNN of 5.8 on the first 100, 300 and 1,000 curves only
#    (`data.Split(data.Dataset(curves.train.x[:n], curves.train.labels[:n]), curves.test)`). With how many does it catch up with
#    the MLP that saw all 4,000?
# 2. Draw the weights of the plain twenty layers as He proposes: `nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")`
#    for every `nn.Conv2d` of `cnn.deep_network(False, False)`. What is left of the gradient now (`cnn.gradient_sizes`)? Train
#    it with `training.fit`, with rates of 0.01 and 0.002. Is the gradient at the start all that matters?
# 3. Spoil it: in 5.5 train with `model.eval()` instead of `model.train()`, or evaluate with batches of 2 in training mode. Guess
#    first what each does to the accuracy.
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# ## References
#
# - Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document recognition*, Proceedings of the
#   IEEE 86, 1998, [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791).
# - S. Ioffe and C. Szegedy, *Batch normalization: accelerating deep network training by reducing internal covariate shift*,
#   ICML 2015, [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
# - S. Santurkar, D. Tsipras, A. Ilyas and A. Madry, *How does batch normalization help optimization?*, NeurIPS 2018,
#   [arXiv:1805.11604](https://arxiv.org/abs/1805.11604). It helps, but for another reason than was thought.
# - K. He, X. Zhang, S. Ren and J. Sun, *Deep residual learning for image recognition*, CVPR 2016,
#   [arXiv:1512.03385](https://arxiv.org/abs/1512.03385). Residual connections; section 4.1 on plain networks and their gradients.
# - G. Yang, J. Pennington, V. Rao, J. Sohl-Dickstein and S. Schoenholz, *A mean field theory of batch normalization*, ICLR 2019,
#   [arXiv:1902.08129](https://arxiv.org/abs/1902.08129). Why the gradient grows with batch normalisation alone.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, *Dropout: a simple way to prevent neural networks
#   from overfitting*, JMLR 15, 2014, [jmlr.org](https://jmlr.org/papers/v15/srivastava14a.html).
# - I. Loshchilov and F. Hutter, *Decoupled weight decay regularization*, ICLR 2019,
#   [arXiv:1711.05101](https://arxiv.org/abs/1711.05101). AdamW.
# - M. Zeiler and R. Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014,
#   [arXiv:1311.2901](https://arxiv.org/abs/1311.2901). Feature maps of a large network.
# - S. Greydanus and D. Kobak, *Scaling down deep learning with MNIST-1D*, ICML 2024,
#   [arXiv:2011.14439](https://arxiv.org/abs/2011.14439). The curves, the shuffle, and the published figures.
# - E. Alpaydin and C. Kaynak, *Optical recognition of handwritten digits*, UCI Machine Learning Repository, 1998,
#   [doi:10.24432/C50P49](https://doi.org/10.24432/C50P49).
#
# **Next**: [6 · Recurrent networks](../06_rnn/06_rnn.ipynb), where the inputs come one after the other and a network has to
# remember. To read: the [*Feature Visualization*](https://doi.org/10.23915/distill.00007) article of Distill (Olah, Mordvintsev
# and Schubert, 2017), on what the kernels of a large network look for.
