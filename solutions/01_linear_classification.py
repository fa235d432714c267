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
# # 1 · Linear classification
#
# **650 numbers can read handwriting.** You will train them yourself, in a hundred steps, and they will read about 95 of
# 100 digits that they have never seen.
#
# **The same kind of machine fails on four points.** Not sometimes: always, whatever numbers you put in. It gets at most
# three of the four right.
#
# Which of the two pictures below looks harder to you?

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import timeit

import numpy as np

from autograder import check, progress
from course_lib import data
from course_lib.viz import linear as draw
from course_lib.viz import mlp_diagrams, patient, pending, style

style()
digits, xor = data.digits(), data.xor()

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.digits_and_xor(digits.train.x, digits.train.labels, xor.x, xor.labels)

# %% [markdown]
# **You will be able to**
#
# - turn inputs into scores, scores into probabilities, and probabilities into a loss, without overflow;
# - train a perceptron, and say when it is certain to stop and when it never will;
# - derive the gradient of softmax with cross-entropy in two lines, and learn to read digits with it;
# - prove that no line computes XOR, and repair that with two hidden units;
# - count parameters and multiply-accumulates, and say what moving a number costs.
#
# **Time** about 3 hours (estimated). **Needs** nothing but Python, NumPy's arrays and matrices.
# [Map of the course](../00_start/00_start.ipynb)
#
# **How to work here.** Write your code where it says `YOUR CODE HERE` and remove the line that raises an error. Then run
# the check below it. A check tells you what is wrong and on which input, as often as you like. Pictures wait until the
# functions they need are written, so you can always use *Run All*. Keep the inputs' precision: `float32` in, `float32`
# out. A check accepts a wider float, with a remark.

# %% [markdown]
# ## 1.1 A score for every class
#
# A post office wants to know which digit is on an envelope. The image has 8 × 8 pixels. Write its 64 grey values in a row: a
# point in a space of 64 dimensions. The answer is one of 10 classes.
#
# Here is the simplest idea that works. Give each class a **template**: one weight for each pixel. Where the template is
# positive, ink speaks for the class. Where it is negative, ink speaks against it. Multiply each pixel by its weight, add
# everything up, add one more number for the class itself, the **bias**. That sum is the class's score. Papers call these
# scores **logits**.
#
# The class with the highest score wins.
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $X$ | $(N, D)$ | $N$ inputs of $D$ numbers, one input per row |
# | $W$ | $(C, D)$ | one row of weights for each of $C$ classes |
# | $b$ | $(C,)$ | one bias for each class |
# | $z$ | $(N, C)$ | scores: the logits |
#
# $$z_{nc} = \sum_{d=1}^{D} X_{nd}\, W_{cd} + b_c \qquad\text{or, for the whole batch at once,}\qquad z = X W^\top + b$$

# %% [markdown]
# ### Exercise: `scores`
#
# `scores(X (N, D), W (C, D), b (C,)) -> (N, C)`
#
# **By hand.** One input $x = (2, 1)$, three classes:
#
# | class | weights | bias | score |
# |:--|:--|--:|:--|
# | 0 | $(1, 0)$ | $0$ | $1\cdot2 + 0\cdot1 + 0 = 2$ |
# | 1 | $(0, 3)$ | $-2$ | $0\cdot2 + 3\cdot1 - 2 = 1$ |
# | 2 | $(-1, 1)$ | $4$ | $-1\cdot2 + 1\cdot1 + 4 = 3$ |
#
# So `scores` gives `[[2., 1., 3.]]`, and class 2 wins.
#
# NumPy's `@` multiplies matrices, `.T` transposes, and `+ b` is spread over all rows by itself.


# %% nbgrader={"grade": false, "grade_id": "scores", "locked": false, "schema_version": 3, "solution": true, "task": false}
def scores(X, W, b):
    """How well each input fits each class.

    X: inputs, (N, D). W: weights, (C, D). b: biases, (C,). Returns scores, (N, C).
    """
    ### BEGIN SOLUTION
    return X @ W.T + b
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "scores_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.scores", scores)

# %% [markdown]
# ### Exercise: `predict`
#
# `predict(scores (N, C)) -> (N,) integers`
#
# For each input, the number of the class with the highest score. Where two classes have the same score, the lower number
# wins.
#
# **By hand.** Two inputs, three classes: `[[2., 1., 3.], [5., 5., 0.]]` gives `[2, 0]`. The second row is a tie between
# class 0 and class 1.


# %% nbgrader={"grade": false, "grade_id": "predict", "locked": false, "schema_version": 3, "solution": true, "task": false}
def predict(scores):
    """The class with the highest score: (N, C) -> (N,) integers; the lowest class wins a tie."""
    ### BEGIN SOLUTION
    return np.argmax(scores, axis=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "predict_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.predict", predict)

# %% [markdown]
# ### Exercise: `accuracy`
#
# `accuracy(predicted (N,), labels (N,)) -> float`
#
# The share of inputs that were classified correctly: a number between 0 and 1.
#
# **By hand.** Predicted `[2, 0, 1, 1]`, right would be `[2, 0, 0, 1]`. Three of four agree: `0.75`.


# %% nbgrader={"grade": false, "grade_id": "accuracy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def accuracy(predicted, labels):
    """The share of predictions, (N,), that equal their label, (N,)."""
    ### BEGIN SOLUTION
    return float(np.mean(predicted == labels))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "accuracy_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.accuracy", accuracy)

# %% [markdown]
# ### What your functions see
#
# Two numbers per input, three classes, weights chosen by hand. Your `scores` and `predict` colour every point of the plane.
#
# Look at the borders between the colours. Each is a **decision boundary**, and it is straight. Where two scores are equal,
# $w_0\cdot x + b_0 = w_1\cdot x + b_1$ is the equation of a line, whatever the weights are. In 64 dimensions the line
# becomes a flat sheet, a *hyperplane*. That is why this is called *linear* classification, and it will become its limit.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_regions", "locked": true, "schema_version": 3, "solution": false, "task": false}
clouds = data.blobs(90, classes=3)
W_hand, b_hand = np.array([[0.0, 2.0], [-1.7, -1.0], [1.7, -1.0]]), np.array([0.0, 0.0, 0.0])

with pending("scores", "predict", "accuracy"):
    share = accuracy(predict(scores(clouds.x, W_hand, b_hand)), clouds.labels)
    draw.regions(
        clouds.x,
        clouds.labels,
        classify=lambda points: predict(scores(points, W_hand, b_hand)),
        title=f"{share:.0%} right, by hand",
    )

# %% [markdown]
# ## 1.2 The perceptron: weights that find themselves
#
# Choosing weights by hand works for 2 numbers per input. For 64 it does not. In 1958 Frank Rosenblatt showed a rule that
# finds them by itself: a program on an IBM 704, which learned to tell cards marked on the left from cards marked on the
# right. The New York Times called it "the embryo of an electronic computer" that the Navy expected to "walk, talk, see,
# write, reproduce itself and be conscious of its existence". The machine itself, the Mark I with its 400 photocells and
# motors that turned the weights, was shown in June 1960.
#
# What it really does fits in two lines. It knows two classes, $y = +1$ and $y = -1$. One row of weights is enough for
# them: on one side of the line $w\cdot x + b = 0$ it says $+1$, on the other $-1$.
#
# It looks at one example at a time.
#
# - **Right?** Do nothing.
# - **A mistake?** Move the line: add $y\,x$ to the weights and $y$ to the bias.
#
# Right means that $y$ and $w\cdot x + b$ have the same sign, so their product is positive. A point exactly on the line is
# on neither side. It counts as a mistake:
#
# $$\text{if}\quad y\,(w\cdot x + b) \le 0: \qquad w \leftarrow w + y\,x, \qquad b \leftarrow b + y$$
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $w$, $b$ | $(D,)$, one number | the perceptron's weights and bias |
# | $x$ | $(D,)$ | one example |
# | $y$ | one number | its class, $-1$ or $+1$ |

# %% [markdown]
# ### Exercise: `perceptron_step`
#
# `perceptron_step(w (D,), b, x (D,), y) -> (w (D,), b)`
#
# **By hand.** $w = (1, -1)$, $b = 0$, and the example $x = (2, 1)$ of class $y = -1$.
#
# - Score: $1\cdot2 - 1\cdot1 + 0 = 1$. It says $+1$. The product $y \cdot 1 = -1$ is negative: a mistake.
# - Update: $w = (1, -1) - (2, 1) = (-1, -2)$ and $b = 0 - 1 = -1$.
# - Score now: $-1\cdot2 - 2\cdot1 - 1 = -5$. It says $-1$, as it should.
#
# Return new values. The caller may still need the old `w`, so do not write into it.


# %% nbgrader={"grade": false, "grade_id": "perceptron_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def perceptron_step(w, b, x, y):
    """One look at one example; returns the new weights and the new bias.

    w: weights, (D,). b: bias. x: one input, (D,). y: its class, -1 or +1.
    """
    ### BEGIN SOLUTION
    if y * (w @ x + b) <= 0:
        w, b = w + y * x, b + y
    return w, b
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "perceptron_step_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.perceptron_step", perceptron_step)

# %% [markdown]
# ### Exercise: `perceptron_fit`
#
# `perceptron_fit(X (N, D), y (N,), epochs) -> (w (D,), b, mistakes)`
#
# Start from `w` all zeros (floats) and `b = 0.0`. Go through the examples in order and take a step for each. One pass over
# all of them is an **epoch**. Count the mistakes of each epoch: as they happen, before the step repairs them. Stop after the
# first epoch without a mistake, or after `epochs` of them. `mistakes` is the list of counts.
#
# **By hand.** Two points: $(1, 2)$ of class $+1$ and $(3, 1)$ of class $-1$.
#
# | epoch | point | score | mistake? | $w$ afterwards | $b$ |
# |--:|:--|:--|:--|:--|--:|
# | 1 | $(1,2)$, $+1$ | $0$ | yes, on the line | $(1, 2)$ | $1$ |
# | 1 | $(3,1)$, $-1$ | $3 + 2 + 1 = 6$ | yes | $(-2, 1)$ | $0$ |
# | 2 | $(1,2)$, $+1$ | $-2 + 2 + 0 = 0$ | yes, on the line | $(-1, 3)$ | $1$ |
# | 2 | $(3,1)$, $-1$ | $-3 + 3 + 1 = 1$ | yes | $(-4, 2)$ | $0$ |
# | 3 | $(1,2)$, $+1$ | $-4 + 4 + 0 = 0$ | yes, on the line | $(-3, 4)$ | $1$ |
# | 3 | $(3,1)$, $-1$ | $-9 + 4 + 1 = -4$ | no | $(-3, 4)$ | $1$ |
# | 4 | both | $6$ and $-4$ | no | $(-3, 4)$ | $1$ |
#
# The answer is `w = [-3., 4.]`, `b = 1.0`, `mistakes = [2, 2, 1, 0]`. The 0 at the end says: done.


# %% nbgrader={"grade": false, "grade_id": "perceptron_fit", "locked": false, "schema_version": 3, "solution": true, "task": false}
def perceptron_fit(X, y, epochs):
    """Learns until an epoch has no mistake, for at most `epochs` epochs.

    X: inputs, (N, D). y: classes, (N,), each -1 or +1.
    Returns the weights, (D,), the bias, and a list with the number of mistakes in each epoch.
    """
    ### BEGIN SOLUTION
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        count = 0
        for x, target in zip(X, y, strict=True):
            if target * (w @ x + b) <= 0:
                count += 1
            w, b = perceptron_step(w, b, x, target)
        mistakes.append(count)
        if count == 0:
            break
    return w, b, mistakes
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "perceptron_fit_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.perceptron_fit", perceptron_fit)

# %% [markdown]
# ### Watch it learn
#
# Sixty points, two classes, your `perceptron_step`. Each panel shows the line after one of its mistakes. The ring marks the
# example it had got wrong.
#
# At first every mistake swings the line around. Later mistakes move it less: the weights have grown, and a single example
# counts for little against them.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_perceptron", "locked": true, "schema_version": 3, "solution": false, "task": false}
pair = data.two_blobs()

with pending("perceptron_step"):
    looks = draw.replay(perceptron_step, pair.x, pair.signs, epochs=100)
    draw.perceptron_panels(pair.x, pair.signs, looks)

# %% [markdown]
# Now move through all of its mistakes yourself. (The slider needs a running kernel.)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_perceptron", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("perceptron_step"):
    looks = draw.replay(perceptron_step, pair.x, pair.signs, epochs=100)
    draw.perceptron_slider(pair.x, pair.signs, looks)

# %% [markdown]
# **Does it always stop?** If some line separates the classes, yes. Append a 1 to every input, so that the bias becomes one
# more weight. If the longest input has length $R$, and some line has every input on the correct side, at a distance of at
# least $\gamma$, there are never more than $(R/\gamma)^2$ mistakes in all (Novikoff, 1962). The number of examples does not
# matter, and neither does their dimension.
#
# That is a promise with a condition. Section 1.4 breaks the condition.

# %% [markdown]
# ## 1.3 From scores to probabilities
#
# The perceptron says yes or no, and it learns only from mistakes. For ten digits you want more: *how sure* are you? A
# doctor's program that says "51%" and one that says "99.9%" should not be treated alike.
#
# **Softmax** turns scores into probabilities. Make every score positive with the exponential, then divide by the sum:
#
# $$p_{nc} = \frac{e^{z_{nc}}}{\sum_{k=1}^{C} e^{z_{nk}}}$$
#
# Only differences between scores count. Add 5 to all scores of a row: every exponential grows by the same factor $e^5$, and
# the factor cancels.
#
# You need this fact. In floating point $e^{710}$ is infinity, and infinity divided by infinity is `nan`. Subtract the
# largest score of each row before you take the exponential. The result is the same, and the largest exponential is
# $e^0 = 1$.

# %% [markdown]
# ### Exercise: `softmax`
#
# `softmax(logits (N, C)) -> (N, C)`
#
# From here on scores are called logits, the usual word for what goes into a softmax. Your function must work for logits of
# 10,000.
#
# **By hand.** Logits $(0,\ 1.0986)$, where $1.0986 \approx \ln 3$. The exponentials are $1$ and $3$, their sum is $4$: the
# probabilities are $(0.25,\ 0.75)$. For $(10{,}000,\ 10{,}001.0986)$ they are the same.


# %% nbgrader={"grade": false, "grade_id": "softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax(logits):
    """Probabilities from scores, row by row: (N, C) -> (N, C). Safe for logits of any size."""
    ### BEGIN SOLUTION
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "softmax_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.softmax", softmax)

# %% [markdown]
# ### How bad is a guess?
#
# You said 75% for the right class. Good, but how good? **Cross-entropy** measures your surprise: minus the logarithm of
# the probability that you gave to the right class, averaged over the batch.
#
# | probability of the right class | 1 | 0.75 | 0.5 | 0.1 | 0.001 |
# |:--|--:|--:|--:|--:|--:|
# | loss | 0 | 0.288 | 0.693 | 2.303 | 6.908 |
#
# Being unsure costs little. Being sure and wrong costs a lot. A machine that knows nothing gives each of ten digits 0.1, so
# its loss is 2.303, the logarithm of 10. Remember this number: if a new ten-class network starts far above it, its first
# weights are too large.
#
# $$L = -\frac{1}{N} \sum_{n=1}^{N} \ln p_{n,\,y_n}$$
#
# Here $y_n$ is the right class of input $n$, a number from $0$ to $C-1$.

# %% [markdown]
# ### Exercise: `cross_entropy`
#
# `cross_entropy(logits (N, C), labels (N,)) -> float`
#
# There is a trap. With logits $(0,\ 10{,}000)$ the probability of class 0 is so small that the computer rounds it to 0, and
# $\ln 0$ is minus infinity. The true loss is exactly 10,000. So do the logarithm on paper first. With $m$ the largest
# logit of the row,
#
# $$-\ln p_y = \ln\Big(\sum_k e^{z_k - m}\Big) - (z_y - m)$$
#
# and nothing here can overflow or become $\ln 0$.
#
# **By hand.** Logits $(0,\ 1.0986)$ twice, labels $1$ and $0$. The losses are $-\ln 0.75 = 0.2877$ and
# $-\ln 0.25 = 1.3863$. Their mean is $0.8370$.
#
# To pick one number from each row, use two lists of indices: `z[np.arange(N), labels]`.


# %% nbgrader={"grade": false, "grade_id": "cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cross_entropy(logits, labels):
    """The mean of -ln(probability of the right class). Safe for logits of any size.

    logits: (N, C). labels: right classes, (N,), integers. Returns one number.
    """
    ### BEGIN SOLUTION
    shifted = logits - logits.max(axis=1, keepdims=True)
    right = shifted[np.arange(len(labels)), labels]
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - right))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cross_entropy_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.cross_entropy", cross_entropy)

# %% [markdown]
# ### Which way is down?
#
# To learn, ask: if this weight grew a little, would the loss rise or fall? That slope, for all weights at once, is the
# **gradient**. Then step against it.
#
# For softmax with cross-entropy the gradient is surprisingly short. Take one example. Put $p_y$ into the loss and let the
# logarithm undo the exponential, then differentiate with respect to one logit $z_c$:
#
# $$L = -\ln p_y = -\ln\frac{e^{z_y}}{\sum_k e^{z_k}} = -z_y + \ln\sum_k e^{z_k}$$
#
# $$\frac{\partial L}{\partial z_c} = -[c = y] + \frac{e^{z_c}}{\sum_k e^{z_k}} = p_c - [c = y]$$
#
# Here $[c = y]$ is 1 for the right class and 0 for the others. Written as a row, $(0, \dots, 1, \dots, 0)$, it is the
# label as a **one-hot** vector, and the gradient is $p - y$: *what you said minus what was true*. You said 25% and it was
# true: the error is $-0.75$. Push that logit up. You said 75% and it was false: $+0.75$. Push it down.
#
# The loss of a batch is a mean, so each of $N$ examples counts for one $N$-th:
#
# $$E_{nc} = \frac{\partial L}{\partial z_{nc}} = \frac{1}{N}\big(p_{nc} - [c = y_n]\big)$$
#
# A logit is $z_{nc} = \sum_d X_{nd} W_{cd} + b_c$. So $W_{cd}$ moves logit $c$ of every input $n$, with slope $X_{nd}$, and
# $b_c$ moves it with slope 1. The chain rule multiplies each error by this slope and adds up over the inputs:
#
# $$\frac{\partial L}{\partial W_{cd}} = \sum_n E_{nc}\, X_{nd}, \quad\text{that is}\quad
# \frac{\partial L}{\partial W} = E^\top X \qquad\text{and}\qquad \frac{\partial L}{\partial b_c} = \sum_n E_{nc}$$
#
# A gradient always has the shape of what it belongs to. If yours does not, that is the first thing to repair.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_classifier", "locked": true, "schema_version": 3, "solution": false, "task": false}
mlp_diagrams.classifier()

# %% [markdown]
# ### Exercise: `softmax_gradient`
#
# `softmax_gradient(X (N, D), labels (N,), W (C, D), b (C,)) -> (dW (C, D), db (C,))`
#
# **By hand.** One input $x = (2, 1)$ of class 0. $W$ is zero and $b = (0,\ 1.0986)$, so the probabilities are
# $(0.25,\ 0.75)$.
#
# - Errors: $(0.25 - 1,\ 0.75 - 0) = (-0.75,\ 0.75)$.
# - `db` is `[-0.75, 0.75]`.
# - `dW` is `[[-1.5, -0.75], [1.5, 0.75]]`: each error times $x$.


# %% nbgrader={"grade": false, "grade_id": "softmax_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_gradient(X, labels, W, b):
    """The gradient of cross_entropy(scores(X, W, b), labels).

    X: inputs, (N, D). labels: right classes, (N,). W: weights, (C, D). b: biases, (C,).
    Returns dW, (C, D), and db, (C,).
    """
    ### BEGIN SOLUTION
    errors = softmax(scores(X, W, b))
    errors[np.arange(len(labels)), labels] -= 1
    errors /= len(labels)
    return errors.T @ X, errors.sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "softmax_gradient_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.softmax_gradient", softmax_gradient)

# %% [markdown]
# ### Read handwriting
#
# Now everything comes together. The **training set** has 1,297 digits to learn from. The **test set** has 500 that are
# held out. Weights start at zero. A hundred times: compute the gradient, take a step against it. (This takes a moment. If
# your functions loop over the numbers in Python, it stops after 20 seconds and draws what it has.)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_training", "locked": true, "schema_version": 3, "solution": false, "task": false}
train, test = digits.train, digits.test
learned = read = None

with pending("scores", "predict", "accuracy", "cross_entropy", "softmax_gradient"):
    W, b = np.zeros((10, 64)), np.zeros(10)
    losses, seen, unseen = [], [], []
    for _ in patient(steps=100):
        losses.append(cross_entropy(scores(train.x, W, b), train.labels))
        seen.append(accuracy(predict(scores(train.x, W, b)), train.labels))
        unseen.append(accuracy(predict(scores(test.x, W, b)), test.labels))
        dW, db = softmax_gradient(train.x, train.labels, W, b)
        W, b = W - 2.0 * dW, b - 2.0 * db
    learned, read = W, predict(scores(test.x, W, b))
    share = accuracy(read, test.labels)
    error = np.sqrt(share * (1 - share) / len(test))
    print(f"{share:.1%} of the held-out digits are read correctly, with a standard error of {error:.1%}")
    draw.training(losses, seen, unseen)

# %% [markdown]
# The loss starts at 2.303, as promised. And the held-out digits? Find the number above the curves.
#
# **How sure is that number?** It is itself a measurement, on 500 digits. Another 500 from the same writers would give
# another share $p$. The **standard error**, $\sqrt{p(1-p)/N}$, says how far such a share typically lies from that of
# endlessly many digits: here by 0.9 points. So 95% and 96% are the same result. Whoever compares two classifiers needs to
# know this number first.
#
# **What has it learned?** Each class's row of $W$ has 64 weights. Drawn as an image, it is the template from section 1.1,
# but found by your gradient. Blue pixels speak for the digit, vermilion ones against it. Look at the 0: ink in the middle
# speaks against it.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_templates", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("scores", "predict", "accuracy", "cross_entropy", "softmax_gradient"):
    draw.templates(learned)
    draw.misread(test.x, test.labels, read)

# %% [markdown]
# Some of the misread digits you would have misread as well. Others are easy for you. One template for each class means one
# way to write it, and people write a 9 in several ways.

# %% [markdown]
# ## 1.4 Why a line is not enough
#
# Back to the four points from the beginning. XOR, *exclusive or*, is 1 when exactly one of two bits is 1. With sixty points
# your perceptron was done in seven epochs, after 50 mistakes. Give it four points.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_mistakes", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("perceptron_fit"):
    separable = perceptron_fit(pair.x, pair.signs, 20)[2]
    hopeless = perceptron_fit(xor.x, xor.signs, 20)[2]
    draw.mistakes({"sixty points": separable, "XOR, four points": hopeless})

# %% [markdown]
# Four mistakes in every epoch, for ever: after four updates it is back where it began. More epochs do not help, and neither
# would another start.
#
# **Here is why.** Suppose a line could do it: positive score for 1, negative score for 0.
#
# | point | XOR | so |
# |:--|--:|:--|
# | $(0,0)$ | 0 | $b < 0$ |
# | $(1,0)$ | 1 | $w_1 + b > 0$ |
# | $(0,1)$ | 1 | $w_2 + b > 0$ |
# | $(1,1)$ | 0 | $w_1 + w_2 + b < 0$ |
#
# Add the two in the middle: $w_1 + w_2 + 2b > 0$. Take away the last one, which is negative: $b > 0$. But the first row says
# $b < 0$. No such weights exist.
#
# XOR is not a rare accident. Of the 16 functions of two bits a line can do 14. Of the 256 functions of three bits it can
# do 104. With four bits it is 1,882 of 65,536, and with five 94,572 of 4,294,967,296: one in 45,000.
#
# In 1969 Minsky and Papert wrote a whole book about what a single layer cannot do. For years hardly anybody worked on neural
# networks. How far the book was the cause is still argued about (Olazaran, 1996).

# %% [markdown]
# ## 1.5 Two hidden units
#
# The way out: do not change the line. **Change the space.** Send the points through two **hidden units** first, and draw
# the line through what comes out. They are called hidden because their values are neither inputs nor answers.
#
# The units must do something that is not linear, or nothing is gained. The simplest choice is the **ReLU**, the rectified
# linear unit: negative numbers become 0, positive ones stay.
#
# $$\mathrm{relu}(z) = \max(z, 0), \qquad h = \mathrm{relu}(W_1 x + b_1), \qquad \text{output} = w_2\cdot h + b_2$$
#
# A ReLU folds the plane. On one side of its line everything is flattened to 0, on the other nothing changes.

# %% [markdown]
# ### Exercise: `relu_xor`
#
# `relu_xor() -> (W1 (2, 2), b1 (2,), w2 (2,), b2)`
#
# Find nine numbers by thinking, not by training. The output must be 0, 1, 1, 0 at the four corners. There are many answers,
# and every right one counts.
#
# **By hand.** Here are two hidden units that you could use. Each row of `W1` is one unit's weights.
#
# | $x_1$ | $x_2$ | $\mathrm{relu}(x_1 + x_2)$ | $\mathrm{relu}(x_1 + x_2 - 1)$ | XOR |
# |--:|--:|--:|--:|--:|
# | 0 | 0 | 0 | 0 | **0** |
# | 0 | 1 | 1 | 0 | **1** |
# | 1 | 0 | 1 | 0 | **1** |
# | 1 | 1 | 2 | 1 | **0** |
#
# The first unit counts the bits. The second notices when both are on. How do you mix the two columns to get the last one?
# Or use other units: one for each way in which two bits can differ.


# %% nbgrader={"grade": false, "grade_id": "relu_xor", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relu_xor():
    """Weights W1 (2, 2), b1 (2,), w2 (2,), b2 such that w2 . relu(W1 x + b1) + b2 is XOR on the corners."""
    ### BEGIN SOLUTION
    W1 = np.array([[1.0, 1.0], [1.0, 1.0]])
    b1 = np.array([0.0, -1.0])
    w2 = np.array([1.0, -2.0])
    return W1, b1, w2, 0.0
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "relu_xor_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("linear.relu_xor", relu_xor)

# %% [markdown]
# ### See the fold
#
# On the left the inputs. On the right the same four points, and the same grid, after your hidden layer. The colours are what
# your network says. On the right the border is a straight line again: the last layer is still a linear classifier. It only
# got a space in which a line is enough.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_fold", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("relu_xor"):
    draw.fold(xor.x, xor.labels, relu_xor())

# %% [markdown]
# You chose these nine numbers yourself. How a network finds them by itself is the question of notebook 3. First, in notebook
# 2, you build networks with as many layers as you like.

# %% [markdown]
# ## 1.6 What does it cost in hardware?
#
# Every notebook of this course ends with this question. Three numbers answer most of it:
#
# - **Parameters**: the weights and biases that must be stored.
# - **MACs**, multiply-accumulates: one multiplication and one addition, the basic step of every neural network. A linear
#   layer needs one for each weight and input.
# - **Bytes**: 8 for a `float64`, 4 for a `float32`.
#
# | | parameters | MACs per input | bytes as `float32` |
# |:--|--:|--:|--:|
# | digits, $10 \times 64$ weights + 10 biases | 650 | 640 | 2,600 |
# | XOR with a hidden layer, $6$ weights + $3$ biases | 9 | 6 | 36 |
#
# So one MAC needs one weight. Which of the two is expensive? On a 45 nm chip, in picojoules (Horowitz, 2014):
#
# | add two floats | multiply two floats | read a float from the cache | read a float from main memory |
# |--:|--:|--:|--:|
# | 0.9 | 3.7 | 5 | 640 |
#
# Reading one digit: the arithmetic costs $640 \cdot 4.6 = 2{,}944$ pJ. Fetching the 650 parameters from main memory costs
# $650 \cdot 640 = 416{,}000$ pJ. **Moving the numbers costs 141 times as much as computing with them.**
#
# The cure is to use each weight more than once while it is near: a batch. Measure it, with your own `scores`:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_batches", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("scores"):
    W_any, b_any = np.ones((10, 64)), np.ones(10)
    for size in (1, 4, 16, 64, 256):
        batch = train.x[:size]
        best = min(timeit.repeat("scores(batch, W_any, b_any)", globals=globals(), number=1, repeat=20))
        print(f"batch of {size:3d}: {1e6 * best / size:8.3f} microseconds per digit")

# %% [markdown]
# The MACs of a digit did not change. What got cheaper is everything around them. Here that is mostly the call from Python:
# one call now serves 256 digits. (650 weights are few enough to stay in the processor's cache.) In a network whose weights
# come from main memory, a batch shares those trips in the same way. Making networks cheaper is, for the most part, moving
# fewer numbers. Half of this course is about that.

# %% [markdown]
# ## 1.7 In your own words
#
# A classmate says: "I do not need the ReLU. I put two linear layers on top of each other,
# $\text{output} = w_2\cdot(W_1 x + b_1) + b_2$. That has nine parameters instead of three. With so many more numbers it can
# surely do XOR."
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. Which function is it, once you multiply the brackets out?
# 2. Why can it not be XOR?
# 3. What exactly does the ReLU change? Say it with the four points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_not_a_line", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. Multiplied out, the two layers are $w_2 W_1\, x + (w_2\cdot b_1 + b_2)$. That is one row of two weights and one bias: a
#    single linear layer with three numbers, however many it was made from.
# 2. A linear function has the same sum on both diagonals of the square: $f(0,0) + f(1,1) = f(0,1) + f(1,0)$. XOR would need
#    $0 + 0 = 1 + 1$. (Adding up the four inequalities of section 1.4 says the same for any threshold.)
# 3. The ReLU is not linear, so the layers no longer merge into one. It folds the plane: $(0,1)$ and $(1,0)$ land on the same
#    point, and $(1,1)$ is moved off the line through that point and $(0,0)$. Now one line has both ones on one side and both
#    zeros on the other.

# %% [markdown]
# ## Recap
#
# - A linear classifier has one row of weights per class. The class with the highest logit wins, and the boundaries between
#   classes are straight.
# - The perceptron moves its line only after a mistake. It stops if some line separates the classes, and never otherwise.
# - Softmax turns logits into probabilities, cross-entropy turns them into a loss. Subtract the largest logit first.
# - The gradient with respect to the logits is $p - y$: what you said minus what was true, divided by $N$.
# - XOR needs a fold. Two hidden ReLU units bring the four points to where one line is enough.
#
# ## Now try
#
# Nobody grades these.
#
# 1. Shuffle the pixels: `order = np.random.default_rng(0).permutation(64)`, then train on `train.x[:, order]` and test on
#    `test.x[:, order]`. Guess first: how much worse will it read? What does the answer say about what a linear classifier
#    knows of images?
# 2. Train on the first 20, 50, 100, 200 and 500 digits only, and print both accuracies, on those digits and on the test
#    set. How do the two numbers move as the training set grows?
# 3. Run `perceptron_fit` on the training digits 3 and 8 alone, with labels $-1$ and $+1$, for up to 100 epochs. Does some
#    hyperplane separate them? Which two digits take the most epochs?
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# ## References
#
# - F. Rosenblatt, *The perceptron: a probabilistic model for information storage and organization in the brain*,
#   Psychological Review 65, 1958, [doi:10.1037/h0042519](https://doi.org/10.1037/h0042519).
# - *New Navy device learns by doing*, The New York Times, 8 July 1958,
#   [nytimes.com](https://www.nytimes.com/1958/07/08/archives/new-navy-device-learns-by-doing-psychologist-shows-embryo-of.html).
#   The program on the IBM 704.
# - *Cornell Aeronautical Laboratory, Mark I Perceptron press conference records, 1960*, Charles Babbage Institute,
#   [CBI 48](http://special.lib.umn.edu/findaid/xml/cbi00048.xml); J. Hay and C. Wightman, *Mark I Perceptron*, Research
#   Trends 8, Cornell Aeronautical Laboratory, 1960. The machine, its 400 photocells and motors.
# - A. Novikoff, *On convergence proofs on perceptrons*, Symposium on the Mathematical Theory of Automata, 1962; as a
#   report: [AD0298258](https://apps.dtic.mil/sti/citations/AD0298258). The bound on the number of mistakes.
# - M. Minsky and S. Papert, *Perceptrons*, MIT Press, 1969,
#   [doi:10.7551/mitpress/11301.001.0001](https://doi.org/10.7551/mitpress/11301.001.0001). What a single layer cannot do.
# - M. Olazaran, *A sociological study of the official history of the perceptrons controversy*, Social Studies of Science 26,
#   1996, [doi:10.1177/030631296026003005](https://doi.org/10.1177/030631296026003005).
# - J. Bridle, *Probabilistic interpretation of feedforward classification network outputs*, Neurocomputing, 1990,
#   [doi:10.1007/978-3-642-76153-9_28](https://doi.org/10.1007/978-3-642-76153-9_28). The name softmax.
# - I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, MIT Press, 2016,
#   [section 6.1](https://www.deeplearningbook.org/contents/mlp.html): XOR with two ReLUs.
# - M. Horowitz, *Computing's energy problem (and what we can do about it)*, ISSCC 2014,
#   [doi:10.1109/ISSCC.2014.6757323](https://doi.org/10.1109/ISSCC.2014.6757323); S. Han, J. Pool, J. Tran and W. Dally,
#   *Learning both weights and connections for efficient neural networks*, NeurIPS 2015, table 1,
#   [arXiv:1506.02626](https://arxiv.org/abs/1506.02626). The energy figures.
# - E. Alpaydin and C. Kaynak, *Optical recognition of handwritten digits*, UCI Machine Learning Repository, 1998,
#   [doi:10.24432/C50P49](https://doi.org/10.24432/C50P49). The digits, as scikit-learn ships them.
# - Sequence [A000609](https://oeis.org/A000609) of the On-Line Encyclopedia of Integer Sequences: how many functions of $n$
#   bits a line can do.
#
# **Next**: [2 · Forward propagation](../02_mlp_forward/02_mlp_forward.ipynb), where hidden units are stacked to any depth. To
# watch: 3Blue1Brown, [*But what is a neural network?*](https://www.3blue1brown.com/lessons/neural-networks)
