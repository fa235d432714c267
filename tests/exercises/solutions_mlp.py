"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "linear": """
def linear(x, W, b):
    rows = []
    for example in x:
        row = []
        for weights, bias in zip(W, b):
            total = 0.0
            for value, weight in zip(example, weights):
                total = total + value * weight
            row.append(total + bias)
        rows.append(row)
    print("layer of", len(rows), "rows")
    return np.array(rows)
""",
    "relu": """
def relu(x):
    out = np.empty_like(x)
    for index in np.ndindex(x.shape):
        if x[index] > 0:
            out[index] = x[index]
        else:
            out[index] = 0
    return out
""",
    "sigmoid": """
def sigmoid(x):
    import math

    def one(z):
        if z >= 0:
            return 1 / (1 + math.exp(-z))
        e = math.exp(z)
        return e / (1 + e)

    values = [one(float(z)) for z in x.ravel()]
    return np.array(values, dtype=x.dtype).reshape(x.shape)
""",
    "forward": """
def forward(x, params, activation):
    def mix(a, W, b):
        z = np.zeros((len(a), len(W)), a.dtype)
        for n in range(len(a)):
            for k in range(len(W)):
                z[n, k] = sum(a[n, i] * W[k, i] for i in range(a.shape[1])) + b[k]
        return z

    everything = []
    everything.append(x)
    number = 0
    while number < len(params):
        W, b = params[number]
        z = mix(everything[-1], W, b)
        number += 1
        if number == len(params):
            everything.append(z)
        else:
            everything.append(activation(z))
    return everything
""",
    "he_init": """
def he_init(sizes, rng):
    params = []
    for layer in range(1, len(sizes)):
        W = np.zeros((sizes[layer], sizes[layer - 1]))
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                W[i, j] = rng.standard_normal() * (2 / W.shape[1]) ** 0.5
        params.append([W, np.array([0.0] * sizes[layer])])
    return params
""",
    "parameter_count": """
def parameter_count(sizes):
    total = 0
    for layer in range(1, len(sizes)):
        total += sizes[layer] * sizes[layer - 1]
        total += sizes[layer]
    return total
""",
    "mac_count": """
def mac_count(sizes, batch=1):
    macs = 0
    previous = None
    for size in sizes:
        if previous is not None:
            macs += previous * size * batch
        previous = size
    return macs
""",
}

OTHER_FORMULA = {
    "linear": '''
from numpy.typing import NDArray

def linear(batch: NDArray, weights: NDArray, biases: NDArray) -> NDArray:
    """Another contraction, the bias as one more input that is always 1."""
    ones = np.ones((batch.shape[0], 1), dtype=batch.dtype)
    return np.einsum("ni,oi->no", np.hstack([batch, ones]), np.column_stack([weights, biases]))
''',
    "relu": """
relu = lambda z: (z + np.abs(z)) / 2
""",
    "sigmoid": """
def sigmoid(t: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(t / 2)) / 2
""",
    "forward": """
import functools
import itertools

def forward(inputs, layers, bend):
    *hidden, (W_out, b_out) = layers
    step = lambda a, layer: bend(np.dot(a, np.transpose(layer[0])) + layer[1])
    kept = tuple(itertools.accumulate(hidden, step, initial=inputs))
    return kept + ((W_out @ kept[-1].T).T + b_out,)
""",
    "he_init": """
def he_init(widths, generator):
    class Layer:
        def __init__(self, fan_in, fan_out):
            self.W = generator.normal(0.0, np.sqrt(2.0 / fan_in), size=(fan_out, fan_in))
            self.b = np.zeros_like(self.W[:, 0])

        def pair(self):
            return self.W, self.b

    return tuple(Layer(n, m).pair() for n, m in zip(widths, widths[1:]))
""",
    "parameter_count": """
def parameter_count(sizes):
    with_one = np.array(sizes[:-1]) + 1
    return np.dot(with_one, np.array(sizes[1:]))
""",
    "mac_count": """
from functools import reduce
from operator import mul

def mac_count(sizes, batch=1):
    if len(sizes) < 2:
        return 0
    return batch * reduce(mul, sizes[:2]) + mac_count(sizes[1:], batch)
""",
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}
