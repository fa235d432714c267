"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "scores": """
def scores(X, W, b):
    out = np.zeros((len(X), len(W)))
    for n in range(len(X)):
        for c in range(len(W)):
            total = 0.0
            for d in range(X.shape[1]):
                total = total + X[n, d] * W[c, d]
            out[n, c] = total + b[c]
    return out
""",
    "predict": """
def predict(scores):
    winners = []
    for row in scores.tolist():
        winners.append(row.index(max(row)))
    return np.array(winners)
""",
    "accuracy": """
def accuracy(predicted, labels):
    right = 0
    for a, b in zip(predicted, labels):
        if a == b:
            right += 1
    print("right:", right)
    return right / len(labels)
""",
    "perceptron_step": """
def perceptron_step(w, b, x, y):
    total = b
    for i in range(len(w)):
        total += w[i] * x[i]
    if total * y > 0:
        return [w, b]
    new = w.copy()
    for i in range(len(w)):
        new[i] += y * x[i]
    return [new, b + y]
""",
    "perceptron_fit": """
def perceptron_fit(X, y, epochs):
    w = [0.0] * X.shape[1]
    b = 0.0
    history = []
    epoch = 0
    while epoch < epochs:
        wrong = 0
        for n in range(X.shape[0]):
            side = sum(float(w[d]) * float(X[n, d]) for d in range(X.shape[1])) + b
            if side * y[n] <= 0:
                wrong += 1
                for d in range(X.shape[1]):
                    w[d] += float(y[n]) * float(X[n, d])
                b += float(y[n])
        history.append(wrong)
        epoch += 1
        if not wrong:
            break
    return np.array(w), b, history
""",
    "softmax": """
def softmax(logits):
    import math

    rows = []
    for row in logits:
        top = max(row)
        powers = [math.exp(v - top) for v in row]
        rows.append([p / sum(powers) for p in powers])
    return np.array(rows)
""",
    "cross_entropy": """
def cross_entropy(logits, labels):
    import math

    losses = []
    for row, label in zip(logits.tolist(), labels.tolist()):
        top = max(row)
        losses.append(top + math.log(sum(math.exp(v - top) for v in row)) - row[label])
    return sum(losses) / len(losses)
""",
    "softmax_gradient": """
def softmax_gradient(X, labels, W, b):
    N, D = X.shape
    C = len(b)
    dW = np.zeros((C, D))
    db = np.zeros(C)
    for n in range(N):
        z = W @ X[n] + b
        e = np.exp(z - z.max())
        p = e / e.sum()
        for c in range(C):
            error = p[c]
            if c == labels[n]:
                error -= 1
            dW[c] += error * X[n] / N
            db[c] += error / N
    return dW, db
""",
    "relu_xor": '''
def relu_xor():
    """One unit for each way of being different."""
    return [[1, -1], [-1, 1]], [0, 0], [1, 1], 0
''',
}

OTHER_FORMULA = {
    "scores": """
scores = lambda inputs, weights, bias: np.einsum("nd,cd->nc", inputs, weights) + bias.reshape(1, -1)
""",
    "predict": """
def predict(z: np.ndarray) -> np.ndarray:
    return np.argsort(-z, axis=-1, kind="stable")[:, 0]
""",
    "accuracy": """
def accuracy(guess: np.ndarray, truth: np.ndarray):
    return np.float64(1.0) - np.count_nonzero(guess - truth) / guess.size
""",
    "perceptron_step": """
def perceptron_step(weights: np.ndarray, bias: float, point: np.ndarray, sign: int):
    def homogeneous(vector, last):
        return np.append(vector, vector.dtype.type(last))

    v, u = homogeneous(weights, bias), homogeneous(point, 1)
    v = v + sign * u * (sign * np.dot(v, u) <= 0)
    return v[:-1], v[-1]
""",
    "perceptron_fit": """
class Perceptron:
    def __init__(self, size):
        self.v = np.zeros(size + 1)

    def epoch(self, rows):
        count = 0
        for row in rows:
            if self.v.dot(row) <= 0:
                self.v = self.v + row
                count += 1
        return count

def perceptron_fit(X, y, epochs):
    rows = np.c_[X, np.ones(len(X))] * y[:, None]
    model, counts = Perceptron(X.shape[1]), []
    for _ in range(epochs):
        counts += [model.epoch(rows)]
        if counts[-1] == 0:
            break
    return model.v[:-1], model.v[-1], tuple(counts)
""",
    "softmax": """
def softmax(logits):
    differences = logits[:, None, :] - logits[:, :, None]
    return 1 / np.exp(np.minimum(differences, 700 if logits.dtype == np.float64 else 80)).sum(axis=2)
""",
    "cross_entropy": """
def cross_entropy(logits, labels):
    from functools import reduce

    totals = reduce(np.logaddexp, logits.T)
    return np.asarray((totals - np.take_along_axis(logits, labels[:, None], 1)[:, 0]).mean())
""",
    "softmax_gradient": """
def softmax_gradient(X, labels, W, b):
    import torch

    x = torch.tensor(np.ascontiguousarray(X))
    w = torch.tensor(np.ascontiguousarray(W), requires_grad=True)
    bias = torch.tensor(np.ascontiguousarray(b), requires_grad=True)
    target = torch.tensor(np.ascontiguousarray(labels)).long()
    torch.nn.functional.cross_entropy(x @ w.T + bias, target).backward()
    return w.grad.numpy(), bias.grad.numpy()
""",
    "relu_xor": """
def relu_xor():
    W1 = np.array([[2.0, 2.0], [3.0, 3.0]], dtype=np.float32)
    return W1, np.array([-1.0, -4.5]), np.array([1.0, -2.0]), np.array([0.0]) + relu_xor_bias()

def relu_xor_bias():
    return 0
""",
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}
