"""Mistakes that students of linear classification make, as code; each docstring is the sentence that helps.

Every function stands alone, as a student would write it: it uses its arguments, np and nothing else.
"""
# mypy: allow-untyped-defs
# ruff: noqa: B905

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.exercise import Misconception

__all__ = ["MISTAKES"]


# --- scores -----------------------------------------------------------------------------------------------


def scores_without_bias(X, W, b):
    """These are the scores with the bias left out: add b, which NumPy spreads over the rows by itself."""
    return X @ W.T


def weights_not_transposed(X, W, b):
    """This is X @ W: a class has a row of W, not a column, so the product needs W.T."""
    return X @ W + b


def bias_per_example(X, W, b):
    """The bias is added down the rows, one number for each example. It belongs to the classes: one for each
    column of the scores, so plain + b is enough."""
    return X @ W.T + b[:, None]


def bias_subtracted(X, W, b):
    """The bias is subtracted, as a threshold would be. Here it is added: z = W x + b."""
    return X @ W.T - b


def scores_transposed(X, W, b):
    """The scores are turned on their side: one row for each class. One row for each example is asked, (N, C):
    X comes first in the product."""
    return W @ X.T + b[:, None]


# --- predict ----------------------------------------------------------------------------------------------


def best_example_of_each_class(scores):
    """This looks down the columns and finds, for each class, the example that fits it best. Asked is the best class
    of each example: along the row, axis=1."""
    return np.argmax(scores, axis=0)


def one_argmax_for_all(scores):
    """This is one number for the whole batch: without an axis, np.argmax counts through all rows at once. Name the
    axis of the classes, axis=1."""
    return np.argmax(scores)


def highest_score(scores):
    """These are the highest scores themselves. Asked is which class has them: np.argmax gives the place, np.max the
    value."""
    return scores.max(axis=1)


def last_of_equals(scores):
    """Where two classes have the same score, this takes the last of them. The lowest class number wins a tie: replace
    only on >, not on >=."""
    return scores.shape[1] - 1 - np.argmax(scores[:, ::-1], axis=1)


def search_from_zero(scores):
    """The search for the highest score starts at 0, so a row of negative scores always gives class 0. Start from the
    first score of the row."""
    chosen = np.zeros(len(scores), dtype=int)
    for n, row in enumerate(scores):
        best = 0
        for c, score in enumerate(row):
            if score > best:
                best, chosen[n] = score, c
    return chosen


def one_hot_prediction(scores):
    """This marks the winner of each row with a 1. Asked is its number: one integer for each example, (N,)."""
    return (scores == scores.max(axis=1, keepdims=True)).astype(int)


def column_of_classes(scores):
    """The right classes stand in a column, (N, 1). One integer for each example is asked, (N,): leave keepdims out."""
    return np.argmax(scores, axis=1, keepdims=True)


def classes_as_floats(scores):
    """The right classes, but as floats. A class number serves as an index later, so keep the integers of np.argmax."""
    return np.argmax(scores, axis=1).astype(float)


# --- accuracy ---------------------------------------------------------------------------------------------


def accuracy_in_percent(predicted, labels):
    """This is the accuracy in percent. Asked is the share between 0 and 1: leave out the 100."""
    return 100 * float(np.mean(predicted == labels))


def number_right(predicted, labels):
    """This is how many are right. Divide by how many there are."""
    return float(np.sum(predicted == labels))


def error_rate(predicted, labels):
    """This is the share that is wrong. The accuracy counts where the two are equal: ==, not !=."""
    return float(np.mean(predicted != labels))


def all_or_nothing(predicted, labels):
    """This is 1 when all are right and 0 otherwise: either the arrays are compared as a whole, or // drops everything
    after the point. Compare one by one with ==, and divide with /."""
    return float(np.array_equal(predicted, labels))


def distance_between_classes(predicted, labels):
    """This measures how far apart the class numbers are. Class 7 is not closer to 8 than to 2: they are names, so
    only == counts."""
    return float(1 - np.mean(np.abs(predicted - labels)))


# --- perceptron_step --------------------------------------------------------------------------------------


def nothing_on_the_line(w, b, x, y):
    """A point exactly on the line, where w.x + b is 0, counts as a mistake: the test is <= 0. With < 0 a perceptron
    that starts from zeros never moves."""
    if y * (w @ x + b) < 0:
        w, b = w + y * x, b + y
    return w, b


def always_updates(w, b, x, y):
    """This updates on every example. A perceptron learns from mistakes only: leave w and b alone where
    y (w.x + b) > 0."""
    return w + y * x, b + y


def label_left_out(w, b, x, y):
    """The update adds x whatever the label is. Add y x and y: towards a point of class +1, away from one of
    class -1."""
    if y * (w @ x + b) <= 0:
        w, b = w + x, b + 1
    return w, b


def away_from_the_point(w, b, x, y):
    """The update has the opposite sign: it makes the mistake larger. Add y x and y; subtract nothing."""
    if y * (w @ x + b) <= 0:
        w, b = w - y * x, b - y
    return w, b


def bias_stays(w, b, x, y):
    """The weights move but the bias stays. It learns too: b + y, as if every input had one more number that is
    always 1."""
    if y * (w @ x + b) <= 0:
        w = w + y * x
    return w, b


def bias_not_in_the_test(w, b, x, y):
    """The test for a mistake leaves the bias out. The side of the line is the sign of w.x + b."""
    if y * (w @ x) <= 0:
        w, b = w + y * x, b + y
    return w, b


def two_steps_at_once(w, b, x, y):
    """The update is y minus the predicted sign, which is twice too large after a mistake: with labels -1 and +1 the
    step is y x."""
    error = y - np.sign(w @ x + b)
    return w + error * x, float(b + error)


def weights_changed_in_place(w, b, x, y):
    """The numbers are right, but w += ... writes into the caller's array, so the old weights are lost. Make a new
    array: w = w + y * x."""
    if y * (w @ x + b) <= 0:
        w += y * x
        b += y
    return w, b


# --- perceptron_fit ---------------------------------------------------------------------------------------


def fit_stops_on_the_line(X, y, epochs):
    """All scores are 0 at the start, and with the test < 0 that is no mistake: the weights never leave zero. A point
    on the line is a mistake too: <= 0."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (w @ x + b) < 0:
                w, b, count = w + t * x, float(b + t), count + 1
        mistakes.append(count)
        if count == 0:
            break
    return w, b, mistakes


def never_stops_early(X, y, epochs):
    """This goes on when everything is right already. Stop after the first epoch without a mistake; its 0 is the last
    entry."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b, count = w + t * x, float(b + t), count + 1
        mistakes.append(count)
    return w, b, mistakes


def last_zero_missing(X, y, epochs):
    """The epoch without a mistake is not in the list. Append its 0 first, then stop: the 0 says that it is done."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b, count = w + t * x, float(b + t), count + 1
        if count == 0:
            break
        mistakes.append(count)
    return w, b, mistakes


def forgets_every_epoch(X, y, epochs):
    """The weights are set back to zero in every epoch, so each starts from nothing. Set them once, before the first
    epoch."""
    mistakes = []
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(epochs):
        w, b, count = np.zeros(X.shape[1]), 0.0, 0
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b, count = w + t * x, float(b + t), count + 1
        mistakes.append(count)
        if count == 0:
            break
    return w, b, mistakes


def counts_add_up(X, y, epochs):
    """The counts run on from epoch to epoch. Set the count back to 0 when an epoch begins."""
    w, b, mistakes, count = np.zeros(X.shape[1]), 0.0, [], 0
    for _ in range(epochs):
        before = count
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b, count = w + t * x, float(b + t), count + 1
        mistakes.append(count)
        if count == before:
            break
    return w, b, mistakes


def whole_epoch_at_once(X, y, epochs):
    """All examples of an epoch are judged with the weights from its beginning, and the updates are added together. A
    perceptron looks at one example at a time: the next one already meets the new weights."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        wrong = y * (X @ w + b) <= 0
        w, b = w + y[wrong] @ X[wrong], float(b + y[wrong].sum())
        mistakes.append(int(wrong.sum()))
        if not wrong.any():
            break
    return w, b, mistakes


def counted_afterwards(X, y, epochs):
    """The mistakes are counted in a second pass, after the epoch's updates. Count them as they happen: one for each
    update."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b = w + t * x, float(b + t)
        mistakes.append(int(np.sum(y * (X @ w + b) <= 0)))
        if mistakes[-1] == 0:
            break
    return w, b, mistakes


def integer_weights(X, y, epochs):
    """The weights have the type of X, and where X holds integers they are integers too. Start from np.zeros(D), which
    are floats."""
    w, b, mistakes = np.zeros_like(X[0]), 0.0, []
    for _ in range(epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b, count = w + t * x, float(b + t), count + 1
        mistakes.append(count)
        if count == 0:
            break
    return w, b, mistakes


def one_total(X, y, epochs):
    """The third result is the total of all mistakes. A list is asked, one count for each epoch: its course shows
    whether anything is learned."""
    w, b, total = np.zeros(X.shape[1]), 0.0, 0
    for _ in range(epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b, count = w + t * x, float(b + t), count + 1
        total += count
        if count == 0:
            break
    return w, b, total


# --- softmax ----------------------------------------------------------------------------------------------


def softmax_overflows(logits):
    """exp(710) is already infinity, and infinity over infinity is nan. Subtract each row's maximum first: the
    probabilities stay the same and the largest exponential is exp(0) = 1."""
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_down_the_columns(logits):
    """The columns sum to one, so the examples compete with each other. The classes of one example compete: axis=1."""
    powers = np.exp(logits - logits.max(axis=0, keepdims=True))
    return powers / powers.sum(axis=0, keepdims=True)


def softmax_over_everything(logits):
    """The whole array sums to one. Each row is one example and sums to one by itself: axis=1, keepdims=True."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def keepdims_missing(logits):
    """The row sums have shape (N,), and NumPy lines them up with the columns. Keep them as a column, (N, 1), with
    keepdims=True."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1)


def one_maximum_for_all(logits):
    """One maximum is subtracted from all rows. A row that lies far below it turns into zeros, and 0 / 0 is nan:
    subtract each row's own maximum."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum(axis=1, keepdims=True)


def logits_clipped(logits):
    """Clipping avoids the overflow but changes the answer: 10000 and 10001 become the same. Subtract the row's maximum
    in place of it, which changes nothing."""
    powers = np.exp(np.clip(logits, -500, 500))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid_of_each(logits):
    """This is the sigmoid of each number by itself, and the rows do not sum to one. In a softmax the classes share one
    denominator: the sum of the row's exponentials."""
    return 0.5 * (1 + np.tanh(0.5 * logits))


def without_exponential(logits):
    """The scores are divided by their sum, without the exponential. A negative score then gives a negative
    probability: take np.exp first."""
    return logits / logits.sum(axis=1, keepdims=True)


# --- cross_entropy ----------------------------------------------------------------------------------------


def loss_summed(logits, labels):
    """This is the sum over the batch. The loss is the mean, so that it does not depend on the batch's size: divide
    by N."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.sum(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels]))


def mean_over_all_entries(logits, labels):
    """The mean runs over N times C numbers, zeros included. There is one loss for each example: divide by N alone."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.sum(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels]) / logits.size)


def sign_missing(logits, labels):
    """This is the mean of log p, which is negative. The loss is -log p: 0 when the right class is certain, large when
    it is held for unlikely."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(z[np.arange(len(labels)), labels] - np.log(np.exp(z).sum(axis=1))))


def exponential_overflows(logits, labels):
    """exp(710) is already infinity, so the probabilities become nan. Subtract each row's maximum before the
    exponential."""
    powers = np.exp(logits)
    p = powers / powers.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(p[np.arange(len(labels)), labels])))


def log_of_zero(logits, labels):
    """The probability of the right class was rounded to 0 before the logarithm, and log 0 is minus infinity. Take the
    logarithm on paper first: -log p = log(sum of exp(z - m)) - (z_y - m), with m the row's maximum."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(p[np.arange(len(labels)), labels])))


def small_number_in_the_log(logits, labels):
    """A small number inside the logarithm hides the zero: the loss never passes 28, however wrong the answer is. Take
    the logarithm on paper first: -log p = log(sum of exp(z - m)) - (z_y - m), with m the row's maximum."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    return float(-np.mean(np.log(p[np.arange(len(labels)), labels] + 1e-12)))


def logarithm_to_base_two(logits, labels):
    """This is the loss in bits, with np.log2. Asked is the natural logarithm, np.log, whose derivative has no extra
    factor."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels]) / np.log(2))


def all_pairs_picked(logits, labels):
    """p[:, labels] takes every label's column for every row, N times N numbers. Pair the two: row n with label n,
    p[np.arange(N), labels]."""
    z = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1, keepdims=True)) - z[:, labels]))


def only_the_right_score(logits, labels):
    """This is minus the score of the right class. What the other classes got counts as well: add the logarithm of the
    sum of all exponentials."""
    return float(-np.mean(logits[np.arange(len(labels)), labels]))


# --- softmax_gradient -------------------------------------------------------------------------------------


def gradient_summed(X, labels, W, b):
    """These are the gradients of the summed loss, N times too large. The loss is a mean over the batch: divide
    by N."""
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True) - np.eye(len(b), dtype=X.dtype)[labels]
    return p.T @ X, p.sum(axis=0)


def gradient_reversed(X, labels, W, b):
    """The sign is reversed: this is one-hot minus p, the direction in which the loss falls. The gradient points
    uphill, p minus one-hot, and the training step subtracts it."""
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = np.eye(len(b), dtype=X.dtype)[labels] - p / p.sum(axis=1, keepdims=True)
    return p.T @ X / len(X), p.sum(axis=0) / len(X)


def one_hot_forgotten(X, labels, W, b):
    """The labels do not enter at all: this is p^T X / N. Take 1 off the probability of each example's right class
    first."""
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    return p.T @ X / len(X), p.sum(axis=0) / len(X)


def gradient_transposed(X, labels, W, b):
    """dW is turned on its side, (D, C). A gradient has the shape of what it belongs to, and W is (C, D): the errors
    come first in the product."""
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True) - np.eye(len(b), dtype=X.dtype)[labels]
    return X.T @ p / len(X), p.sum(axis=0) / len(X)


def bias_gradient_summed(X, labels, W, b):
    """dW is right, but db is the sum over the batch. It is part of the same mean: divide it by N too."""
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True) - np.eye(len(b), dtype=X.dtype)[labels]
    return p.T @ X / len(X), p.sum(axis=0)


def bias_not_in_the_scores(X, labels, W, b):
    """The probabilities are those without the bias. The scores are X W^T + b, as in the first exercise."""
    z = X @ W.T
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True) - np.eye(len(b), dtype=X.dtype)[labels]
    return p.T @ X / len(X), p.sum(axis=0) / len(X)


def divided_by_all_entries(X, labels, W, b):
    """These are divided by N times C, C times too small. The mean runs over the N examples alone."""
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True) - np.eye(len(b), dtype=X.dtype)[labels]
    return p.T @ X / p.size, p.sum(axis=0) / p.size


def label_numbers_subtracted(X, labels, W, b):
    """The label itself is subtracted from a whole row, so class 3 weighs three times as much as class 1. A label is a
    name: take 1 off at its place, p[np.arange(N), labels] -= 1."""
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True) - labels[:, None]
    return p.T @ X / len(X), p.sum(axis=0) / len(X)


# --- relu_xor ---------------------------------------------------------------------------------------------


def or_in_place_of_xor():
    """This network is OR: it is right at three corners and says 1 at (1, 1). There the second hidden unit has to take
    back more: it needs a larger negative weight in w2."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([1.0, -1.0]), 0.0


def no_shift():
    """Both hidden units bend at the same place, in the corner (0, 0), so between the corners the network is a plane.
    Give one unit a negative bias in b1, so that only (1, 1) switches it on."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, 0.0]), np.array([1.0, -2.0]), 0.0


def equality():
    """This network is 1 where the bits are equal: XNOR, the opposite. Turn every sign in w2, and make b2 fit the
    corner (0, 0)."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([-1.0, 2.0]), 1.0


def one_way_only():
    """This is 1 at (1, 0) but not at (0, 1): x1 - x2 is negative there and the ReLU cuts it off. Let the second hidden
    unit look the other way, x2 - x1."""
    return np.array([[1.0, -1.0], [1.0, -1.0]]), np.array([0.0, 0.0]), np.array([0.5, 0.5]), 0.0


def output_weights_in_a_row():
    """The numbers are right, but w2 is a matrix with one row, (1, 2). Two numbers are asked, (2,): one pair of brackets
    less."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([[1.0, -2.0]]), 0.0


_WRONG: dict[str, tuple[Callable[..., Any], ...]] = {
    "scores": (
        scores_without_bias,
        weights_not_transposed,
        bias_per_example,
        bias_subtracted,
        scores_transposed,
    ),
    "predict": (
        best_example_of_each_class,
        one_argmax_for_all,
        highest_score,
        last_of_equals,
        search_from_zero,
        one_hot_prediction,
        column_of_classes,
        classes_as_floats,
    ),
    "accuracy": (
        accuracy_in_percent,
        number_right,
        error_rate,
        all_or_nothing,
        distance_between_classes,
    ),
    "perceptron_step": (
        nothing_on_the_line,
        always_updates,
        label_left_out,
        away_from_the_point,
        bias_stays,
        bias_not_in_the_test,
        two_steps_at_once,
        weights_changed_in_place,
    ),
    "perceptron_fit": (
        fit_stops_on_the_line,
        never_stops_early,
        last_zero_missing,
        forgets_every_epoch,
        counts_add_up,
        whole_epoch_at_once,
        counted_afterwards,
        integer_weights,
        one_total,
    ),
    "softmax": (
        softmax_overflows,
        softmax_down_the_columns,
        softmax_over_everything,
        keepdims_missing,
        one_maximum_for_all,
        logits_clipped,
        sigmoid_of_each,
        without_exponential,
    ),
    "cross_entropy": (
        loss_summed,
        mean_over_all_entries,
        sign_missing,
        exponential_overflows,
        log_of_zero,
        small_number_in_the_log,
        logarithm_to_base_two,
        all_pairs_picked,
        only_the_right_score,
    ),
    "softmax_gradient": (
        gradient_summed,
        gradient_reversed,
        one_hot_forgotten,
        gradient_transposed,
        bias_gradient_summed,
        bias_not_in_the_scores,
        divided_by_all_entries,
        label_numbers_subtracted,
    ),
    "relu_xor": (
        or_in_place_of_xor,
        no_shift,
        equality,
        one_way_only,
        output_weights_in_a_row,
    ),
}

MISTAKES = {name: tuple(Misconception.of(wrong) for wrong in wrongs) for name, wrongs in _WRONG.items()}
"""The misconceptions of each function of `linear`, the most telling first."""
