"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "conv_macs": """
def conv_macs(shape, w_shape, stride=1, padding=0):
    total = 0
    for image in range(shape[0]):
        for channel in range(w_shape[0]):
            top = 0
            while top + w_shape[2] <= shape[2] + 2 * padding:
                left = 0
                while left + w_shape[3] <= shape[3] + 2 * padding:
                    total += w_shape[1] * w_shape[2] * w_shape[3]
                    left += stride
                top += stride
    return total
""",
    "conv_bytes": """
def conv_bytes(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    x, w = torch.empty(shape, device="meta"), torch.empty(w_shape, device="meta")
    y = torch.nn.functional.conv2d(x, w, stride=stride, padding=padding)
    total = 0
    for tensor in (x, w, y):
        total += tensor.numel()
    return total * dtype_bytes
""",
    "arithmetic_intensity": """
def arithmetic_intensity(macs, bytes):
    flops = macs + macs
    return flops / bytes
""",
    "roofline": """
def roofline(peak_flops, bandwidth, intensity):
    seconds_for_arithmetic = 1 / peak_flops
    seconds_for_traffic = 1 / (intensity * bandwidth)
    return 1 / max(seconds_for_arithmetic, seconds_for_traffic)
""",
    "training_flops": """
def training_flops(macs, batch, steps):
    total = 0
    for passes in ("forward", "gradient of inputs", "gradient of weights"):
        total += 2 * macs
    return total * batch * steps
""",
    "systolic_matmul": """
def systolic_matmul(A, B):
    n, k, m = A.size(0), A.size(1), B.size(1)
    cells = {(i, j): [] for i in range(n) for j in range(m)}
    first = last = None
    for cycle in range(n + m + k):
        for (i, j), products in cells.items():
            if len(products) < k and cycle >= i + j:
                products.append(A[i, len(products)] * B[len(products), j])
                first = cycle if first is None else first
                last = cycle
    C = torch.stack([torch.stack([torch.stack(cells[i, j]).sum() for j in range(m)]) for i in range(n)])
    return C, last - first + 1
""",
    "tiled_matmul": """
def tiled_matmul(A, B, tile, memory):
    n, m = len(A), B.shape[1]
    C = A.new_empty((n, m))
    rows = [slice(i, min(i + tile, n)) for i in range(0, n, tile)]
    columns = [slice(j, min(j + tile, m)) for j in range(0, m, tile)]
    inner = [slice(s, s + tile) for s in range(0, A.shape[1], tile)]
    for j in columns:
        for i in rows:
            c = memory.zeros(i.stop - i.start, j.stop - j.start, like=B)
            for s in inner:
                a = memory.load(A[i, s])
                b = memory.load(B[s, j])
                for r in range(len(a)):
                    for q in range(b.shape[1]):
                        for p in range(len(b)):
                            c[r, q] += a[r, p] * b[p, q]
                memory.free(b)
                memory.free(a)
            memory.store(c, C[i, j])
            memory.free(c)
    return C
""",
    "loop_traffic": """
def loop_traffic(order, n, m, k, tile):
    import itertools

    length = dict(i=n, j=m, k=k)

    def area(matrix, place):
        sides = [min(length[name], (index + 1) * tile) - index * tile for name, index in zip(matrix, place)]
        return sides[0] * sides[1]

    counts = {name: -(-length[name] // tile) for name in "ijk"}
    visits = [dict(zip(order, each)) for each in itertools.product(*(range(counts[name]) for name in order))]
    loads = stores = 0
    for matrix in ("ik", "kj", "ij"):
        runs = [key for key, _ in itertools.groupby([(visit[matrix[0]], visit[matrix[1]]) for visit in visits])]
        if matrix == "ij":
            stores = sum(area(matrix, place) for place in runs)
            loads += stores - sum(area(matrix, place) for place in set(runs))
        else:
            loads += sum(area(matrix, place) for place in runs)
    return loads, stores
""",
    "amdahl": """
def amdahl(fraction, workers):
    hour = 60.0
    new = hour * (1 - fraction) + hour * fraction / workers
    return hour / new
""",
    "shard_gradients": """
def shard_gradients(x, y, params, workers):
    total = [[torch.zeros_like(W), torch.zeros_like(b)] for W, b in params]
    for worker in range(workers):
        mine = list(range(worker, len(x), workers))
        if not mine:
            continue
        values = [x[mine]]
        for layer, (W, b) in enumerate(params):
            z = values[-1] @ W.T + b
            values.append(z.clamp(min=0) if layer < len(params) - 1 else z)
        delta = values[-1].softmax(dim=1)
        delta[range(len(mine)), y[mine]] -= 1
        delta = delta / len(x)
        for layer in reversed(range(len(params))):
            total[layer][0] += delta.T @ values[layer]
            total[layer][1] += delta.sum(dim=0)
            delta = (delta @ params[layer][0]) * (values[layer] > 0)
    return [tuple(pair) for pair in total]
""",
    "ring_allreduce": """
def ring_allreduce(chunks):
    workers = len(chunks)
    mine = [[c * 1 for c in own] for own in chunks]
    steps = 0
    for phase in ("add", "copy"):
        for step in range(workers - 1):
            new = [list(own) for own in mine]
            for worker in range(workers):
                left = (worker - 1) % workers
                chunk = (left - step + (phase == "copy")) % workers
                new[worker][chunk] = mine[left][chunk] + (mine[worker][chunk] if phase == "add" else 0)
            mine = new
            steps += 1
    return mine, steps
""",
    "count_ops": """
def count_ops(fn, *args):
    names = []

    class Listen(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            names.append(func)
            return func(*args, **(kwargs or {}))

    mode = Listen()
    mode.__enter__()
    try:
        fn(*args)
    finally:
        mode.__exit__(None, None, None)
    return len(names)
""",
    "batched": """
def batched(fn, xs):
    out = fn(torch.cat([x[None] for x in xs]))
    return [out[i] for i in range(len(xs))]
""",
    "fuse_conv_bn": """
def fuse_conv_bn(w, b, gamma, beta, mean, var, eps=1e-5):
    weights, biases = [], []
    for c in range(len(w)):
        factor = gamma[c] / (var[c] + eps) ** 0.5
        weights.append(w[c] * factor)
        own = b[c] if b is not None else 0
        biases.append((own - mean[c]) * factor + beta[c])
    return torch.stack(weights), torch.stack(biases)
""",
}

FORMULAS = {
    "conv_macs": """
def conv_macs(shape, w_shape, stride=1, padding=0):
    import math

    out = [(size + 2 * padding - kernel + stride) // stride for size, kernel in zip(shape[2:], w_shape[2:])]
    return shape[0] * math.prod(w_shape) * math.prod(out)
""",
    "conv_bytes": """
def conv_bytes(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    from math import prod

    out = [1 + (size + 2 * padding - kernel) // stride for size, kernel in zip(shape[2:], w_shape[2:])]
    return (prod(shape) + prod(w_shape) + shape[0] * w_shape[0] * prod(out)) * dtype_bytes
""",
    "arithmetic_intensity": "arithmetic_intensity = lambda macs, bytes: macs / (bytes / 2)",
    "roofline": """
def roofline(peak_flops, bandwidth, intensity):
    ridge = peak_flops / bandwidth
    return peak_flops if intensity >= ridge else peak_flops * (intensity / ridge)
""",
    "training_flops": """
def training_flops(macs, batch, steps):
    forward = 2 * macs * batch
    backward = 2 * forward
    return (forward + backward) * steps
""",
    "systolic_matmul": """
def systolic_matmul(A, B):
    return torch.einsum("ns,sm->nm", A, B), sum(A.shape) + B.shape[1] - 2
""",
    "tiled_matmul": """
def tiled_matmul(A, B, tile, memory):
    C = torch.full((A.shape[0], B.shape[1]), float("nan"), dtype=A.dtype)
    for rows_of_C, rows_of_A in zip(C.split(tile), A.split(tile)):
        for target, columns_of_B in zip(rows_of_C.split(tile, dim=1), B.split(tile, dim=1)):
            c = memory.zeros(*target.shape, A)
            for a_out, b_out in zip(rows_of_A.split(tile, dim=1), columns_of_B.split(tile)):
                a, b = memory.load(a_out), memory.load(b_out)
                c.addmm_(a, b)
                memory.free(a), memory.free(b)
            memory.store(c, target)
            memory.free(c)
    return C
""",
    "loop_traffic": """
def loop_traffic(order, n, m, k, tile):
    N = {"i": -(-n // tile), "j": -(-m // tile), "k": -(-k // tile)}
    numbers = {"A": n * k, "B": k * m, "C": n * m}
    uses = {"A": "ik", "B": "kj", "C": "ij"}
    runs = {}
    for matrix, names in uses.items():
        (free,) = set("ijk") - set(names)
        # a tile stays while the loops inside of the last one that moves it run; the free loop repeats it otherwise
        inner = order[order.index(free) + 1 :]
        repeats = N[free] if any(N[name] > 1 for name in inner) else 1
        runs[matrix] = numbers[matrix] * repeats
    return runs["A"] + runs["B"] + runs["C"] - numbers["C"], runs["C"]
""",
    "amdahl": """
def amdahl(fraction, workers):
    return workers / (workers - fraction * (workers - 1))
""",
    "shard_gradients": """
def shard_gradients(x, y, params, workers):
    from collections import deque

    def loss_of(weights, x, y):
        *hidden, (W, b) = weights
        for V, c in hidden:
            x = torch.nn.functional.relu(torch.nn.functional.linear(x, V, c))
        return torch.nn.functional.cross_entropy(torch.nn.functional.linear(x, W, b), y, reduction="sum")

    weights = [(W.clone().requires_grad_(), b.clone().requires_grad_()) for W, b in params]
    size = -(-len(x) // workers)
    queue = deque(zip(x.split(size), y.split(size)))
    while queue:
        (loss_of(weights, *queue.popleft()) / len(x)).backward()
    return [(W.grad, b.grad) for W, b in weights]
""",
    "ring_allreduce": """
def ring_allreduce(chunks):
    P = len(chunks)
    sums = [torch.stack(list(column)).sum(dim=0) for column in zip(*chunks)]
    return [[each.clone() for each in sums] for _ in chunks], 2 * (P - 1)
""",
    "count_ops": """
def count_ops(fn, *args):
    from collections import Counter

    tally = Counter()

    class Tally(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs={}):
            tally[func] += 1
            return func(*args, **kwargs)

    with Tally():
        fn(*args)
    return tally.total()
""",
    "batched": "batched = lambda fn, xs: fn(torch.stack(tuple(xs), 0))",
    "fuse_conv_bn": """
def fuse_conv_bn(w, b, gamma, beta, mean, var, eps=1e-5):
    factor = (var + eps).rsqrt().mul(gamma)
    new = beta - factor * mean
    if b is not None:
        new = new + factor * b
    return torch.einsum("o,oikl->oikl", factor, w), new
""",
}

STYLES = {"loops": LOOPS, "other formula": FORMULAS}
