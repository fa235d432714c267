"""Answers to the exercises whose work may not grow in Python: array code, however slow, and loops in disguise."""

from __future__ import annotations

__all__ = ["ARRAYS", "CHEAP_LOOPS", "FORGED_COUNT", "LOOPS", "SLOWEST"]

FORGED_COUNT = """
from contextlib import contextmanager as _manager
from types import SimpleNamespace as _Namespace
import autograder.sandbox.guest.perform as _perform
from autograder.calls import Steps as _Steps

@_manager
def _counting(most, libraries):
    yield _Namespace(steps=_Steps(7, 3))

_perform.counting = _counting
"""
"""Put in front of an answer: from then on its process says that it takes no steps."""

_WINDOWS = """
def windows(x, kernel, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))[:, :, ::stride, ::stride]
"""

_IM2COL_ARRAYS = {
    "windows": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    return w.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), x.shape[1] * kernel[0] * kernel[1], -1)
""",
    "a loop over the batch": """
def im2col(x, kernel, stride=1, padding=0):
    parts = [windows(image[None], kernel, stride, padding)[0] for image in x]
    return np.stack([part.transpose(0, 3, 4, 1, 2).reshape(x.shape[1] * kernel[0] * kernel[1], -1) for part in parts])
""",
    "index arrays": """
def im2col(x, kernel, stride=1, padding=0):
    n, c, h, w = x.shape
    kh, kw = kernel
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    oh, ow = (h + 2 * padding - kh) // stride + 1, (w + 2 * padding - kw) // stride + 1
    i = np.tile(np.repeat(np.arange(kh), kw), c)[:, None] + stride * np.repeat(np.arange(oh), ow)[None]
    j = np.tile(np.arange(kw), kh * c)[:, None] + stride * np.tile(np.arange(ow), oh)[None]
    return padded[:, np.repeat(np.arange(c), kh * kw)[:, None], i, j]
""",
    "copies of copies": """
def im2col(x, kernel, stride=1, padding=0):
    for _ in range(2):
        w = windows(x, kernel, stride, padding).transpose(0, 1, 4, 5, 2, 3).astype(np.float64)
        cols = np.concatenate([w[None].copy()] * 3)[1].reshape(len(x), x.shape[1] * kernel[0] * kernel[1], -1)
    return cols.astype(x.dtype)
""",
}

_IM2COL_LOOPS = {
    "every patch": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    cols = np.empty((n, c * kh * kw, oh * ow), x.dtype)
    for i in range(oh):
        for j in range(ow):
            for k in range(n):
                cols[k, :, i * ow + j] = w[k, :, i, j].ravel()
    return cols
""",
    "patches of the whole batch": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    w, cols = w.transpose(2, 3, 0, 1, 4, 5), np.empty((oh, ow, n, c, kh, kw), x.dtype)
    for i in range(oh):
        to, of = cols[i], w[i]
        for j in range(ow):
            to[j] = of[j]
    return cols.transpose(2, 3, 4, 5, 0, 1).reshape(n, c * kh * kw, oh * ow)
""",
    "rows": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    rows = [w[:, :, i].transpose(0, 1, 3, 4, 2).reshape(n, c * kh * kw, ow) for i in range(oh)]
    return np.concatenate(rows, axis=2)
""",
    "columns": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    columns = [w[:, :, :, j].transpose(0, 1, 3, 4, 2).reshape(n, c * kh * kw, oh) for j in range(ow)]
    return np.stack(columns, axis=3).reshape(n, c * kh * kw, oh * ow)
""",
    "numbers of Python": """
def im2col(x, kernel, stride=1, padding=0):
    kh, kw = kernel
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    h, w = padded.shape[2:]
    across, columns = range(0, w - kw + 1, stride), []
    for image in padded.tolist():
        columns.append(
            [
                [row[j + v] for row in plane[u : h - kh + 1 + u : stride] for j in across]
                for plane in image for u in range(kh) for v in range(kw)
            ]
        )
    return np.array(columns, dtype=x.dtype)
""",
    "np.vectorize": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    at = np.vectorize(lambda *place: w[place])
    return at(*np.ogrid[:n, :c, :oh, :ow, :kh, :kw]).transpose(0, 1, 4, 5, 2, 3).reshape(n, -1, oh * ow).astype(x.dtype)
""",
    "np.frompyfunc": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    at = np.frompyfunc(lambda *place: w[place], 6, 1)
    return at(*np.ogrid[:n, :c, :oh, :ow, :kh, :kw]).transpose(0, 1, 4, 5, 2, 3).reshape(n, -1, oh * ow).astype(x.dtype)
""",
    "np.apply_along_axis": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    patches = w.transpose(0, 2, 3, 1, 4, 5).reshape(n, oh * ow, -1)
    return np.apply_along_axis(np.copy, 2, patches).transpose(0, 2, 1)
""",
    "map": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    patches = list(map(np.ravel, w.transpose(0, 2, 3, 1, 4, 5).reshape(n * oh * ow, -1)))
    return np.array(patches).reshape(n, oh * ow, -1).transpose(0, 2, 1)
""",
    "functools.reduce": """
def im2col(x, kernel, stride=1, padding=0):
    import functools
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    def put(cols, p):
        i, j = divmod(p, ow)
        cols[..., p] = w[:, :, i, j].reshape(n, -1)
        return cols
    return functools.reduce(put, range(oh * ow), np.empty((n, c * kh * kw, oh * ow), x.dtype))
""",
    "a generator": """
def im2col(x, kernel, stride=1, padding=0):
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    patches = (w[:, :, i, j].reshape(n, -1) for i in range(oh) for j in range(ow))
    return np.stack(list(patches), axis=2)
""",
    "threads": """
def im2col(x, kernel, stride=1, padding=0):
    import threading
    w = windows(x, kernel, stride, padding)
    n, c, oh, ow, kh, kw = w.shape
    cols = np.empty((n, c * kh * kw, oh * ow), x.dtype)
    def work(first):
        for p in range(first, oh * ow, 2):
            cols[..., p] = w[:, :, p // ow, p % ow].reshape(n, -1)
    threads = [threading.Thread(target=work, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return cols
""",
}

_CONV2D = """
def conv2d(x, w, b=None, stride=1, padding=0):
    y = w.reshape(len(w), -1) @ im2col(x, w.shape[2:], stride, padding)
    rows = (x.shape[2] + 2 * padding - w.shape[2]) // stride + 1
    y = y.reshape(len(x), len(w), rows, -1)
    return y if b is None else y + b[:, None, None]
"""

_CONV2D_ARRAYS = {
    "im2col and a product": _IM2COL_ARRAYS["windows"] + _CONV2D,
    "a loop over the batch": """
def conv2d(x, w, b=None, stride=1, padding=0):
    seen = [windows(image[None], w.shape[2:], stride, padding)[0] for image in x]
    y = np.stack([np.tensordot(w, each, axes=([1, 2, 3], [0, 3, 4])) for each in seen])
    return y if b is None else y + b[:, None, None]
""",
    "einsum": """
def conv2d(x, w, b=None, stride=1, padding=0):
    y = np.einsum("ncijhw,ochw->noij", windows(x, w.shape[2:], stride, padding), w)
    return y if b is None else y + b[:, None, None]
""",
    "one large product of all": """
def conv2d(x, w, b=None, stride=1, padding=0):
    seen = windows(x, w.shape[2:], stride, padding)
    y = (seen[:, None].astype(float) * w[None, :, :, None, None]).sum((2, 5, 6)).astype(x.dtype)
    return y if b is None else y + b[:, None, None]
""",
}

_CONV2D_LOOPS = {
    "every patch": _IM2COL_LOOPS["every patch"]
    + """
def conv2d(x, w, b=None, stride=1, padding=0):
    cols = im2col(x, w.shape[2:], stride, padding)
    y = np.empty((len(x), len(w), cols.shape[2]), np.result_type(x, w))
    for k in range(len(x)):
        for p in range(cols.shape[2]):
            y[k, :, p] = w.reshape(len(w), -1) @ cols[k, :, p]
    y = y.reshape(len(x), len(w), (x.shape[2] + 2 * padding - w.shape[2]) // stride + 1, -1)
    return y if b is None else y + b[:, None, None]
""",
    "columns in a loop": _IM2COL_LOOPS["patches of the whole batch"] + _CONV2D,
    "products in a loop": _IM2COL_ARRAYS["windows"]
    + """
def conv2d(x, w, b=None, stride=1, padding=0):
    cols = im2col(x, w.shape[2:], stride, padding).transpose(2, 1, 0)
    y = np.stack([w.reshape(len(w), -1) @ patch for patch in cols], axis=2)
    y = y.transpose(1, 0, 2).reshape(len(x), len(w), (x.shape[2] + 2 * padding - w.shape[2]) // stride + 1, -1)
    return y if b is None else y + b[:, None, None]
""",
    "numbers of Python": """
def conv2d(x, w, b=None, stride=1, padding=0):
    from operator import mul
    seen = windows(x, w.shape[2:], stride, padding)
    n, c, oh, ow, kh, kw = seen.shape
    images, kernels = seen.transpose(0, 2, 3, 1, 4, 5).reshape(n, oh * ow, -1).tolist(), w.reshape(len(w), -1).tolist()
    y = np.array([[[sum(map(mul, k, patch)) for patch in image] for k in kernels] for image in images], dtype=x.dtype)
    y = y.reshape(n, len(w), oh, ow)
    return y if b is None else y + b[:, None, None]
""",
}

_TORCH_MAX = """
def largest(messages, index, n):
    place = index[:, None].expand_as(messages)
    return messages.new_zeros(n, messages.shape[1]).scatter_reduce(0, place, messages, "amax", include_self=False)

def averaged(total, index, n, reduce):
    counts = torch.bincount(index, minlength=n).clamp(min=1)[:, None].to(total.dtype)
    return total if reduce == "sum" else total / counts
"""

_SCATTER_ARRAYS = {
    "a matrix of nodes by messages": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    member = (index[None, :] == torch.arange(n)[:, None]).to(messages.dtype)
    return averaged(member @ messages, index, n, reduce)
""",
    "np.add.at": """
def scatter(messages, index, n, reduce):
    import numpy as np
    if reduce == "max":
        return largest(messages, index, n)
    out = np.zeros((n, messages.shape[1]), messages.numpy().dtype)
    np.add.at(out, index.numpy(), messages.numpy())
    return averaged(torch.from_numpy(out), index, n, reduce)
""",
    "a sparse product": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    e = len(index)
    ones = messages.new_ones(e)
    member = torch.sparse_coo_tensor(torch.stack([index, torch.arange(e)]), ones, (n, e), check_invariants=False)
    return averaged(member @ messages, index, n, reduce)
""",
    "sorted, then cumulative sums": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    sums = messages[torch.argsort(index)].double().cumsum(0)
    sums = torch.cat([sums.new_zeros(1, messages.shape[1]), sums])
    ends = torch.bincount(index, minlength=n).cumsum(0)
    total = sums[ends] - sums[torch.cat([ends.new_zeros(1), ends[:-1]])]
    return averaged(total.to(messages.dtype), index, n, reduce)
""",
    "a loop over the features": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    columns = [torch.bincount(index, weights=column, minlength=n) for column in messages.unbind(1)]
    return averaged(torch.stack(columns, dim=1).to(messages.dtype), index, n, reduce)
""",
    "np.add.at into doubles, counts too": """
def scatter(messages, index, n, reduce):
    import numpy as np
    if reduce == "max":
        return largest(messages, index, n)
    total, count = np.zeros((n, messages.shape[1])), np.zeros(n)
    np.add.at(total, (index.numpy(), slice(None)), messages.numpy())
    np.add.at(count, index.numpy(), 1)
    out = total / np.maximum(count, 1)[:, None] if reduce == "mean" else total
    return torch.from_numpy(out).to(messages.dtype)
""",
    "np.add.reduceat": """
def scatter(messages, index, n, reduce):
    import numpy as np
    if reduce == "max" or len(index) == 0:
        return largest(messages, index, n)
    order = np.argsort(index.numpy(), kind="stable")
    nodes = index.numpy()[order]
    starts = np.flatnonzero(np.r_[True, nodes[1:] != nodes[:-1]])
    out = np.zeros((n, messages.shape[1]), messages.numpy().dtype)
    out[nodes[starts]] = np.add.reduceat(messages.numpy()[order], starts, axis=0)
    return averaged(torch.from_numpy(out), index, n, reduce)
""",
    "one-hot rows, einsum": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    member = torch.nn.functional.one_hot(index, n).double()
    return averaged(torch.einsum("en,ef->nf", member, messages.double()).to(messages.dtype), index, n, reduce)
""",
    "a cube of nodes, messages, features": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    member = index[None, :] == torch.arange(n)[:, None]
    return averaged((member[:, :, None] * messages[None]).sum(1), index, n, reduce)
""",
    "rows of equal length": """
def scatter(messages, index, n, reduce):
    if reduce == "max" or len(index) == 0:
        return largest(messages, index, n)
    order = torch.argsort(index, stable=True)
    nodes, counts = index[order], torch.bincount(index, minlength=n)
    place = torch.arange(len(index)) - (counts.cumsum(0) - counts)[nodes]
    rows = messages.new_zeros(n, int(counts.max()), messages.shape[1])
    rows[nodes, place] = messages[order]
    return averaged(rows.sum(1), index, n, reduce)
""",
    "vmap over the nodes": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    total = torch.vmap(lambda node: ((index == node)[:, None] * messages).sum(0))(torch.arange(n))
    return averaged(total, index, n, reduce)
""",
    "all three, one of them returned": """
def scatter(messages, index, n, reduce):
    place, none = index[:, None].expand_as(messages), messages.new_zeros(n, messages.shape[1])
    ways = {"sum": "sum", "mean": "mean", "max": "amax"}
    made = {key: none.scatter_reduce(0, place, messages, way, include_self=False) for key, way in ways.items()}
    return made[reduce]
""",
}

_SCATTER_LOOPS = {
    "every message": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    out = torch.zeros(n, messages.shape[1], dtype=messages.dtype)
    for e in range(len(index)):
        out[index[e]] += messages[e]
    return averaged(out, index, n, reduce)
""",
    "every message, in NumPy": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    out = torch.zeros(n, messages.shape[1], dtype=messages.dtype)
    rows = list(out.numpy())
    for node, message in zip(index.tolist(), messages.numpy()):
        rows[node] += message
    return averaged(out, index, n, reduce)
""",
    "every node": """
def scatter(messages, index, n, reduce):
    out = torch.zeros(n, messages.shape[1], dtype=messages.dtype)
    for node in range(n):
        mine = messages[index == node]
        if len(mine):
            out[node] = mine.sum(0) if reduce == "sum" else mine.mean(0) if reduce == "mean" else mine.amax(0)
    return out
""",
    "groups of lists": """
def scatter(messages, index, n, reduce):
    groups = {}
    for node, message in zip(index.tolist(), messages.tolist()):
        groups.setdefault(node, []).append(message)
    fold = {"sum": sum, "mean": lambda column: sum(column) / len(column), "max": max}[reduce]
    none = [[0.0]] * messages.shape[1]
    rows = [[fold(column) for column in zip(*groups[i])] if i in groups else sum(none, []) for i in range(n)]
    return torch.tensor(rows, dtype=messages.dtype)
""",
    "np.vectorize": """
def scatter(messages, index, n, reduce):
    import numpy as np
    if reduce == "max" or len(index) == 0:
        return largest(messages, index, n)
    out = np.zeros((n, messages.shape[1]), messages.numpy().dtype)
    nodes, rows = index.numpy(), messages.numpy()
    def put(e):
        out[nodes[e]] += rows[e]
        return 0
    np.vectorize(put, otypes=[int])(np.arange(len(nodes)))
    return averaged(torch.from_numpy(out), index, n, reduce)
""",
    "np.apply_along_axis": """
def scatter(messages, index, n, reduce):
    import numpy as np
    if reduce == "max" or len(index) == 0:
        return largest(messages, index, n)
    out = np.zeros((n, messages.shape[1]))
    def put(row):
        out[int(row[0])] += row[1:]
        return 0.0
    np.apply_along_axis(put, 1, np.c_[index.numpy(), messages.numpy()])
    return averaged(torch.from_numpy(out).to(messages.dtype), index, n, reduce)
""",
    "map": """
def scatter(messages, index, n, reduce):
    import numpy as np
    if reduce == "max":
        return largest(messages, index, n)
    out = np.zeros((n, messages.shape[1]), messages.numpy().dtype)
    list(map(lambda node, row: np.add(out[node], row, out=out[node]), index.tolist(), messages.numpy()))
    return averaged(torch.from_numpy(out), index, n, reduce)
""",
    "a comprehension over the nodes": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    return averaged(torch.stack([messages[index == node].sum(0) for node in range(n)]), index, n, reduce)
""",
}

_SCATTER_CHEAP_LOOPS = {
    "np.fromiter": """
def scatter(messages, index, n, reduce):
    import numpy as np
    if reduce == "max":
        return largest(messages, index, n)
    out = [[0.0] * messages.shape[1] for _ in range(n)]
    def one(node, message):
        for f, number in enumerate(message):
            out[node][f] += number
        return 0
    np.fromiter((one(*pair) for pair in zip(index.tolist(), messages.tolist())), int)
    return averaged(torch.tensor(out, dtype=messages.dtype).reshape(n, messages.shape[1]), index, n, reduce)
""",
    "numbers of Python, a column at a time": """
def scatter(messages, index, n, reduce):
    if reduce == "max":
        return largest(messages, index, n)
    nodes, columns = index.tolist(), []
    for column in messages.T.tolist():
        out = [0.0] * n
        for node, number in zip(nodes, column):
            out[node] += number
        columns.append(out)
    return averaged(torch.tensor(columns, dtype=messages.dtype).T, index, n, reduce)
""",
}

_PASSING = """
def message_passing(x, edge_index, message, reduce):
    source, target = edge_index
    return scatter(message(x[target], x[source]), target, len(x), reduce)
"""
_GATHERS = """
def message_passing(x, edge_index, message, reduce):
    source, target = edge_index
    if len(target) == 0:
        return scatter(message(x[target], x[source]), target, len(x), reduce)
    x_i, x_j = (torch.stack([x[node] for node in nodes.tolist()]) for nodes in (target, source))
    return scatter(message(x_i, x_j), target, len(x), reduce)
"""

ARRAYS = {
    "cnn.im2col": {style: _WINDOWS + source for style, source in _IM2COL_ARRAYS.items()},
    "cnn.conv2d": {style: _WINDOWS + source for style, source in _CONV2D_ARRAYS.items()},
    "gnn.scatter": {style: _TORCH_MAX + source for style, source in _SCATTER_ARRAYS.items()},
    "gnn.message_passing": {style: _TORCH_MAX + source + _PASSING for style, source in _SCATTER_ARRAYS.items()},
}
"""Right answers that work on whole arrays, by exercise and style."""

LOOPS = {
    "cnn.im2col": {style: _WINDOWS + source for style, source in _IM2COL_LOOPS.items()},
    "cnn.conv2d": {style: _WINDOWS + source for style, source in _CONV2D_LOOPS.items()},
    "gnn.scatter": {style: _TORCH_MAX + source for style, source in _SCATTER_LOOPS.items()},
    "gnn.message_passing": {
        **{style: _TORCH_MAX + source + _PASSING for style, source in _SCATTER_LOOPS.items()},
        "gathers in a loop": _TORCH_MAX + _SCATTER_ARRAYS["a loop over the features"] + _GATHERS,
    },
}
"""Right answers that loop over what may not be looped over, by exercise and style."""
CHEAP_LOOPS = {
    "gnn.scatter": {style: _TORCH_MAX + source for style, source in _SCATTER_CHEAP_LOOPS.items()},
    "gnn.message_passing": {style: _TORCH_MAX + source + _PASSING for style, source in _SCATTER_CHEAP_LOOPS.items()},
}
"""Loops over numbers of Python, which take hardly longer than slow work on arrays: their steps tell."""
SLOWEST = "np.add.at into doubles, counts too"
"""The slowest work on arrays that was found for scatter and message_passing."""
