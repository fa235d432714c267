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
# A multilayer perceptron learns the lower row as well as the upper one: it reads 68 of 100. The convolutional network that was
# published with the data reads 94 of 100 curves of the upper row. What will such a network make of the lower row? Guess now.
# At the end of this notebook you will know.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from autograder import check, progress
from course_lib import data, measure, training
from course_lib.cnn import conv2d, im2col
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
# In notebook 4 the kernels were chosen by hand. Now the network finds its own. For that, gradients have to flow back through a
# convolution and through pooling. You write both steps back, then the normalisation that makes deep networks easy to train,
# and then you hand the work over to PyTorch, knowing what it does.
#
# From notebook 4 you may use `im2col` and `conv2d`: they are imported in the first cell.

# %% [markdown]
# ## 5.1 Back to the pixels
#
# A convolution is a matrix product, and you know from notebook 3 how gradients go back through one:
#
# $$y = w_{\text{rows}} \cdot \text{cols} + b \qquad\qquad \text{cols} = \text{im2col}(x)$$
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $x$ | $(N, C, H, W)$ | input of the layer |
# | $w$, $w_{\text{rows}}$ | $(C_{\text{out}}, C, K_H, K_W)$, $(C_{\text{out}}, C K_H K_W)$ | kernels, and the same numbers with one kernel a row |
# | $\text{cols}$ | $(N, C K_H K_W, L)$ | patches as columns, one for each of $L = H' W'$ places |
# | $dy$ or `dout` | $(N, C_{\text{out}}, H', W')$ | gradient of the loss with respect to the output |
# | $dx, dw, db$ | as $x$, $w$, $b$ | what we want |
#
# One step is new. Going forward, `im2col` *copies* a pixel into every patch that it is in. Going back, the gradients of all
# these copies have to be **added up** where the pixel stands. (In notebook 3 you met the rule: what is used several times
# collects the gradients of all its uses.) This step back is called **col2im**.

# %% [markdown]
# ### Exercise: `col2im`
#
# `col2im(cols (N, C * KH * KW, L), image_shape (N, C, H, W), kernel (KH, KW), stride=1, padding=0) -> (N, C, H, W)`
#
# Add every column to the pixels that it was cut from. What falls on the padding is dropped.
#
# - `cols.reshape(N, C, KH, KW, rows, columns)` gives every number its weight $(u, v)$ and its place $(i, j)$ back. `rows` and
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
# Write $dy$ with one row for each output channel and one column for each place, as the forward product has it. Then
#
# $$db = \sum_{n,\,\text{places}} dy \qquad dw_{\text{rows}} = \sum_n dy_n \, \text{cols}_n^\top \qquad
# d\text{cols} = w_{\text{rows}}^\top \, dy \qquad dx = \text{col2im}(d\text{cols})$$
#
# Read the second one slowly. **Every place of every image speaks to the same few weights**, and all that they say is added up.
# That is weight sharing, seen from behind.

# %% [markdown]
# ### Exercise: `conv2d_backward`
#
# `conv2d_backward(dout (N, C_out, H', W'), x (N, C, H, W), w (C_out, C, KH, KW), stride=1, padding=0) -> (dx, dw, db)`
#
# Use `im2col`, your `col2im`, and two matrix products. `.transpose(0, 2, 1)` swaps the last two axes of three.
#
# **By hand.** One image $\begin{pmatrix} 1 & 2 & 0 \\ 0 & 1 & 3 \end{pmatrix}$, one kernel
# $\begin{pmatrix} 1 & -1 \\ 2 & 3 \end{pmatrix}$, so there are two places. Let $dy = (1, 10)$. Then $db = 11$, and
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
# Look at three channels of a layer. One is large, one is small, one sits far from 0. Each of them would like another learning
# rate, and while the layers before it learn, all of this keeps changing.
#
# **Batch normalisation** puts every channel back to mean 0 and standard deviation 1, then gives it a scale $\gamma$ and a shift
# $\beta$ that are learned:
#
# $$y = \gamma \, \frac{x - m}{\sqrt{v + \epsilon}} + \beta$$
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $m$, $v$ | $(C,)$ | mean and variance of each channel, over the batch **and** all places: $n = N H W$ numbers |
# | $\gamma$, $\beta$ | $(C,)$ | learned scale and shift |
# | $\epsilon$ | | a small number, so that a constant channel does not divide by 0 |
# | running mean, running variance | $(C,)$ | averages over all batches so far |
#
# Now the trap. In training an image's output depends on its neighbours in the batch. Once the network is in use, it should not: there
# may be no neighbours at all. So there are two modes:
#
# - **training**: use the batch's own $m$ and $v$ (with divisor $n$), and update the running averages:
#   $\text{running} \leftarrow (1 - \text{momentum}) \cdot \text{running} + \text{momentum} \cdot \text{new}$. For the variance,
#   the new value is the *unbiased* one, with divisor $n - 1$: it estimates the data, not this batch.
# - **afterwards**: use the running averages, and leave them as they are.

# %% [markdown]
# ### Exercise: `batch_norm2d`
#
# `batch_norm2d(x (N, C, H, W), gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5)`
# `-> (y, running_mean, running_var)`
#
# All four vectors have shape `(C,)`. Return new arrays and change none that you were given. `v[:, None, None]` makes a shape
# `(C, 1, 1)` that fits to images.
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
# - At most **20,000** parameters. A dense layer on many feature maps costs the most: shrink the maps first.
# - Return logits. The loss brings its own softmax.
# - The grader trains your network with a fixed recipe (12 epochs of Adam, batches of 32, a rate that falls from 0.01 to 0) on
#   1,440 new digits, drawn by a program, with a numbering of the classes that you do not know. It has to read **97 of 100**
#   of 1,000 others. Two convolutions, each with an activation and a pooling, are enough for that.
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
# (`nn.functional.cross_entropy(logits, labels)`, a mean over the batch), go `backward()`, and `step()`.
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
# Your three functions together, on the digits of notebook 1. There, 650 numbers of a linear classifier read 96 of 100.

# %% nbgrader={"grade": false, "grade_id": "digit_data", "locked": true, "schema_version": 3, "solution": false, "task": false}
digits = data.digits()
images = [torch.tensor(part.x, dtype=torch.float32).reshape(-1, 1, 8, 8) for part in (digits.train, digits.test)]
names = [torch.tensor(part.labels) for part in (digits.train, digits.test)]
model = None  # the network that the next cell trains

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_digits", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("build_cnn", "train_epoch", "evaluate"):
    torch.manual_seed(0)
    model = build_cnn().to(device)
    loader = DataLoader(TensorDataset(images[0], names[0]), batch_size=64, shuffle=True)
    held_out = DataLoader(TensorDataset(images[1], names[1]), batch_size=500)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses, accuracies = [], []
    for _ in training.track(range(12), "digits"):
        losses.append(train_epoch(model, loader, optimizer, device))
        accuracies.append(evaluate(model, held_out, device))
    print(f"{training.parameter_count(model):,} parameters")
    draw.learning(losses, accuracies)

# %% [markdown]
# ### What did it learn?
#
# First the kernels of its first layer. Nobody told it about edges.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_kernels", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("build_cnn", "train_epoch", "evaluate"):
    draw.kernels(model)

# %% [markdown]
# And what the layers make of one digit: the first eight **feature maps** of each. The first convolution answers with strokes
# and edges, pixel by pixel. After each pooling the maps say less about *where* and more about *what*. The last one has only
# four places left for each channel.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_features", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("build_cnn", "train_epoch", "evaluate"):
    draw.feature_maps(model, images[1][3])

# %% [markdown]
# ### The digit that moved
#
# Notebook 4 began with a network that read 99 of 100 digits in the middle of their sheet, 45 when they were moved by one
# pixel, and 7 when they were moved by two. Here is a convolutional network on the same sheets. It ends with the
# *maximum over all places*: what its kernels find moves along with the digit, and the maximum forgets where it was. It has
# never seen a digit that moved.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_sheets", "locked": true, "schema_version": 3, "solution": false, "task": false}
from course_lib.cnn import sheet_network

sheets = [np.pad(part.x.reshape(-1, 1, 8, 8), ((0, 0), (0, 0), (2, 2), (2, 2))) for part in (digits.train, digits.test)]
reader = sheet_network()
training.fit(reader, (sheets[0], digits.train.labels), 12, schedule=training.cosine, label="sheets")
for shift in range(3):
    moved = np.roll(sheets[1], shift, axis=3)
    print(f"moved by {shift}: {100 * training.evaluate(reader, (moved, digits.test.labels)):.1f} % right")

# %% [markdown]
# ## 5.6 Who needs places?
#
# Back to the curves. Three networks learn them with the course's own training loop: a linear classifier, a perceptron with two
# hidden layers of 256, and a network of four convolutions (of one dimension: the kernel slides along a line). Then all three
# learn again, with the points shuffled.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_curves", "locked": true, "schema_version": 3, "solution": false, "task": false}
from course_lib.cnn import PUBLISHED, train_curves

results = {}
for kind in PUBLISHED:
    ends = []
    for split in (curves, shuffled):
        trained, history = train_curves(kind, split)
        ends.append(history.accuracies[-1])
    results[kind] = tuple(ends)
    print(f"{kind:7} {training.parameter_count(trained):6,} parameters: {ends[0]:.1%} in order, {ends[1]:.1%} shuffled")
draw.comparison(results, PUBLISHED)

# %% [markdown]
# - **Linear** and **MLP** do not care. To them the order of the inputs means nothing: shuffle the inputs, shuffle the columns of
#   the first weights along, and you have the same network.
# - **The CNN** leads by far as long as neighbours belong together, and with a ninth of the MLP's parameters. Shuffled, it falls
#   below the MLP.
#
# So convolution is not a *better* network. It is a network that **knows something** about its data before it sees any: what
# belongs together lies close together, and it means the same everywhere. Where that is true, it saves weights and examples.
# Where it is not, it is in the way.

# %% [markdown]
# ## 5.7 What does it cost in hardware?
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
# **The layers differ.** Divide the MACs of each by its parameters. A kernel of the first convolution is used in 64 places, one of
# a second convolution behind a pooling in 16, and a weight of the dense layer once. Kernels keep a processor busy. A dense
# layer keeps its memory busy. That is why pruning (notebook 12) and quantization (notebook 13) win different things on them.
#
# **Training costs more than use.** To use the network, you need its parameters and the maps of one layer at a time. To train it,
# you need all of this:

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
# **Batch normalisation costs nothing in the end.** Afterwards its mean and variance are constants, and so it is only a
# multiplication and an addition for each channel. Both can be folded into the convolution before it. You will do that in
# notebook 11.

# %% [markdown]
# ## 5.8 In your own words
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
# 1. Mean and variance of each channel are then taken over the places of this one photograph. Whatever lifts or stretches a
#    whole channel (this photograph is bright, this channel answers strongly everywhere) is subtracted and divided away, so
#    the layers behind it see nearly the same statistics for every input. The network was trained with the statistics of many
#    images mixed, and it is shown something else. (The running averages are spoiled on the way, too.)
# 2. `train()` and `eval()` only switch layers that behave differently in the two modes: batch normalisation and dropout.
#    Convolution, ReLU, pooling and linear layers compute the same in both.
# 3. In eval mode the running averages stand in for the batch's own mean and variance. They are estimates, and they lag behind:
#    weights that moved in the last steps belong to other averages. (Or: momentum and few batches make them noisy; or the
#    accuracy "in training" was measured on augmented or on other batches.)

# %% [markdown]
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You have trained networks that know about space. In notebook 6 the inputs come one after the other, and a network has to
# remember.
#
# ## References
#
# - Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document recognition*, Proceedings of the
#   IEEE 86, 1998.
# - S. Ioffe and C. Szegedy, *Batch normalization: accelerating deep network training by reducing internal covariate shift*,
#   ICML 2015.
# - S. Santurkar, D. Tsipras, A. Ilyas and A. Madry, *How does batch normalization help optimization?*, NeurIPS 2018. It helps,
#   but for another reason than was thought.
# - M. Zeiler and R. Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014. Feature maps of a large network.
# - S. Greydanus and D. Kobak, *Scaling down deep learning with MNIST-1D*, ICML 2024. The curves, the shuffle, and the published
#   32, 68 and 94 %.
# - E. Alpaydin and C. Kaynak, *Optical recognition of handwritten digits*, UCI Machine Learning Repository, 1998.
