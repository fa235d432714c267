"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "numerical_gradient": """
def numerical_gradient(f, x, eps=1e-5):
    slopes = []
    for k in range(x.size):
        up = x.copy()
        up.flat[k] = up.flat[k] + eps
        down = x.copy()
        down.flat[k] = down.flat[k] - eps
        slopes.append((f(up) - f(down)) / eps / 2)
    print(len(slopes), "slopes")
    return np.array(slopes).reshape(x.shape)
""",
    "linear_backward": """
def linear_backward(dout, x, W):
    dx, dW, db = np.zeros_like(x), np.zeros_like(W), np.zeros(W.shape[0], W.dtype)
    for n in range(dout.shape[0]):
        for o in range(dout.shape[1]):
            db[o] += dout[n, o]
            for i in range(x.shape[1]):
                dx[n, i] += dout[n, o] * W[o, i]
                dW[o, i] += dout[n, o] * x[n, i]
    return [dx, dW, db]
""",
    "relu_backward": """
def relu_backward(dout, x):
    dx = dout.copy()
    for place in np.ndindex(x.shape):
        if not x[place] > 0:
            dx[place] = 0
    return dx
""",
    "sigmoid_backward": """
def sigmoid_backward(dout, out):
    dx = np.empty(out.shape, dtype=out.dtype)
    for place, s in np.ndenumerate(out):
        dx[place] = dout[place] * (s - s * s)
    return dx
""",
    "softmax_cross_entropy": """
def softmax_cross_entropy(logits, labels):
    import math

    loss, gradient = 0.0, np.zeros(logits.shape, logits.dtype)
    count = len(logits)
    for n, row in enumerate(logits.tolist()):
        top = max(row)
        total = 0.0
        for z in row:
            total += math.exp(z - top)
        loss += math.log(total) - (row[labels[n]] - top)
        for c, z in enumerate(row):
            gradient[n, c] = (math.exp(z - top) / total - (c == labels[n])) / count
    return loss / count, gradient
""",
    "mlp_gradients": """
def mlp_gradients(x, labels, params):
    kept = []
    a = x
    for number, (W, b) in enumerate(params):
        z = np.dot(a, W.T) + b
        kept.append((a, z))
        a = z if number == len(params) - 1 else z * (z > 0)
    top = a.max(axis=1)
    total = 0.0
    dz = np.zeros_like(a)
    for n, label in enumerate(labels):
        e = np.exp(a[n] - top[n])
        total += np.log(e.sum()) + top[n] - a[n, label]
        dz[n] = e / e.sum()
        dz[n, label] -= 1
    dz = dz / len(labels)
    grads = []
    for number in range(len(params) - 1, -1, -1):
        below, _ = kept[number]
        grads.insert(0, [np.dot(dz.T, below), dz.sum(0)])
        if number:
            dz = np.dot(dz, params[number][0])
            dz[kept[number - 1][1] <= 0] = 0
    return total / len(labels), grads
""",
    "unbroadcast": """
def unbroadcast(grad, shape):
    result = np.zeros(shape, grad.dtype)
    for place in np.ndindex(grad.shape):
        home = place[len(place) - len(shape):]
        home = tuple(0 if size == 1 else index for index, size in zip(home, shape))
        result[home] += grad[place]
    return result
""",
    "topological_order": """
def topological_order(root):
    # Kahn: count the children of each node, then peel the graph from the root
    children = {root: 0}
    found = [root]
    for node in found:
        for parent in node.parents:
            if parent not in children:
                children[parent] = 0
                found.append(parent)
            children[parent] += 1
    order, ready = [], [root]
    while ready:
        node = ready.pop()
        order.append(node)
        for parent in node.parents:
            children[parent] -= 1
            if children[parent] == 0:
                ready.append(parent)
    order.reverse()
    return order
""",
    "backward": """
def backward(root):
    nodes = []

    def visit(node):
        for parent in node.parents:
            if parent not in nodes:
                visit(parent)
        if node not in nodes:
            nodes.append(node)

    visit(root)
    shares = {node: [] for node in nodes}
    shares[root].append(np.ones(np.shape(root.value)))
    grads = {}
    while nodes:
        node = nodes.pop()
        grads[node] = sum(shares[node])
        for i in range(len(node.parents)):
            shares[node.parents[i]].append(node.vjps[i](grads[node]))
    return grads
""",
    "sgd_step": """
def sgd_step(params, grads, lr):
    moved = []
    for i in range(len(params)):
        step = lr * grads[i]
        moved.append(params[i] - step)
    return moved
""",
    "momentum_step": """
def momentum_step(params, grads, velocity, lr, beta=0.9):
    new_params, new_velocity = [], []
    for i in range(len(params)):
        v = velocity[i].copy()
        v *= beta
        v += grads[i]
        p = params[i].copy()
        p -= lr * v
        new_params.append(p)
        new_velocity.append(v)
    return [new_params, new_velocity]
""",
    "adam_step": """
def adam_step(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    state = {"t": state["t"] + 1, "m": list(state["m"]), "v": list(state["v"])}
    moved = []
    for i in range(len(params)):
        state["m"][i] = betas[0] * state["m"][i] + (1 - betas[0]) * grads[i]
        state["v"][i] = betas[1] * state["v"][i] + (1 - betas[1]) * grads[i] * grads[i]
        m_hat = state["m"][i] / (1 - betas[0] ** state["t"])
        v_hat = state["v"][i] / (1 - betas[1] ** state["t"])
        moved.append(params[i] - lr * m_hat / (v_hat**0.5 + eps))
    return moved, state
""",
    "train": """
def train(x, labels, sizes, epochs, lr, batch_size, rng):
    weights, biases = [], []
    for i in range(1, len(sizes)):
        weights.append(rng.normal(0, np.sqrt(2 / sizes[i - 1]), (sizes[i], sizes[i - 1])))
        biases.append(np.zeros(sizes[i]))
    epoch = 0
    while epoch < epochs:
        rows = list(range(len(x)))
        rng.shuffle(rows)
        while rows:
            batch, rows = rows[:batch_size], rows[batch_size:]
            values = [x[batch]]
            for i in range(len(weights)):
                z = values[-1] @ weights[i].T + biases[i]
                values.append(np.maximum(z, 0) if i < len(weights) - 1 else z)
            p = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
            delta = p / p.sum(axis=1, keepdims=True)
            delta[range(len(batch)), labels[batch]] -= 1
            delta /= len(batch)
            for i in reversed(range(len(weights))):
                dW, db = delta.T @ values[i], delta.sum(axis=0)
                delta = (delta @ weights[i]) * (values[i] > 0)
                weights[i] -= lr * dW
                biases[i] -= lr * db
        epoch += 1
    return list(zip(weights, biases))
""",
}

OTHER_FORMULA = {
    "numerical_gradient": """
def numerical_gradient(f, x, eps=1e-5):
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.reshape([(f(x + eps * unit) - f(x - eps * unit)) / (2 * eps) for unit in units], x.shape)
""",
    "linear_backward": """
def linear_backward(upstream, inputs, weights):
    ones = np.ones(len(inputs), upstream.dtype)
    return (
        np.einsum("no,oi->ni", upstream, weights),
        np.tensordot(upstream, inputs, axes=(0, 0)),
        ones @ upstream,
    )
""",
    "relu_backward": """
relu_backward = lambda dout, x: dout * np.heaviside(x, 0).astype(dout.dtype)
""",
    "sigmoid_backward": """
def sigmoid_backward(dout: np.ndarray, out: np.ndarray) -> np.ndarray:
    return dout / 4 - dout * (out - 0.5) ** 2
""",
    "softmax_cross_entropy": """
def softmax_cross_entropy(logits, labels):
    log_total = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    one_hot = np.equal.outer(labels, np.arange(logits.shape[1]))
    log_p = logits - log_total
    return -(log_p[one_hot]).mean(), (np.exp(log_p) - one_hot) / np.float32(len(labels))
""",
    "mlp_gradients": '''
def mlp_gradients(x, labels, params):
    """Recursively: what the layers above say of this layer's output."""

    def below(a, layers):
        (W, b), *rest = layers
        z = a @ W.T + b
        if rest:
            loss, dz, grads = below(np.where(z > 0, z, 0), rest)
            dz = np.where(z > 0, dz, 0)
        else:
            log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
            one_hot = np.eye(z.shape[1], dtype=z.dtype)[labels]
            loss, dz, grads = -(log_p * one_hot).sum() / len(z), (np.exp(log_p) - one_hot) / len(z), ()
        return loss, dz @ W, ((dz.T @ a, np.einsum("no->o", dz)), *grads)

    loss, _, grads = below(x, params)
    return loss, grads
''',
    "unbroadcast": """
def unbroadcast(grad, shape):
    if grad.shape == shape:
        return grad
    padded = (1,) * (grad.ndim - len(shape)) + tuple(shape)
    axes = [axis for axis, (have, want) in enumerate(zip(grad.shape, padded)) if have != want]
    return np.add.reduce(grad, axis=tuple(axes)).reshape(shape)
""",
    "topological_order": """
import graphlib

def topological_order(root):
    graph, ahead = {}, {root}
    while ahead:
        node = ahead.pop()
        graph[node] = node.parents
        ahead |= {parent for parent in node.parents if parent not in graph}
    return tuple(graphlib.TopologicalSorter(graph).static_order())
""",
    "backward": """
from collections import Counter, defaultdict

def backward(root):
    waiting = Counter()
    ahead, seen = [root], {root}
    while ahead:
        for parent in ahead.pop().parents:
            waiting[parent] += 1
            if parent not in seen:
                seen.add(parent)
                ahead.append(parent)
    grads = defaultdict(float, {root: np.asarray(root.value) ** 0})
    ready = [root]
    while ready:
        node = ready.pop()
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads[parent] + vjp(grads[node])
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
    return grads
""",
    "sgd_step": """
from operator import sub

def sgd_step(params, grads, lr):
    return tuple(map(sub, params, map(lambda g: np.multiply(g, lr), grads)))
""",
    "momentum_step": """
def momentum_step(params, grads, velocity, lr, beta=0.9):
    pairs = [(p - lr * (v * beta + g), np.add(beta * v, g)) for p, g, v in zip(params, grads, velocity)]
    moved, speeds = zip(*pairs)
    return moved, speeds
""",
    "adam_step": '''
def adam_step(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The efficient order of the paper, at the end of its section 2, with eps rescaled to match."""
    a, b = betas
    t = state["t"] + 1
    root = (1 - b**t) ** 0.5
    rate = lr * root / (1 - a**t)
    m = [m - (1 - a) * (m - g) for m, g in zip(state["m"], grads)]
    v = [v - (1 - b) * (v - np.square(g)) for v, g in zip(state["v"], grads)]
    return [p - rate * m_ / (np.sqrt(v_) + eps * root) for p, m_, v_ in zip(params, m, v)], dict(t=t, m=m, v=v)
''',
    "train": '''
def train(x, labels, sizes, epochs, lr, batch_size, rng):
    """Other start weights, batches drawn as pieces of one order, a class for a layer."""

    class Layer:
        def __init__(self, n, m):
            bound = np.sqrt(6 / n)
            self.W, self.b = rng.uniform(-bound, bound, (m, n)), np.full(m, 0.01)

        def forward(self, a):
            self.a = a
            return a @ self.W.T + self.b

        def step(self, dz):
            da = dz @ self.W
            self.W = self.W - lr * (dz.T @ self.a)
            self.b = self.b - lr * dz.sum(axis=0)
            return da

    layers = [Layer(n, m) for n, m in zip(sizes, sizes[1:])]
    pieces = -(-len(x) // batch_size)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(x)), pieces):
            a, masks = x[rows], []
            for layer in layers:
                z = layer.forward(a)
                a = np.maximum(z, 0)
                masks.append(z > 0)
            log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
            dz = (np.exp(log_p) - np.eye(z.shape[1])[labels[rows]]) / len(rows)
            for layer, mask in zip(layers[::-1], [*masks[-2::-1], 1]):
                dz = layer.step(dz) * mask
    return [(layer.W, layer.b) for layer in layers]
''',
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}
