"""Answers written from the last hint of an exercise: the code that the hint names occurs in them, word for word."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional

from course_lib.cnn import col2im, im2col
from course_lib.gnn import degree
from course_lib.quantization.grids import limits

FOLLOWED: dict[str, Callable[..., object]] = {}


def follows(id_: str):
    def noted(answer):
        FOLLOWED[id_] = answer
        return answer

    return noted


# --- numpy ---------------------------------------------------------------------------------------------------


@follows("start.average")
def average(numbers):
    if len(numbers) == 0:
        return 0.0
    return float(np.sum(numbers) / len(numbers))


@follows("linear.perceptron_step")
def perceptron_step(w, b, x, y):
    if y * (w @ x + b) <= 0:
        return w + y * x, b + y
    return w, b


@follows("linear.softmax")
def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@follows("linear.cross_entropy")
def cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(labels)), labels]
    return float(losses.mean())


@follows("mlp.sigmoid")
def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


@follows("mlp.he_init")
def he_init(sizes, rng):
    params = []
    for n_in, n_out in pairwise(sizes):
        params.append((rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in), np.zeros(n_out)))
    return params


@follows("mlp.parameter_count")
def parameter_count(sizes):
    total = 0
    for n_in, n_out in pairwise(sizes):
        total += n_out * n_in + n_out
    return total


@follows("backprop.numerical_gradient")
def numerical_gradient(f, x, eps=1e-5):
    moved = x.copy()
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved[index] = x[index] + eps
        above = f(moved)
        moved[index] = x[index] - eps
        below = f(moved)
        moved[index] = x[index]
        gradient[index] = (above - below) / (2 * eps)
    return gradient


@follows("backprop.softmax_cross_entropy")
def softmax_cross_entropy(logits, labels):
    N = len(labels)
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(N)
    loss = -log_p[rows, labels].mean()
    dlogits = np.exp(log_p)
    dlogits[rows, labels] -= 1
    return loss, dlogits / N


@follows("backprop.unbroadcast")
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis in range(len(shape)):
        if shape[axis] == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad


@follows("cnn.conv2d_single")
def conv2d_single(image, kernel):
    K = len(kernel)
    H, W = image.shape
    out = np.zeros((H - K + 1, W - K + 1), image.dtype)
    for i in range(H - K + 1):
        for j in range(W - K + 1):
            out[i, j] = np.sum(image[i : i + K, j : j + K] * kernel)
    return out


@follows("cnn.translate")
def translate(image, dy, dx):
    H, W = image.shape[-2:]
    dy = max(-H, min(H, dy))
    dx = max(-W, min(W, dx))
    moved = np.zeros_like(image)
    part = image[..., max(0, -dy) : H - max(0, dy), max(0, -dx) : W - max(0, dx)]
    moved[..., max(0, dy) : H + min(0, dy), max(0, dx) : W + min(0, dx)] = part
    return moved


@follows("cnn.conv2d_backward")
def conv2d_backward(dout, x, w, stride=1, padding=0):
    N, (C_out, _, KH, KW) = len(x), w.shape
    cols = im2col(x, (KH, KW), stride, padding)
    dy = dout.reshape(N, C_out, -1)
    dw = (dy @ cols.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
    dx = col2im(w.reshape(C_out, -1).T @ dy, x.shape, (KH, KW), stride, padding)
    db = dy.sum(axis=(0, 2))
    return dx, dw, db


# --- torch ---------------------------------------------------------------------------------------------------


@follows("rnn.gradient_norms")
def gradient_norms(hs, W_hh):
    H = hs.shape[1]
    product = torch.eye(H, dtype=hs.dtype)
    norms = [torch.linalg.matrix_norm(product, 2)]
    for h in hs[1:].flip(0):
        product = product @ ((1 - h**2)[:, None] * W_hh)
        norms.append(torch.linalg.matrix_norm(product, 2))
    return torch.stack(norms[::-1])


@follows("rnn.clip_gradient_norm")
def clip_gradient_norm(grads, max_norm):
    total_norm = math.sqrt(sum(float((g**2).sum()) for g in grads))
    factor = 1.0
    if total_norm > max_norm:
        factor = max_norm / total_norm
    return [g * factor for g in grads], total_norm


@follows("rnn.perplexity")
def perplexity(logits, targets):
    chosen = torch.log_softmax(logits, dim=-1).gather(-1, targets[..., None])
    return math.exp(-chosen.mean())


@follows("lstm.memory_gradient")
def memory_gradient(forget_gates):
    T = len(forget_gates)
    rows = torch.empty_like(forget_gates)
    rows[T - 1] = torch.ones_like(forget_gates[0])
    t = T - 2
    while t >= 0:
        rows[t] = rows[t + 1] * forget_gates[t + 1]
        t -= 1
    return rows


@follows("lstm.gru_cell")
def gru_cell(x, h, W_ih, W_hh, b_ih, b_hh):
    a_r, a_z, a_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    u_r, u_z, u_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    r = torch.sigmoid(a_r + u_r)
    z = torch.sigmoid(a_z + u_z)
    n = torch.tanh(a_n + r * u_n)
    return z * h + (1 - z) * n


@follows("lstm.adding_batch")
def adding_batch(n, length, generator):
    xs = torch.zeros(n, length, 2)
    xs[..., 0] = torch.rand(n, length, generator=generator)
    place = torch.randint(0, length // 2, (n,), generator=generator)
    xs[torch.arange(n), place, 1] = 1
    place = torch.randint(length // 2, length, (n,), generator=generator)
    xs[torch.arange(n), place, 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(dim=1)


@follows("gnn.add_self_loops")
def add_self_loops(edge_index, n):
    source, target = edge_index
    has_loop = torch.zeros(n, dtype=torch.bool)
    has_loop[source[source == target]] = True
    missing = (~has_loop).nonzero().ravel()
    return torch.cat([edge_index, torch.stack([missing, missing])], dim=1)


@follows("gnn.scatter")
def scatter(messages, index, n, reduce):
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "max":
        place = index[:, None].expand_as(messages)
        return out.scatter_reduce(0, place, messages, "amax", include_self=False)
    out = out.index_add(0, index, messages)
    return out / degree(index, n).clamp(min=1)[:, None] if reduce == "mean" else out


@follows("gnn.k_hop")
def k_hop(edge_index, node, k, n):
    source, target = edge_index
    known = torch.zeros(n, dtype=torch.bool)
    known[node] = True
    for _ in range(k):
        known[source[known[target]]] = True
    return known.nonzero().ravel()


@follows("gnn.negative_edges")
def negative_edges(edge_index, n, count, generator):
    free = ~torch.eye(n, dtype=torch.bool)
    free[edge_index[0], edge_index[1]] = False
    pairs = free.nonzero()
    return pairs[torch.randint(len(pairs), (count,), generator=generator)].T


@follows("complex_nn.mod_relu")
def mod_relu(z, b):
    m = z.abs()
    zero = m == 0
    scale = torch.relu(m + b) / m.masked_fill(zero, 1)
    return scale.masked_fill(zero, 0) * z


@follows("complex_nn.complex_init")
def complex_init(fan_out, fan_in, generator):
    w = torch.randn(fan_out, fan_in, dtype=torch.complex64, generator=generator)
    return w * math.sqrt(2 / fan_in)


@follows("complex_nn.psk_error_rate")
def psk_error_rate(order, snr_db):
    snr = 10 ** (snr_db / 10)
    x = math.sqrt(2 * snr) * math.sin(math.pi / order)
    return math.erfc(x / math.sqrt(2)) / 2 * (1 if order == 2 else 2)


@follows("acceleration.conv_macs")
def conv_macs(shape, w_shape, stride=1, padding=0):
    (n, c, h, w), (c_out, _, kh, kw) = shape, w_shape
    rows = (h + 2 * padding - kh) // stride + 1
    columns = (w + 2 * padding - kw) // stride + 1
    return n * c_out * rows * columns * c * kh * kw


@follows("acceleration.systolic_matmul")
def systolic_matmul(A, B):
    (n, k), m = A.shape, B.shape[1]
    last = (n - 1) + (m - 1) + (k - 1)
    return A @ B, last + 1


@follows("acceleration.fuse_conv_bn")
def fuse_conv_bn(w, b, gamma, beta, mean, var, eps=1e-5):
    factor = gamma / torch.sqrt(var + eps)
    b = 0 if b is None else b
    return w * factor.reshape(-1, 1, 1, 1), (b - mean) * factor + beta


@follows("pruning.magnitude_mask")
def magnitude_mask(w, sparsity):
    order = w.abs().flatten().argsort()
    count = math.floor(sparsity * w.numel() + 0.5)
    mask = torch.ones(w.numel(), dtype=torch.bool)
    mask[order[:count]] = False
    return mask.reshape(w.shape)


@follows("pruning.to_csr")
def to_csr(w):
    rows, columns = w.nonzero(as_tuple=True)
    row_pointers = torch.zeros(len(w) + 1, dtype=torch.int64)
    row_pointers[1:] = torch.bincount(rows, minlength=len(w)).cumsum(0)
    return w[rows, columns], columns, row_pointers


@follows("pruning.kmeans_share")
def kmeans_share(w, clusters, iterations):
    codebook = w.min() + (w.max() - w.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)
    for _ in range(iterations):
        codes = (w[..., None] - codebook).abs().argmin(-1)
        for k in codes.unique():
            codebook[k] = w[codes == k].mean()
    return codebook, (w[..., None] - codebook).abs().argmin(-1)


@follows("quantization.per_channel_qparams")
def per_channel_qparams(w, axis, bits=8):
    rows = w.abs().movedim(axis, 0).reshape(w.shape[axis], -1)
    scales = rows.amax(1) / (2 ** (bits - 1) - 1)
    return torch.where(scales == 0, 1, scales), torch.zeros(len(rows), dtype=torch.int64)


@follows("quantization.int8_matmul")
def int8_matmul(qx, zx, qw, zw):
    if isinstance(zw, torch.Tensor):
        zw = zw[:, None]
    x, w = (qx.to(torch.int32) - zx), (qw.to(torch.int32) - zw)
    return x.to(torch.int32) @ w.to(torch.int32).T


@follows("quantization.fake_quantize")
def fake_quantize(x, scale, zero_point, bits):
    least, most = limits(bits)
    q = torch.round(x / scale) + zero_point
    inside = x * ((q >= least) & (q <= most))
    rounded = (q.clamp(least, most) - zero_point) * scale
    return inside + (rounded - inside).detach()


@follows("capstone.pack")
def pack(codes, bits):
    row = (codes.reshape(-1, 1).long() >> torch.arange(bits) & 1).flatten()
    row = functional.pad(row, (0, -len(row) % 8)).view(-1, 8)
    return (row * 2 ** torch.arange(8)).sum(dim=1).to(torch.uint8)


@follows("capstone.unpack")
def unpack(packed, bits, count):
    ones = (packed[:, None].long() >> torch.arange(8) & 1).flatten()[: count * bits].view(count, bits)
    return sum(ones[:, j] << j for j in range(bits)).to(torch.uint8)


@follows("capstone.pareto_front")
def pareto_front(costs, scores):
    front, best = [], float("-inf")
    for i in sorted(range(len(costs)), key=lambda i: (costs[i].item(), -scores[i].item(), i)):
        if scores[i].item() > best:
            front.append(i)
            best = scores[i].item()
    return torch.tensor(front)
