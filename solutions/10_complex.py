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
# # 10 · Complex-valued networks
#
# **Two networks learn to read a radio signal of eight symbols. In training both see only one of the eight.**
#
# Then they are tested on all of them. The first network gives the only answer it knows, and misreads seven of eight. The
# second one misreads fewer than one in a hundred.
#
# Nobody showed it the other symbols. It was told one thing: that they are the first one, turned. And it was not told in words. It is
# made of complex numbers, in such a way that it *must* treat them all alike. At the end of this notebook you know why, and your own
# activation draws this picture.

# %% [markdown]
# **You will be able to**
#
# - compute with complex numbers in layers: products, convolutions, activations;
# - test whether a function is equivariant to rotations, and build a network that is;
# - read a complex gradient: which way it points, what is conjugated, and where the factor of 2 comes from;
# - initialise complex weights so that a signal keeps its size;
# - train a receiver, and compare it with the best that is possible;
# - say what a complex layer costs, and when it is worth it.
#
# **Time**: about 5 hours (estimated). **Needs**: [4 · Convolution](../04_convolution/04_convolution.ipynb) and
# [6 · Recurrent networks](../06_rnn/06_rnn.ipynb), for torch. This notebook is an **elective**: no other one builds on it.
# [Map of the course](../00_start/00_start.ipynb)

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math
import timeit
from functools import partial

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from autograder import check, progress
from course_lib import training
from course_lib.viz import complex_nn as draw
from course_lib.viz import pending, style

style()
torch.set_num_threads(1)


def seeded(seed):
    """A fresh source of random numbers: the same seed gives the same numbers."""
    return torch.Generator().manual_seed(seed)


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.one_symbol()

# %% [markdown]
# Colours and markers tell the eight symbols apart. The pale areas show how each network reads every point of the plane.
#
# ## 10.1 A product that turns
#
# A complex number $z = x + iy$ is a point in the plane. It has a **modulus** $|z|$, its distance from 0, and a **phase**
# $\arg z$, its angle. Radio, radar and magnetic resonance deliver such numbers: how strong a wave is, and where it is in its
# swing.
#
# Everything in this notebook follows from what a product does:
#
# - the moduli multiply,
# - the phases **add**.
#
# A real weight stretches. A complex weight stretches **and turns**.
#
# | symbol | meaning |
# |:--|:--|
# | $i$ | the number with $i^2 = -1$ |
# | $z = x + iy$ | real part $x$, imaginary part $y$ |
# | $z^* = x - iy$ | the conjugate: mirrored at the real axis |
# | $\lvert z\rvert = \sqrt{x^2 + y^2} = \sqrt{z z^*}$ | the modulus |
# | $e^{i\varphi} = \cos\varphi + i\sin\varphi$ | modulus 1, phase $\varphi$: multiplying by it turns by $\varphi$ |
#
# Written with real numbers, a product is
#
# $$(a + ib)(c + id) = (ac - bd) + i\,(ad + bc)$$
#
# The minus sign comes from $i^2 = -1$. Count: **four** real products and two additions.
#
# ### Exercise: `complex_matmul`
#
# `complex_matmul(ar (n, m), ai (n, m), br (m, p), bi (m, p)) -> (cr (n, p), ci (n, p))`
#
# The same rule for matrices. Real and imaginary parts come as separate real tensors and leave as such. Use four real matrix
# products and no complex tensors; the check looks for both. (It tells four products from three by the digits that are lost to
# rounding.)
#
# **By hand.** $(1 + 2i)(3 + 4i)$: the real part is $1\cdot3 - 2\cdot4 = -5$, the imaginary part $1\cdot4 + 2\cdot3 = 10$.
# So the answer is $-5 + 10i$. The moduli agree: $\sqrt5 \cdot 5 = 11.18 = \sqrt{125}$.


# %% nbgrader={"grade": false, "grade_id": "complex_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
def complex_matmul(ar, ai, br, bi):
    """(ar + i ai) @ (br + i bi) with four real matrix products.

    ar, ai: (n, m). br, bi: (m, p). Returns the real and the imaginary part, each (n, p).
    """
    ### BEGIN SOLUTION
    return ar @ br - ai @ bi, ar @ bi + ai @ br
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "complex_matmul_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.complex_matmul", complex_matmul)

# %% [markdown]
# ### See it turn
#
# Your product moves a flag. The dashed flag is the original.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_turning", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("complex_matmul"):
    draw.turning(complex_matmul)

# %% [markdown]
# Look at the last one: $-1 + i$ has the modulus $\sqrt2$ and the phase 135°, and so does the flag.
#
# ### Three are enough
#
# The trick is named after Gauss. You need $ac - bd$ and the **sum** $ad + bc$, never
# $ad$ and $bc$ alone. One product holds that sum:
#
# $$(a + b)(c + d) = ac + \underbrace{ad + bc}_{\text{wanted}} + bd$$
#
# and $ac$ and $bd$ are there already.
#
# ### Exercise: `complex_matmul3`
#
# `complex_matmul3(ar (n, m), ai (n, m), br (m, p), bi (m, p)) -> (cr (n, p), ci (n, p))`
#
# The same answer from three real products. Additions are free here. Any right formula with three products counts.
#
# **By hand.** $(1 + 2i)(3 + 4i)$ again: $p = 1\cdot3 = 3$, $q = 2\cdot4 = 8$, $r = (1 + 2)(3 + 4) = 21$. The real part is
# $3 - 8 = -5$. The imaginary part is what is left of 21 without 3 and 8: 10.


# %% nbgrader={"grade": false, "grade_id": "complex_matmul3", "locked": false, "schema_version": 3, "solution": true, "task": false}
def complex_matmul3(ar, ai, br, bi):
    """The same as complex_matmul with three real matrix products."""
    ### BEGIN SOLUTION
    p, q = ar @ br, ai @ bi
    r = (ar + ai) @ (br + bi)
    return p - q, r - p - q
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "complex_matmul3_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.complex_matmul3", complex_matmul3)

# %% [markdown]
# Is that a free lunch? You will see in section 10.9.
#
# ## 10.2 Layers
#
# From now on torch keeps both parts in one tensor. `torch.complex64` stores two `float32` numbers, 8 bytes. `z.real` and
# `z.imag` look at the parts, `torch.complex(x, y)` puts them together, `1j` is $i$. And `@`, `+` and `*` just work.
#
# ### Exercise: `complex_linear`
#
# `complex_linear(z (N, D), W (out, D), b (out,)) -> (N, out)`, all complex
#
# $$z_{n,\text{out}} = \sum_d W_{\text{out},d}\; z_{nd} + b_{\text{out}}$$
#
# You know this layer from notebooks 1 and 2. One thing is new, a trap: many functions of linear algebra conjugate one factor.
# A layer does not. Transpose with `.T`; leave `.mH` and `.conj()` alone.
#
# **By hand.** $z = (1 + 2i,\ -i)$, the weights $(i,\ 2)$ and the bias $1$:
# $i(1 + 2i) + 2(-i) + 1 = (i - 2) - 2i + 1 = -1 - i$.


# %% nbgrader={"grade": false, "grade_id": "complex_linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
def complex_linear(z, W, b):
    """A layer without its activation, on complex tensors.

    z: (N, D). W: (out, D). b: (out,). Returns (N, out).
    """
    ### BEGIN SOLUTION
    return z @ W.T + b
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "complex_linear_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.complex_linear", complex_linear)

# %% [markdown]
# ### What is left out
#
# Write the layer with real numbers, the imaginary part below the real one:
#
# $$\begin{pmatrix} x \\ y \end{pmatrix} \;\mapsto\;
# \begin{pmatrix} U & -V \\ V & U \end{pmatrix} \begin{pmatrix} x \\ y \end{pmatrix} \qquad\text{with } W = U + iV$$
#
# A real layer of the same size could use any four blocks. The complex layer has only two of them, each used twice. **It has half
# the weights, and each of them can do nothing but stretch and turn.** You know this bargain: a convolution also gives up
# freedom, shares its weights, and gets equivariance to shifts in return. Here it is equivariance to rotations: with $b = 0$,
#
# $$W(e^{i\varphi} z) = e^{i\varphi}\,(W z)$$
#
# ### Exercise: `complex_conv2d`
#
# `complex_conv2d(z (N, C_in, H, W), w (C_out, C_in, KH, KW)) -> (N, C_out, H - KH + 1, W - KW + 1)`
#
# A convolution is a sum of products, so the rule for products holds for it as well. Build it from convolutions of **real**
# tensors, with `functional.conv2d`: stride 1, no padding, no flip, no conjugate. Use three or four of them, as you like; the
# check only makes sure that torch gets no complex tensor to convolve.
#
# **By hand.** The kernel is the single number $3 - i$, a pixel is $1 + 2i$: the output is $3 + 2 + (6 - 1)i = 5 + 5i$.


# %% nbgrader={"grade": false, "grade_id": "complex_conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def complex_conv2d(z, w):
    """Complex cross-correlation from real convolutions.

    z: images, (N, C_in, H, W). w: kernels, (C_out, C_in, KH, KW). Both complex; so is the result.
    """
    ### BEGIN SOLUTION
    conv = functional.conv2d
    real = conv(z.real, w.real) - conv(z.imag, w.imag)
    imag = conv(z.real, w.imag) + conv(z.imag, w.real)
    return torch.complex(real, imag)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "complex_conv2d_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.complex_conv2d", complex_conv2d)

# %% [markdown]
# How does torch do it when you give it complex tensors? Its counter of operations tells.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_convolutions", "locked": true, "schema_version": 3, "solution": false, "task": false}
def flops(function, *args):
    """How many floating-point operations torch counts in one call."""
    with FlopCounterMode(display=False) as counter:
        function(*args)
    return counter.get_total_flops()


images = torch.randn(2, 3, 16, 16, dtype=torch.complex64, generator=seeded(0))
kernels = torch.randn(4, 3, 3, 3, dtype=torch.complex64, generator=seeded(1))
one = flops(functional.conv2d, images.real, kernels.real)
print(f"torch's own complex convolution: {flops(functional.conv2d, images, kernels) / one:.0f} real convolutions")
with pending("complex_conv2d"):
    print(f"yours:                           {flops(complex_conv2d, images, kernels) / one:.0f} real convolutions")

# %% [markdown]
# Torch uses Gauss's trick.
#
# ## 10.3 Activations: what happens to the plane
#
# A ReLU asks whether a number is positive. Complex numbers are not positive or negative. So what is an activation?
#
# You might want one that is smooth and stays bounded, like the sigmoid. There is none: a complex function that has a complex
# derivative everywhere and stays bounded is constant (Liouville's theorem). Something has to go. The activations that people
# use give up the complex derivative. Here are four.
#
# | name | rule | what it does |
# |:--|:--|:--|
# | CReLU | $\mathrm{relu}(x) + i\,\mathrm{relu}(y)$ | each part alone |
# | zReLU | $z$ where $x > 0$ and $y > 0$, else $0$ | one quadrant passes |
# | modReLU | $\mathrm{relu}(\lvert z\rvert + b)\;\dfrac{z}{\lvert z\rvert}$ | the modulus is moved, the phase stays |
# | cardioid | $\dfrac{1 + \cos(\arg z)}{2}\; z$ | the phase decides how much passes |
#
# At $z = 0$ all of them give 0, and no gradient may become `nan`. That is a trap where $z/|z|$ is computed: at 0 it is $0/0$.
#
# ### Exercise: `crelu`
#
# `crelu(z, any shape) -> same shape`
#
# **By hand.** $3 + 4i \to 3 + 4i$, $\;-3 + 4i \to 4i$, $\;3 - 4i \to 3$, $\;-3 - 4i \to 0$.


# %% nbgrader={"grade": false, "grade_id": "crelu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def crelu(z):
    """A ReLU on the real part and one on the imaginary part."""
    ### BEGIN SOLUTION
    return torch.complex(torch.relu(z.real), torch.relu(z.imag))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "crelu_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.crelu", crelu)

# %% [markdown]
# ### Exercise: `zrelu`
#
# `zrelu(z, any shape) -> same shape`
#
# **By hand.** $3 + 4i \to 3 + 4i$. The other three from above become 0. (What happens exactly on the axes does not matter.)


# %% nbgrader={"grade": false, "grade_id": "zrelu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def zrelu(z):
    """z where both parts are positive, else 0."""
    ### BEGIN SOLUTION
    inside = (z.real > 0) & (z.imag > 0)
    return z * inside
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "zrelu_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.zrelu", zrelu)

# %% [markdown]
# ### Exercise: `mod_relu`
#
# `mod_relu(z, b) -> same shape as z`
#
# `b` is real: a number, or a tensor with one bias for each feature (the last axis of `z`). It is learned. Below 0 it makes a
# disc of radius $-b$ around 0 in which the output is 0; above 0 it pushes everything outwards, except for 0 itself, which has
# no direction to go in.
#
# **By hand.** $b = -1$ and $z = 3 + 4i$: the modulus is 5, the new one 4, so the result is $\frac45(3 + 4i) = 2.4 + 3.2i$. For
# $z = 0.6 + 0.8i$ the modulus is 1, the new one 0: the result is 0.
#
# Careful: `torch.where(z == 0, 0, z / z.abs())` gives the right value, but its gradient is `nan`. Both branches are computed,
# and the gradient of the wrong one is multiplied by 0. But 0 times infinity is `nan`. Make the **denominator** safe before you
# divide, for instance with `masked_fill(zero, 1)`.


# %% nbgrader={"grade": false, "grade_id": "mod_relu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mod_relu(z, b):
    """relu(|z| + b) z / |z|, and 0 where z is 0.

    z: any shape, complex. b: a real number, or a real tensor that broadcasts against z.
    """
    ### BEGIN SOLUTION
    modulus = z.abs()
    zero = modulus == 0
    scale = torch.relu(modulus + b) / modulus.masked_fill(zero, 1)
    return scale.masked_fill(zero, 0) * z
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "mod_relu_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.mod_relu", mod_relu)

# %% [markdown]
# ### Exercise: `cardioid`
#
# `cardioid(z, any shape) -> same shape`
#
# **By hand.** The positive real axis has the phase 0 and the cosine 1, so $5 \to 5$. The negative one has the cosine $-1$, so
# $-5 \to 0$. Upwards the cosine is 0, so $4i \to 2i$. And $\cos(\arg(3 + 4i)) = \frac35$ gives
# $\frac{1.6}{2}(3 + 4i) = 2.4 + 3.2i$.
#
# On the real line it is a ReLU. `z.angle()` gives the phase, also at 0.


# %% nbgrader={"grade": false, "grade_id": "cardioid", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cardioid(z):
    """(1 + cos(phase of z)) / 2 times z."""
    ### BEGIN SOLUTION
    return (1 + torch.cos(z.angle())) / 2 * z
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cardioid_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.cardioid", cardioid)

# %% [markdown]
# ### See the plane
#
# Each picture shows a function over its input $z$. The colour at a point is the **phase** of the output there: light points
# to the right, orange up, dark to the left, blue down. The green lines show the **modulus** of the output: from one line to the
# next it grows by a half. Where the output is 0, the plane is hatched.
#
# The first picture is $z$ itself: it is the key to the others.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_planes", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("crelu", "zrelu", "mod_relu", "cardioid"):
    draw.planes(
        {
            "z itself": lambda z: z,
            "CReLU": crelu,
            "zReLU": zrelu,
            "modReLU, b = −1": lambda z: mod_relu(z, -1.0),
            "cardioid": cardioid,
        }
    )

# %% [markdown]
# - **CReLU** squeezes three quadrants. All outputs lie between light and orange: in the first quadrant.
# - **zReLU** gives 0 on three quadrants.
# - **modReLU** keeps every colour where it was. Its lines are circles.
# - **cardioid** keeps the colours too, but its lines are parabolas: a number passes on the right and is lost on the left, whatever
#   its modulus. (Take all $z$ of modulus 1. Their outputs draw a heart, which gave it its name.)
#
# Move the bias yourself. At which value is the picture the key?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_planes", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("mod_relu"):
    draw.planes_slider(mod_relu)

# %% [markdown]
# ## 10.4 Turn first or turn last?
#
# Two radios listen to the same sender. The second one is a few centimetres further away, so the wave arrives a little later: all
# its symbols are turned by the same angle. A good network should compute the same for both, only turned.
#
# A function $f$ is **equivariant** to a rotation if turning the input turns the output by the same angle:
#
# $$f(e^{i\varphi} z) = e^{i\varphi} f(z)$$
#
# ### Exercise: `rotation_error`
#
# `rotation_error(f, z, angle) -> float`
#
# The largest $|f(e^{i\varphi} z) - e^{i\varphi} f(z)|$ over all entries of `z`; `angle` is $\varphi$ in radians, and `f` is a function that
# you call. It is the counterpart of `equivariance_error` from notebook 4.
#
# **By hand.** Let $f$ keep what lies above the real axis and set the rest to 0, and turn $z = 1$ by a quarter, so $e^{i\varphi} = i$.
# Turn first: $f(i) = i$. Turn last: $i f(1) = i \cdot 0 = 0$. The error is $|i - 0| = 1$.


# %% nbgrader={"grade": false, "grade_id": "rotation_error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rotation_error(f, z, angle):
    """How far f is from turning its output when its input turns by the angle (radians), as a float."""
    ### BEGIN SOLUTION
    turn = complex(math.cos(angle), math.sin(angle))
    gap = f(turn * z) - turn * f(z)
    return gap.abs().max().item()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "rotation_error_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.rotation_error", rotation_error)

# %% [markdown]
# ### Which ones turn with their input?
#
# Twelve points, turned by 1 radian. Rings: the function first, then the turn. Dots: the turn first. Where every dot sits in its
# ring, the function is equivariant.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_equivariance", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("mod_relu", "crelu", "cardioid", "rotation_error"):
    activations = {"modReLU": lambda z: mod_relu(z, -0.5), "CReLU": crelu, "cardioid": cardioid}
    draw.equivariance(activations)
    points = torch.randn(1000, dtype=torch.complex128, generator=seeded(2))
    for name, function in activations.items():
        print(f"{name:9} rotation_error {rotation_error(function, points, 1.0):.2g}")

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_equivariance", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("mod_relu", "crelu", "cardioid"):
    draw.equivariance_slider({"CReLU": crelu, "cardioid": cardioid, "modReLU": lambda z: mod_relu(z, -0.5)})

# %% [markdown]
# At which angles do dots and rings agree for CReLU? Only after a full turn.
#
# modReLU turns with its input at every angle, because it never looks at the phase. A layer without bias does so, too. Stack as
# many as you like: **the whole network is equivariant.** Add one bias, and that is over: a bias is a fixed direction.
#
# ## 10.5 Two derivatives
#
# To learn we need slopes. On the real line you can step in two directions, and both give the same slope. In the plane there are
# infinitely many directions. Take $f(z) = z^*$ at 0 and divide the change by the step:
#
# - step to the right, $h = \varepsilon$: $\;\varepsilon/\varepsilon = 1$
# - step upwards, $h = i\varepsilon$: $\;-i\varepsilon/i\varepsilon = -1$
#
# No single number is "the derivative". Wilhelm Wirtinger (1927) used **two**:
#
# $$\frac{\partial f}{\partial z} = \frac12\left(\frac{\partial f}{\partial x} - i\,\frac{\partial f}{\partial y}\right)
# \qquad\qquad
# \frac{\partial f}{\partial z^*} = \frac12\left(\frac{\partial f}{\partial x} + i\,\frac{\partial f}{\partial y}\right)$$
#
# They look odd and behave well. Write $f$ with $z$ and $z^*$ and treat the two as if they were independent. Then all the rules from
# school hold:
#
# | $f$ | $\partial f/\partial z$ | $\partial f/\partial z^*$ |
# |:--|:--|:--|
# | $z^2$ | $2z$ | $0$ |
# | $z^*$ | $0$ | $1$ |
# | $\lvert z\rvert^2 = z z^*$ | $z^*$ | $z$ |
# | $\mathrm{Re}\,z = (z + z^*)/2$ | $1/2$ | $1/2$ |
#
# Where the second one is 0, $f$ does not depend on $z^*$. It is called **holomorphic**, and there you can compute as with functions
# of one real variable. A **real** $f$, such as a loss, is the opposite: its two derivatives are conjugates of each other, so
# neither is 0 unless both are.
#
# ### Exercise: `wirtinger`
#
# `wirtinger(f, z, eps=1e-4) -> (df/dz, df/dz*)`
#
# `f` works elementwise, on any shape. Measure both slopes by central differences, as in notebook 3: step by $\pm\varepsilon$ along
# $x$ and by $\pm i\varepsilon$ along $y$, and divide by $2\varepsilon$ in **both** cases: a step along $y$ has the real length $\varepsilon$.
#
# **By hand.** $f(z) = |z|^2 = x^2 + y^2$ at $z = 3 + 4i$. The slopes are $\partial f/\partial x = 6$ and $\partial f/\partial y = 8$. So
# $\partial f/\partial z = \frac12(6 - 8i) = 3 - 4i$ and $\partial f/\partial z^* = 3 + 4i$.


# %% nbgrader={"grade": false, "grade_id": "wirtinger", "locked": false, "schema_version": 3, "solution": true, "task": false}
def wirtinger(f, z, eps=1e-4):
    """Both Wirtinger derivatives of an elementwise function, by central differences.

    f: from a complex tensor to a tensor of the same shape, real or complex. z: any shape.
    Returns df/dz and df/dz*, each complex and of z's shape.
    """
    ### BEGIN SOLUTION
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps)
    along_y = (f(z + 1j * eps) - f(z - 1j * eps)) / (2 * eps)
    return (along_x - 1j * along_y) / 2, (along_x + 1j * along_y) / 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "wirtinger_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.wirtinger", wirtinger)

# %% [markdown]
# Ask your activations. Which of them is holomorphic at $z = 1 + 2i$? And does any of them use $z^*$ everywhere?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "ask_activations", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("wirtinger", "crelu", "zrelu", "mod_relu", "cardioid"):
    here = torch.tensor([1 + 2j], dtype=torch.complex128)
    named = {"crelu": crelu, "zrelu": zrelu, "mod_relu": lambda z: mod_relu(z, -1.0), "cardioid": cardioid}
    print("at 1 + 2i      df/dz             df/dz*")
    for name, function in named.items():
        pair = [complex(each[0]) for each in wirtinger(function, here)]
        print(
            f"{name:10}",
            "   ".join(f"{round(each.real, 2) + 0:7.2f} {round(each.imag, 2) + 0:+7.2f}i" for each in pair),
        )

# %% [markdown]
# CReLU and zReLU let this number pass unchanged, so here they are holomorphic like $f(z) = z$. The other two look at a modulus or a
# phase, and neither can be computed without $z^*$.
#
# ## 10.6 The one page about `grad`
#
# A conjugate here, a factor of 2 there: libraries differ, and it is easy to get lost. Here is all of it on one page. Take the loss
# $L(z) = |z|^2$ at $z = 3 + 4i$.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "ask_torch", "locked": true, "schema_version": 3, "solution": false, "task": false}
z = torch.tensor(3 + 4j, requires_grad=True)
(z.real**2 + z.imag**2).backward()
print("torch's gradient of |z|^2 at 3 + 4i:", complex(z.grad))

# %% [markdown]
# **What torch gives.** For a real loss and $z = x + iy$:
#
# $$\texttt{z.grad} \;=\; \frac{\partial L}{\partial x} + i\,\frac{\partial L}{\partial y} \;=\; 2\,\frac{\partial L}{\partial z^*}$$
#
# It is the two slopes of the plane, packed into one complex number: an arrow that points uphill.
#
# | question | answer |
# |:--|:--|
# | Which way is down? | $z \leftarrow z - \texttt{lr}\cdot\texttt{z.grad}$. No conjugate. Torch's optimizers do exactly this. |
# | Is it $\partial L/\partial z$? | No, that would be $3 - 4i$: the mirror image. It points to the wrong side. |
# | Is it $\partial L/\partial z^*$? | Twice that: $6 + 8i$, not $3 + 4i$. Torch's manual calls it the *conjugate Wirtinger derivative*. The 2 only scales the learning rate. |
# | What do others give? | JAX: $6 - 8i$ for the same loss, so there you conjugate before you step (JAX issue 9110). |
# | Can I call `backward()` on a complex number? | No: "grad can be implicitly created only for real scalar outputs". A loss needs an order, better and worse. |
# | What if $f$ is holomorphic? | Then $\partial f/\partial z^* = 0$, and one term of the chain rule is gone. |
#
# **The chain rule.** Let $w = f(z)$ lie on the way to the loss, and let $g_w$ be torch's gradient at $w$. Then
#
# $$g_z \;=\; g_w \left(\frac{\partial f}{\partial z}\right)^{\!*} + \; g_w^{\,*}\; \frac{\partial f}{\partial z^*}$$
#
# Two terms: what $w$ does with $z$, and what it does with $z^*$. Each has one conjugate. For a layer $w = Wz$ the second term is
# 0, and the gradient is multiplied by $W^*$. For real numbers all stars vanish, and it is the chain rule of notebook 3.
#
# ### Exercise: `chain_rule`
#
# `chain_rule(grad, df_dz, df_dconj) -> gradient at z`, all of one shape, elementwise
#
# `grad` is torch's gradient at $w$; `df_dz` and `df_dconj` are the two derivatives of $f$ at $z$.
#
# **By hand.** $w = z^2$ at $z = 1 + 2i$, and $g_w = 1 + 3i$. The derivatives are $2 + 4i$ and $0$. So
# $g_z = (1 + 3i)(2 - 4i) = 2 - 4i + 6i + 12 = 14 + 2i$. And for $w = z^*$, where the derivatives are 0 and 1: $g_z = g_w^* = 1 - 3i$.


# %% nbgrader={"grade": false, "grade_id": "chain_rule", "locked": false, "schema_version": 3, "solution": true, "task": false}
def chain_rule(grad, df_dz, df_dconj):
    """Torch's gradient at z from its gradient at w = f(z), elementwise.

    grad: dL/du + i dL/dv at w = u + iv. df_dz, df_dconj: df/dz and df/dz*. All of the same shape.
    """
    ### BEGIN SOLUTION
    return grad * df_dz.conj() + grad.conj() * df_dconj
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "chain_rule_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.chain_rule", chain_rule)

# %% [markdown]
# Does it agree with torch? Your `wirtinger` and your `chain_rule` carry a gradient back through each of your activations, without
# any autograd.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "compare_with_autograd", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("wirtinger", "chain_rule", "crelu", "zrelu", "mod_relu", "cardioid"):
    upstream = torch.randn(50, dtype=torch.complex128, generator=seeded(3))
    for name, function in named.items():
        leaf = torch.randn(50, dtype=torch.complex128, generator=seeded(4)).requires_grad_()
        function(leaf).backward(upstream)
        by_hand = chain_rule(upstream, *wirtinger(function, leaf.detach()))
        print(f"{name:10} largest difference to autograd {(by_hand - leaf.grad).abs().max():.0e}")

# %% [markdown]
# ### Exercise: `descent_step`
#
# `descent_step(z, grad, lr) -> new z`
#
# One step of gradient descent on a real loss, with `grad` as torch gives it. Return a new tensor.
#
# **By hand.** $z = 1 + 2i$, `grad` $= 2 - 4i$, `lr` $= 0.25$: the step is $0.5 - i$, and the new $z$ is $0.5 + 3i$.


# %% nbgrader={"grade": false, "grade_id": "descent_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def descent_step(z, grad, lr):
    """One step downhill; grad is what torch leaves in z.grad."""
    ### BEGIN SOLUTION
    return z - lr * grad
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "descent_step_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.descent_step", descent_step)

# %% [markdown]
# ### Mirror the arrow, lose the way
#
# The loss $|z^2 - 1 - i|^2$ has two valleys, at the two square roots of $1 + i$. Lighter is lower. On the left your step. On the
# right the same step with the conjugate of the gradient, the mistake that you will meet in other people's code.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_descents", "locked": true, "schema_version": 3, "solution": false, "task": false}
def two_valleys(z):
    """0 at the two square roots of 1 + i."""
    return (z**2 - (1 + 1j)).abs() ** 2


with pending("descent_step"):
    draw.descents(
        two_valleys,
        {"your step": descent_step, "with the conjugate": lambda z, grad, lr: descent_step(z, grad.conj(), lr)},
    )

# %% [markdown]
# The mirrored arrow points the right way along $x$ and the wrong way along $y$. The loop does not merely learn badly: it climbs.
#
# ## 10.7 Random weights
#
# How large should random complex weights be? The rule of notebook 2 holds again: with $n$ inputs and an activation that
# removes half of the power, the signal keeps its size from layer to layer if the mean of $|W|^2$ is $2/n$.
#
# Take a phase at random, all directions alike. For the modulus take the **Rayleigh distribution** of scale $s$: it is the
# length of an arrow whose two parts are normal with standard deviation $s$. Its mean square is $2 s^2$, so
#
# $$s = \frac{1}{\sqrt n}$$
#
# ### Exercise: `complex_init`
#
# `complex_init(fan_out, fan_in, generator) -> (fan_out, fan_in)`, complex
#
# Rayleigh modulus of scale $1/\sqrt{\texttt{fan\_in}}$, uniform phase. There are two ways to get it:
#
# - draw modulus and phase: $|W| = s\sqrt{-2\ln(1 - u)}$ with $u$ uniform in $[0, 1)$, and `torch.polar(modulus, phase)`;
# - draw both parts from a normal distribution.
#
# Every draw takes `generator=generator`. The check looks at the distribution, so both ways are right.
#
# Careful with the second one: `torch.randn(..., dtype=torch.complex64)` shares the power 1 between the two parts, so each has
# the variance $1/2$.
#
# **By hand.** `complex_init(3, 2, generator)` has the shape `(3, 2)` and the scale $1/\sqrt2 = 0.71$; the mean of $|W|^2$ is near
# $2/2 = 1$.


# %% nbgrader={"grade": false, "grade_id": "complex_init", "locked": false, "schema_version": 3, "solution": true, "task": false}
def complex_init(fan_out, fan_in, generator):
    """Random complex weights, (fan_out, fan_in): Rayleigh modulus of scale 1 / sqrt(fan_in), uniform phase."""
    ### BEGIN SOLUTION
    u, phase = torch.rand(2, fan_out, fan_in, generator=generator)
    modulus = torch.sqrt(-2 * torch.log1p(-u) / fan_in)
    return torch.polar(modulus, 2 * math.pi * phase)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "complex_init_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.complex_init", complex_init)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "signal", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("complex_init", "complex_linear", "crelu"):
    signal, source = torch.randn(200, 256, dtype=torch.complex64, generator=seeded(5)), seeded(6)
    nothing = torch.zeros(256, dtype=torch.complex64)
    print("mean |z|^2 at the input:", f"{(signal.abs() ** 2).mean():.2f}")
    for depth in range(1, 21):
        signal = crelu(complex_linear(signal, complex_init(256, 256, source), nothing))
        if depth in (1, 5, 20):
            print(f"after {depth:2} layers:        ", f"{(signal.abs() ** 2).mean():.2f}")

# %% [markdown]
# The size wanders a little, since each layer is one random draw. But the signal neither dies nor explodes: with half the variance, each
# layer would have halved it, and twenty layers would have divided it by a million.
#
# ## 10.8 A receiver
#
# Now all of it has to work together. A sender wants to transmit one of $M$ symbols. In **phase-shift keying** (PSK) it sends a wave
# whose phase says which one:
#
# $$s_k = e^{2\pi i k/M}, \qquad k = 0, \dots, M - 1$$
#
# On the way noise is added: $z = s_k + \text{noise}$. The **signal-to-noise ratio** says how much: it is the power of the signal (here
# $|s_k|^2 = 1$) over the mean power of the noise. It is given in decibels: 10 dB is a ratio of 10, 20 dB is 100, and 0 dB means
# equally strong.
#
# $$\text{noise power} = \mathbb{E}\,|\text{noise}|^2 = 10^{-\texttt{snr\_db}/10}$$
#
# ### Exercise: `psk_batch`
#
# `psk_batch(n, order, snr_db, generator) -> (z (n,) complex64, labels (n,) int64)`
#
# - `labels` are random, each of `0 ... order - 1` equally likely.
# - `z` is the symbol of each label plus noise, the same in all directions. The power above is that of **both parts together**.
# - Every draw takes `generator=generator`. `snr_db` may be `math.inf`: then there is no noise.
#
# **By hand.** `order` 4: the symbols are $1, i, -1, -i$. At 20 dB the noise has the power 0.01 and the amplitude 0.1; each part
# has a standard deviation of $0.1/\sqrt2 = 0.07$.


# %% nbgrader={"grade": false, "grade_id": "psk_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def psk_batch(n, order, snr_db, generator):
    """n noisy symbols and what was sent; symbol k is e^(2 pi i k / order).

    Returns z, (n,) complex, and labels, (n,) int64.
    """
    ### BEGIN SOLUTION
    labels = torch.randint(order, (n,), generator=generator)
    clean = torch.polar(torch.ones(n), 2 * math.pi * labels / order)
    noise = torch.randn(n, dtype=torch.complex64, generator=generator)
    return clean + 10 ** (-snr_db / 20) * noise, labels
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "psk_batch_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.psk_batch", psk_batch)

# %% [markdown]
# ### How good can a receiver be?
#
# Rarely is the answer to such a question known. Here it is. The best receiver takes the **nearest symbol**. It errs when the noise
# carries a symbol across the line to a neighbour. That line is $\sin(\pi/M)$ away. In one direction the noise has the standard
# deviation $\sqrt{1/(2\,\text{snr})}$. And the chance that a normal number lies more than $x$ standard deviations above its mean is
#
# $$Q(x) = \tfrac12\,\mathrm{erfc}\!\left(\frac{x}{\sqrt2}\right)$$
#
# Put together, with a neighbour on either side:
#
# $$P(\text{error}) \approx 2\,Q\!\left(\sqrt{2\,\text{snr}}\;\sin\frac{\pi}{M}\right) \qquad\text{and for } M = 2 \text{ exactly}\quad Q\!\left(\sqrt{2\,\text{snr}}\right)$$
#
# (The first one counts noise beyond both lines twice. It is a little too high where there is much noise, and very close elsewhere.)
#
# ### Exercise: `psk_error_rate`
#
# `psk_error_rate(order, snr_db) -> float`
#
# `math.erfc` is there. For `order` 2 there is only one neighbour.
#
# **By hand.** Two symbols at 0 dB: $\text{snr} = 1$, and $Q(\sqrt2) = \frac12\,\mathrm{erfc}(1) = 0.0786$.


# %% nbgrader={"grade": false, "grade_id": "psk_error_rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def psk_error_rate(order, snr_db):
    """How often the best receiver errs; snr_db is the signal-to-noise ratio in decibels."""
    ### BEGIN SOLUTION
    x = math.sqrt(2 * 10 ** (snr_db / 10)) * math.sin(math.pi / order)
    neighbours = 1 if order == 2 else 2
    return neighbours * math.erfc(x / math.sqrt(2)) / 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "psk_error_rate_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.psk_error_rate", psk_error_rate)

# %% [markdown]
# ### Exercise: `train_receiver`
#
# `train_receiver(kind, order, snr_db, steps, generator) -> model`
#
# Build a network with one hidden layer and train it on symbols of your `psk_batch`. `model(z)` takes symbols `(n,)`, complex, and gives
# **real** logits `(n, order)`.
#
# - `kind` is `"complex"`: complex parameters. Make `(n, 1)` of the symbols, then layer, activation, layer. Logits must be
#   real: take the real part at the end.
# - or `kind` is `"real"`: no complex parameter. `torch.view_as_real(z)` makes `(n, 2)` of the symbols.
# - Both must store **as many real numbers** (at most 10% apart), a complex parameter counted as two. With biases in both layers
#   these widths fit exactly:
#
# | | complex units | real units | real numbers stored |
# |:--|--:|--:|--:|
# | any even order $M$ | $M/2 + M + 3$ | $M + 2(M + 2)$ | the same |
# | $M = 4$ | 9 | 16 | 116 |
# | $M = 8$ | 15 | 28 | 316 |
#
# - Each step: a new batch (128 symbols will do), `functional.cross_entropy`, backward, one step of `torch.optim.Adam` (a rate of 0.02
#   works). Optimizers take complex parameters as they are, and `nn.Parameter` does too.
# - Draw symbols from `generator`, and the weights too where you draw them yourself (layers of `nn` draw their own).
#
# The check trains each kind for 150 steps and tests on 4,000 symbols of its own. You may misread at most two in a hundred more than
# the nearest symbol does. The check also looks whether parameters are complex, counts them and the steps, and measures the power
# of the symbols that you train on: 1, plus the noise of `snr_db`.


# %% nbgrader={"grade": false, "grade_id": "train_receiver", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_receiver(kind, order, snr_db, steps, generator):
    """A trained network from symbols (n,) to logits (n, order).

    kind: "complex" or "real". order: how many symbols. snr_db: of the symbols to train on.
    steps: batches to train on. generator: source of weights and symbols.
    """

    ### BEGIN SOLUTION
    class ComplexReceiver(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.W1 = nn.Parameter(complex_init(width, 1, generator))
            self.b1 = nn.Parameter(torch.zeros(width, dtype=torch.complex64))
            self.W2 = nn.Parameter(complex_init(order, width, generator))
            self.b2 = nn.Parameter(torch.zeros(order, dtype=torch.complex64))

        def forward(self, z):
            hidden = cardioid(complex_linear(z[:, None], self.W1, self.b1))
            return complex_linear(hidden, self.W2, self.b2).real

    class RealReceiver(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.W1 = nn.Parameter(torch.randn(width, 2, generator=generator))
            self.b1 = nn.Parameter(torch.zeros(width))
            self.W2 = nn.Parameter(torch.randn(order, width, generator=generator) * math.sqrt(2 / width))
            self.b2 = nn.Parameter(torch.zeros(order))

        def forward(self, z):
            hidden = torch.relu(functional.linear(torch.view_as_real(z), self.W1, self.b1))
            return functional.linear(hidden, self.W2, self.b2)

    model = ComplexReceiver(order // 2 + order + 3) if kind == "complex" else RealReceiver(order + 2 * (order + 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        z, labels = psk_batch(128, order, snr_db, generator)
        loss = functional.cross_entropy(model(z), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "train_receiver_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("complex_nn.train_receiver", train_receiver)

# %% [markdown]
# ### Before and after
#
# On the left what arrives: eight symbols at 12 dB. This is a **constellation diagram**, the first thing a radio engineer looks at.
#
# In the middle and on the right is what your networks make of it: the mean of the eight symbols, weighted with the probabilities
# that the network gives to them. A symbol that it is sure of lands on the circle. One that it doubts lands in between.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_constellations", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("psk_batch", "train_receiver"):
    arrived, sent = psk_batch(5000, 8, 12.0, seeded(7))
    readers = {kind: train_receiver(kind, 8, 12.0, 200, seeded(8)) for kind in ("complex", "real")}
    draw.constellations(arrived, sent, readers, order=8)

# %% [markdown]
# ### Against the limit
#
# For each number of symbols, one network of each kind is trained at one noise level and tested at ten, on 100,000 symbols each. The
# lines are your `psk_error_rate`.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_error_rates", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("psk_batch", "psk_error_rate", "train_receiver"):
    levels, tested, measured = list(range(0, 19, 2)), 100_000, {}
    plan = [(order, at, kind) for order, at in ((2, 4.0), (4, 8.0), (8, 13.0)) for kind in ("complex", "real")]
    for order, at, kind in training.track(plan, "six receivers"):
        model = train_receiver(kind, order, at, 300, seeded(9))
        wrong = []
        for level in levels:
            symbols, labels = psk_batch(tested, order, level, seeded(10))
            with torch.no_grad():
                wrong.append((model(symbols).argmax(dim=1) != labels).double().mean().item())
        measured.setdefault(order, {})[kind] = wrong
    draw.error_rates(levels, measured, psk_error_rate, tested)

# %% [markdown]
# Circles and crosses are on the lines. **Both kinds come close to the limit**, over three powers of ten, also at noise levels that
# they were never trained on. Only at the far right do some lie above it: where errors are rare, a border that is off by a hair
# shows. So for plain PSK the complex network is *not* better in the end. No network could be: the nearest symbol is optimal. When
# you read that complex networks beat real ones, look at what they were compared with: were there as many parameters, and was the
# best known method among them?
#
# Are they faster?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_learning", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("psk_batch", "train_receiver"):
    symbols, labels = psk_batch(5000, 8, 13.0, seeded(11))
    clean = torch.polar(torch.ones(8), 2 * math.pi * torch.arange(8) / 8)
    best = ((symbols[:, None] - clean).abs().argmin(dim=1) != labels).double().mean().item()
    counts, errors = [5, 10, 20, 40, 80], {"complex": [], "real": []}
    for seed in training.track(range(7), "fourteen receivers, five lengths each"):
        for kind, runs in errors.items():
            runs.append([])
            for count in counts:
                model = train_receiver(kind, 8, 13.0, count, seeded(seed))
                runs[-1].append((model(symbols).argmax(dim=1) != labels).double().mean().item())
    draw.learning(counts, errors, best)

# %% [markdown]
# A little, at most. The lines are the medians of seven runs, the bands reach from the best run to the worst. In the first twenty steps
# the complex median is usually ahead, but the bands overlap: the seed matters more than the kind of number. And both have the same
# learning rate, which was tuned for neither. After 80 steps both have arrived.
#
# ### The promise from the beginning
#
# What a complex network *can* do is to be equivariant. This one has no bias, and its activation is **your** `mod_relu`. So one number
# $w$ comes out that turns with the input. Its logit for symbol $k$ is the part of $w$ that points towards symbol $k$. That is where
# it has been told what the symbols are: turned copies of one.
#
# It saw symbol 0 alone, and learned to turn that one towards 1. All other symbols are symbol 0, turned. So it reads them, too.
#
# A real network can learn this as well: yours did, a moment ago, from examples of all eight. You could even make these examples
# yourself, by turning symbol 0. But it has to be shown. **What is built in needs no examples.** That is the one argument for complex
# networks that stands here, and it is the argument for convolutions, too.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_one_symbol", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("mod_relu"):
    draw.one_symbol(lambda z: mod_relu(z, -0.1))

# %% [markdown]
# Complex numbers alone do not do it. The same network with your `crelu` has as many complex weights, and sees the same symbol:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_one_symbol_crelu", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("crelu"):
    draw.one_symbol(crelu)

# %% [markdown]
# CReLU treats right and up differently from left and down, so a turned symbol is something new to it.
#
# ## 10.9 What does it cost in hardware?
#
# Three ways to build a layer from 256 complex features to 256. Each complex number counts as two real ones of 4 bytes.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_layers", "locked": true, "schema_version": 3, "solution": false, "task": false}
n = 256
print("one layer, one example       real numbers stored   real multiplications   for each number stored")
for name, stored, multiplied in (
    ("real, 512 to 512", 4 * n * n, 4 * n * n),
    ("complex, four products", 2 * n * n, 4 * n * n),
    ("complex, three products", 2 * n * n, 3 * n * n),
):
    print(f"{name:28} {stored:19,} {multiplied:22,} {multiplied / stored:24.1f}")

# %% [markdown]
# A complex layer stores half as much as the real layer of the same width, and computes as much. Every weight that is fetched from memory
# is used **twice as often**. Where the machine waits for its memory (notebook 2), this gain is free.
#
# And three products in place of four? Measure. The time of four products is 1.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_products", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("complex_matmul", "complex_matmul3"):
    sizes, seconds = (32, 64, 128, 256, 512), {"four products": [], "three products": [], "torch's complex64": []}
    for size in training.track(sizes, "timing"):
        parts = [torch.randn(size, size, generator=seeded(k)) for k in range(4)]
        left, right = torch.complex(parts[0], parts[1]), torch.complex(parts[2], parts[3])
        ways = partial(complex_matmul, *parts), partial(complex_matmul3, *parts), partial(torch.matmul, left, right)
        for name, way in zip(seconds, ways, strict=True):
            seconds[name].append(min(timeit.repeat(way, number=1, repeat=15)))
    draw.products(sizes, seconds)

# %% [markdown]
# The promise is three quarters, the dashed line. The three extra additions, and every call of torch, use up part of the gain: often all
# of it where the matrices are small. (On a busy machine the points wobble.)
#
# There is another price. Make the imaginary parts small, and look at the error of the imaginary part of the product in `float32`.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_accuracy", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("complex_matmul", "complex_matmul3"):
    parts = [torch.randn(200, 200, dtype=torch.float64, generator=seeded(k)) for k in range(4)]
    print("imaginary parts times    error with four    error with three")
    for small in (1.0, 1e-2, 1e-4):
        exact = [parts[0], small * parts[1], parts[2], small * parts[3]]
        truth, single = complex_matmul(*exact)[1], [part.float() for part in exact]
        gaps = [(way(*single)[1] - truth).abs().max() / truth.abs().max() for way in (complex_matmul, complex_matmul3)]
        print(f"{small:21g} {gaps[0]:18.1e} {gaps[1]:19.1e}")

# %% [markdown]
# With three products, a small number is the difference of large ones, $r - p - q$, and it drowns in their rounding errors. Measured
# against the whole result, real and imaginary part together, both ways are good; measured against the imaginary part alone, only
# four products are (Higham, 1992). It is the thread of this course once more: fewer operations, and a price somewhere else.
#
# ## 10.10 In your own words
#
# A classmate trains complex weights with a loop of his own: `z = z - lr * z.grad.conj()`. He says: "The derivative of $|z|^2$ is
# $z^*$, so I take the conjugate. It worked fine on my first test, where all numbers were real."
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. Take $L(z) = |z - i|^2$ and start at $z = 0$. What is torch's gradient there? Where does his first step with `lr = 0.1` go, and where do the
#    next ones?
# 2. Why did his first test not show it?
# 3. "Then I only use losses that are holomorphic. For those there is no confusion." Why can that never work?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_conjugate", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. $L = x^2 + (y - 1)^2$, so at 0 the gradient is $0 + i\cdot2(0 - 1) = -2i$. The right step goes to $0.2i$, towards $i$. He subtracts
#    $0.1\cdot(+2i)$ and lands at $-0.2i$, further away. The classmate's loop does $y \leftarrow y + 0.2\,(y - 1)$: the distance to 1
#    grows by the factor 1.2 in every step, without end.
# 2. Where $z$ and the data are real, the gradient is real and equal to its conjugate. Both steps are the same then. Along $x$ the
#    classmate's step is always right; only along $y$ it goes uphill.
# 3. A loss must be real, so that one value can be better than another. For a real $L$ the two Wirtinger derivatives are conjugates of each other.
#    Holomorphic means that $\partial L/\partial z^* = 0$. Then the other one is 0 as well, so $L$ is constant, and there is nothing to
#    learn.

# %% [markdown]
# ## Recap
#
# - A complex weight stretches and turns. A layer of them has half the weights of a real one, and each is used twice.
# - Torch's gradient of a real loss is an arrow that points uphill, $2\,\partial L/\partial z^*$. Step against it, without a conjugate.
# - An activation gives up the complex derivative. modReLU keeps equivariance to rotations; CReLU and the cardioid do not.
# - On plain symbols a complex network and a real one of equal size come equally close to the best receiver.
# - Built-in equivariance is what pays: it reads symbols that it has never been shown.
#
# ## Now try
#
# 1. Take `f = lambda z: mod_relu(u * z + b, -0.1)` with a complex weight `u` and a complex bias `b` of your own. How fast does
#    `rotation_error` grow with the modulus of `b`? And for `crelu` in place of `mod_relu`?
# 2. Let all symbols of a batch be turned by one random angle before they arrive, a new one for each batch, and train both kinds of
#    receiver on that. Which error rate can nobody beat, and why? (What could be read if neighbouring symbols were compared?)
# 3. Invent an activation, and look at it with `draw.planes({"mine": f})`. Start with $z \tanh|z|$ and with $z^2 / (1 + |z|)$. Is it
#    equivariant? Is it holomorphic? Ask your `rotation_error` and your `wirtinger`.
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You now know what a multiplication can do, and what it costs.
#
# ## References
#
# - W. Wirtinger, *Zur formalen Theorie der Funktionen von mehr komplexen Veränderlichen*, Mathematische Annalen 97, 1927. The two
#   derivatives. [doi:10.1007/BF01447872](https://doi.org/10.1007/BF01447872)
# - N. J. Higham, *Stability of a method for multiplying complex matrices with three real matrix multiplications*, SIAM Journal on Matrix
#   Analysis and Applications 13, 1992. [doi:10.1137/0613043](https://doi.org/10.1137/0613043)
# - M. Arjovsky, A. Shah and Y. Bengio, *Unitary evolution recurrent neural networks*, ICML 2016. modReLU.
#   [arXiv:1511.06464](https://arxiv.org/abs/1511.06464)
# - N. Guberman, *On complex valued convolutional neural networks*, 2016. zReLU. [arXiv:1602.09046](https://arxiv.org/abs/1602.09046)
# - P. Virtue, S. X. Yu and M. Lustig, *Better than real: complex-valued neural nets for MRI fingerprinting*, ICIP 2017. The cardioid.
#   [arXiv:1707.00070](https://arxiv.org/abs/1707.00070)
# - C. Trabelsi et al., *Deep complex networks*, ICLR 2018. CReLU and the initialisation.
#   [arXiv:1705.09792](https://arxiv.org/abs/1705.09792)
# - J. G. Proakis and M. Salehi, *Digital communications*, 5th edition, 2008. Section 4.3 on error rates. ISBN 978-0-07-295716-7
# - PyTorch, *Autograd mechanics*, section *Autograd for complex numbers*. The convention.
#   [docs.pytorch.org](https://docs.pytorch.org/docs/stable/notes/autograd.html#autograd-for-complex-numbers)
# - JAX, issue 9110, *grad returns complex conjugate of the gradient*. The other convention, with the numbers of section 10.6.
#   [github.com](https://github.com/jax-ml/jax/issues/9110)
# - E. Wegert, *Visual complex functions*, Birkhäuser, 2012. Pictures of functions by phase and modulus.
#   [doi:10.1007/978-3-0348-0180-5](https://doi.org/10.1007/978-3-0348-0180-5)
# - *torchcvnn*, a library of layers for complex networks in PyTorch. The course's own tests compare with it.
#   [github.com](https://github.com/torchcvnn/torchcvnn)
#
# **Next**: [11 · Why hardware decides](../11_acceleration/11_acceleration.ipynb) looks at the machine that multiplies. To read:
# *Regular group convolutions*, in the University of Amsterdam's Deep Learning 2 notebooks: where the idea of building a
# symmetry into a network leads. [uvadlc-notebooks.readthedocs.io](https://uvadlc-notebooks.readthedocs.io)
