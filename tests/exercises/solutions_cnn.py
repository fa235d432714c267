"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "dense_weight_count": """
def dense_weight_count(height, width, channels, hidden):
    total = 0
    for node in range(hidden):
        total += height * width * channels
    return total
""",
    "conv_weight_count": """
def conv_weight_count(c_in, c_out, kernel, bias=True):
    count = 0
    for channel in range(c_out):
        for slice_ in range(c_in):
            count += kernel ** 2
        if bias:
            count = count + 1
    return count
""",
    "conv2d_single": """
def conv2d_single(image, kernel):
    K = len(kernel)
    rows = []
    for i in range(image.shape[0] - K + 1):
        row = []
        for j in range(image.shape[1] - K + 1):
            total = 0.0
            for u in range(K):
                for v in range(K):
                    total += image[i + u][j + v] * kernel[u][v]
            row.append(total)
        rows.append(row)
    print("done")
    return np.array(rows)
""",
    "output_size": """
def output_size(size, kernel, stride=1, padding=0, dilation=1):
    last = padding + size + padding
    places, start = 0, 0
    while start + (kernel - 1) * dilation < last:
        places += 1
        start += stride
    return places
""",
    "conv2d_channels": """
def conv2d_channels(image, kernel):
    C, H, W = image.shape
    K = kernel.shape[1]
    out = np.zeros((H - K + 1, W - K + 1), dtype=image.dtype)
    for c in range(C):
        for i in range(H - K + 1):
            for j in range(W - K + 1):
                for u in range(K):
                    for v in range(K):
                        out[i, j] += image[c, i + u, j + v] * kernel[c, u, v]
    return out
""",
    "conv2d_loops": """
def conv2d_loops(x, w, b=None, stride=1, padding=0):
    N, C, H, W = x.shape
    O, _, KH, KW = w.shape
    big = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    big[:, :, padding:padding + H, padding:padding + W] = x
    out = np.zeros((N, O, (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1))
    for n in range(N):
        for o in range(O):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    total = 0.0 if b is None else b[o]
                    for c in range(C):
                        for u in range(KH):
                            for v in range(KW):
                                total += big[n, c, i * stride + u, j * stride + v] * w[o, c, u, v]
                    out[n, o, i, j] = total
    return out
""",
    "im2col": """
def im2col(x, kernel, stride=1, padding=0):
    KH, KW = kernel
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    N, C, H, W = x.shape
    rows, columns = (H - KH) // stride + 1, (W - KW) // stride + 1
    parts = []
    for c in range(C):
        for u in range(KH):
            for v in range(KW):
                seen = x[:, c, u:u + stride * rows:stride, v:v + stride * columns:stride]
                parts.append(seen[:, :rows, :columns].reshape(N, 1, -1))
    return np.concatenate(parts, axis=1)
""",
    "conv2d": """
def conv2d(x, w, b=None, stride=1, padding=0):
    KH, KW = w.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    rows, columns = (x.shape[2] - KH) // stride + 1, (x.shape[3] - KW) // stride + 1
    out = np.zeros((len(x), len(w), rows, columns), dtype=x.dtype)
    for u in range(KH):
        for v in range(KW):
            seen = x[:, :, u:u + stride * (rows - 1) + 1:stride, v:v + stride * (columns - 1) + 1:stride]
            out += np.tensordot(seen, w[:, :, u, v], axes=([1], [1])).transpose(0, 3, 1, 2)
    if b is not None:
        for o in range(len(w)):
            out[:, o] += b[o]
    return out
""",
    "max_pool2d": """
def max_pool2d(x, kernel, stride=None):
    if isinstance(kernel, int):
        kernel = (kernel, kernel)
    steps = kernel if stride is None else (stride, stride)
    rows = (x.shape[2] - kernel[0]) // steps[0] + 1
    columns = (x.shape[3] - kernel[1]) // steps[1] + 1
    out = np.empty(x.shape[:2] + (rows, columns), x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        top, left = i * steps[0], j * steps[1]
        out[n, c, i, j] = max(x[n, c, top:top + kernel[0], left:left + kernel[1]].ravel())
    return out
""",
    "avg_pool2d": """
def avg_pool2d(x, kernel, stride=None):
    if isinstance(kernel, int):
        kernel = (kernel, kernel)
    steps = kernel if stride is None else (stride, stride)
    rows = (x.shape[2] - kernel[0]) // steps[0] + 1
    columns = (x.shape[3] - kernel[1]) // steps[1] + 1
    out = np.empty(x.shape[:2] + (rows, columns), x.dtype)
    for n, c, i, j in np.ndindex(out.shape):
        window = x[n, c, i * steps[0]:i * steps[0] + kernel[0], j * steps[1]:j * steps[1] + kernel[1]]
        out[n, c, i, j] = sum(window.ravel()) / window.size
    return out
""",
    "receptive_field": """
def receptive_field(layers):
    low, high = 0, 0
    for kernel, stride in reversed(layers):
        low, high = low * stride, high * stride + kernel - 1
    return high - low + 1
""",
    "translate": """
def translate(image, dy, dx):
    moved = np.zeros_like(image)
    H, W = image.shape[-2:]
    for i in range(H):
        for j in range(W):
            if i - dy in range(H) and j - dx in range(W):
                moved[..., i, j] = image[..., i - dy, j - dx]
    return moved
""",
    "equivariance_error": """
def equivariance_error(layer, image, dy, dx, border):
    def move(picture):
        moved = np.zeros_like(picture)
        H, W = picture.shape[-2:]
        for i in range(H):
            for j in range(W):
                if 0 <= i - dy < H and 0 <= j - dx < W:
                    moved[..., i, j] = picture[..., i - dy, j - dx]
        return moved

    one, two = layer(move(image)), move(layer(image))
    worst = 0.0
    for i in range(border, one.shape[-2] - border):
        for j in range(border, one.shape[-1] - border):
            for a, b in zip(np.ravel(one[..., i, j]), np.ravel(two[..., i, j])):
                worst = max(worst, abs(a - b))
    return worst
""",
    "col2im": """
def col2im(cols, image_shape, kernel, stride=1, padding=0):
    N, C, H, W = image_shape
    KH, KW = kernel
    rows = (H + 2 * padding - KH) // stride + 1
    columns = (W + 2 * padding - KW) // stride + 1
    dx = np.zeros((N, C, H, W), cols.dtype)
    for n in range(N):
        for k in range(C * KH * KW):
            c, rest = divmod(k, KH * KW)
            u, v = divmod(rest, KW)
            for place in range(rows * columns):
                i, j = divmod(place, columns)
                y, x = i * stride + u - padding, j * stride + v - padding
                if 0 <= y < H and 0 <= x < W:
                    dx[n, c, y, x] += cols[n, k, place]
    return dx
""",
    "conv2d_backward": """
def conv2d_backward(dout, x, w, stride=1, padding=0):
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(len(w))
    N, C, H, W = x.shape
    for n, o, i, j in np.ndindex(dout.shape):
        g = dout[n, o, i, j]
        db[o] += g
        for u in range(w.shape[2]):
            for v in range(w.shape[3]):
                y, z = i * stride + u - padding, j * stride + v - padding
                if 0 <= y < H and 0 <= z < W:
                    for c in range(C):
                        dw[o, c, u, v] += g * x[n, c, y, z]
                        dx[n, c, y, z] += g * w[o, c, u, v]
    return [dx, dw, db]
""",
    "max_pool2d_backward": """
def max_pool2d_backward(dout, x, kernel, stride=None):
    if isinstance(kernel, int):
        kernel = (kernel, kernel)
    steps = kernel if stride is None else (stride, stride)
    dx = np.zeros(x.shape, x.dtype)
    for n, c, i, j in np.ndindex(dout.shape):
        best = None
        for u in range(i * steps[0], i * steps[0] + kernel[0]):
            for v in range(j * steps[1], j * steps[1] + kernel[1]):
                if best is None or x[n, c, u, v] > x[n, c][best]:
                    best = (u, v)
        dx[n, c][best] += dout[n, c, i, j]
    return dx
""",
    "batch_norm2d": """
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    y = np.zeros_like(x)
    means, variances = running_mean.copy(), running_var.copy()
    for c in range(x.shape[1]):
        channel = x[:, c]
        if training:
            m = sum(channel.ravel()) / channel.size
            v = sum((channel.ravel() - m) ** 2) / channel.size
            means[c] = (1 - momentum) * running_mean[c] + momentum * m
            variances[c] = (1 - momentum) * running_var[c] + momentum * v * channel.size / (channel.size - 1)
        else:
            m, v = running_mean[c], running_var[c]
        y[:, c] = gamma[c] * (channel - m) / (v + eps) ** 0.5 + beta[c]
    return y, means, variances
""",
    "build_cnn": """
def build_cnn(classes=10):
    import torch

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Conv2d(1, 16, 3, padding=1)
            self.two = torch.nn.Conv2d(16, 32, 3, padding=1)
            self.out = torch.nn.Linear(128, classes)

        def forward(self, x):
            x = torch.nn.functional.max_pool2d(torch.relu(self.one(x)), 2)
            x = torch.nn.functional.max_pool2d(torch.relu(self.two(x)), 2)
            return self.out(x.flatten(1))

    return Net()
""",
    "train_epoch": """
def train_epoch(model, loader, optimizer, device):
    import torch

    criterion = torch.nn.CrossEntropyLoss(reduction="sum")
    model.train(True)
    total = 0
    for step, (images, labels) in enumerate(loader):
        images = images.to(device)
        labels = labels.to(device)
        summed = criterion(model(images), labels)
        for parameter in model.parameters():
            parameter.grad = None
        (summed / len(labels)).backward()
        optimizer.step()
        total = total + summed.detach()
        print("batch", step)
    return total / len(loader.dataset)
""",
    "evaluate": """
def evaluate(model, loader, device):
    import torch

    model.eval()
    right = 0
    count = 0
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images.to(device))
            for row, label in zip(logits, labels):
                right += int(row.argmax()) == int(label)
                count += 1
    return right / count
""",
}

OTHER_FORMULA = {
    "dense_weight_count": """
def dense_weight_count(*sizes):
    return int(np.prod(np.array(sizes, dtype=np.int64)))
""",
    "conv_weight_count": """
def conv_weight_count(c_in, c_out, kernel, bias=True):
    shape = (c_out, c_in, kernel, kernel)
    return np.empty(shape).size + len(range(c_out)) * int(bias)
""",
    "conv2d_single": """
from numpy.lib.stride_tricks import sliding_window_view

def conv2d_single(picture, weights):
    return np.tensordot(sliding_window_view(picture, weights.shape), weights, axes=2)
""",
    "output_size": """
import math

def output_size(size, kernel, stride=1, padding=0, dilation=1):
    effective = kernel + (kernel - 1) * (dilation - 1)
    return math.floor((size - effective + 2 * padding + stride) / stride)
""",
    "conv2d_channels": """
def conv2d_channels(image, kernel):
    K = kernel.shape[-1]
    view = np.lib.stride_tricks.sliding_window_view(image, (K, K), axis=(1, 2))
    return (view * kernel[:, None, None]).sum(axis=(0, 3, 4))
""",
    "conv2d_loops": """
def conv2d_loops(images, kernels, biases=None, step=1, zeros=0, **named):
    step, zeros = named.get("stride", step), named.get("padding", zeros)
    big = np.pad(images, ((0, 0), (0, 0), (zeros, zeros), (zeros, zeros)))
    view = np.lib.stride_tricks.sliding_window_view(big, kernels.shape[2:], axis=(2, 3))[:, :, ::step, ::step]
    maps = np.einsum("nchwij,ocij->nohw", view, kernels, optimize=True)
    return maps + (0 if biases is None else biases.reshape(1, -1, 1, 1))
""",
    "im2col": """
def im2col(x: np.ndarray, kernel: tuple, stride: int = 1, padding: int = 0) -> np.ndarray:
    padded = np.pad(x, ((0,), (0,), (padding,), (padding,)))
    N, C, H, W = padded.shape
    rows, columns = (H - kernel[0]) // stride + 1, (W - kernel[1]) // stride + 1
    i = np.arange(kernel[0])[:, None, None, None] + stride * np.arange(rows)[None, None, :, None]
    j = np.arange(kernel[1])[None, :, None, None] + stride * np.arange(columns)[None, None, None, :]
    return padded[:, :, i, j].reshape(N, C * kernel[0] * kernel[1], rows * columns)
""",
    "conv2d": """
def conv2d(x, w, b=None, stride=1, padding=0):
    # By the convolution theorem: the sum over places is a product of spectra.
    N, C, H, W = x.shape
    O, _, KH, KW = w.shape
    padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    size = padded.shape[2:]
    spectrum = np.einsum("nchw,ochw->nohw", np.fft.rfft2(padded), np.conj(np.fft.rfft2(w, s=size)))
    full = np.fft.irfft2(spectrum, s=size)[:, :, :size[0] - KH + 1, :size[1] - KW + 1]
    out = full[:, :, ::stride, ::stride]
    return (out if b is None else out + b[:, None, None]).astype(np.float64)
""",
    "max_pool2d": """
from functools import reduce

def max_pool2d(x, kernel, stride=None):
    kh, kw = np.broadcast_to(kernel, 2).tolist()
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    rows, columns = (x.shape[2] - kh) // sy + 1, (x.shape[3] - kw) // sx + 1
    shifted = (x[:, :, u::sy, v::sx][:, :, :rows, :columns] for u in range(kh) for v in range(kw))
    return reduce(np.maximum, shifted)
""",
    "avg_pool2d": """
def avg_pool2d(x, kernel, stride=None):
    kh, kw = np.broadcast_to(kernel, 2).tolist()
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    sums = np.pad(x.cumsum(axis=2, dtype=float).cumsum(axis=3), [(0, 0), (0, 0), (1, 0), (1, 0)])
    windows = sums[:, :, kh:, kw:] - sums[:, :, :-kh, kw:] - sums[:, :, kh:, :-kw] + sums[:, :, :-kh, :-kw]
    return windows[:, :, ::sy, ::sx] / (kh * kw)
""",
    "receptive_field": """
def receptive_field(layers):
    strides = [1, *(stride for _, stride in layers)]
    return 1 + sum((kernel - 1) * np.prod(strides[: place + 1], dtype=int) for place, (kernel, _) in enumerate(layers))
""",
    "translate": """
def translate(image, dy, dx):
    H, W = image.shape[-2:]
    down = np.eye(H, k=-dy, dtype=image.dtype)
    right = np.eye(W, k=dx, dtype=image.dtype)
    return down @ image @ right
""",
    "equivariance_error": """
def equivariance_error(layer, image, dy, dx, border):
    def move(a):
        return np.eye(a.shape[-2], k=-dy) @ a @ np.eye(a.shape[-1], k=dx)

    gap = layer(move(image)) - move(layer(image))
    keep = np.pad(np.ones([side - 2 * border for side in gap.shape[-2:]]), border)
    return np.max(np.abs(gap * keep))
""",
    "col2im": """
def col2im(cols, image_shape, kernel, stride=1, padding=0):
    # The transpose of the matrix that im2col is, found by numbering the pixels.
    N, C, H, W = image_shape
    KH, KW = kernel
    number = np.pad(np.arange(1, H * W + 1).reshape(H, W), padding)
    view = np.lib.stride_tricks.sliding_window_view(number, (KH, KW))[::stride, ::stride]
    where = view.transpose(2, 3, 0, 1).reshape(KH * KW, -1)
    flat = cols.reshape(N * C, KH * KW, -1)
    sums = [np.bincount(where.ravel(), weights=each.ravel(), minlength=H * W + 1) for each in flat]
    return np.stack(sums)[:, 1:].reshape(N, C, H, W)
""",
    "conv2d_backward": """
def conv2d_backward(dout, x, w, stride=1, padding=0):
    from functools import partial

    KH, KW = w.shape[2:]
    H, W = x.shape[2:]
    pad = partial(np.pad, pad_width=((0, 0), (0, 0), (padding, padding), (padding, padding)))
    spread = np.zeros(dout.shape[:2] + tuple((side - 1) * stride + 1 for side in dout.shape[2:]), dout.dtype)
    spread[:, :, ::stride, ::stride] = dout
    windows = np.lib.stride_tricks.sliding_window_view
    big = pad(x)
    dw = np.einsum("ncuvij,noij->ocuv", windows(big, spread.shape[2:], axis=(2, 3))[:, :, :KH, :KW], spread)
    full = np.pad(spread, ((0, 0), (0, 0), (KH - 1, KH - 1), (KW - 1, KW - 1)))
    dbig = np.zeros_like(big)
    part = np.einsum("noijuv,ocuv->ncij", windows(full, (KH, KW), axis=(2, 3)), w[:, :, ::-1, ::-1])
    dbig[:, :, : part.shape[2], : part.shape[3]] = part
    return dbig[:, :, padding : padding + H, padding : padding + W], dw, np.einsum("noij->o", dout)
""",
    "max_pool2d_backward": """
def max_pool2d_backward(dout, x, kernel, stride=None):
    kh, kw = np.broadcast_to(kernel, 2).tolist()
    sy, sx = (kh, kw) if stride is None else (stride, stride)
    rows, columns = dout.shape[2:]
    cut = [
        (slice(u, u + sy * (rows - 1) + 1, sy), slice(v, v + sx * (columns - 1) + 1, sx))
        for u in range(kh)
        for v in range(kw)
    ]
    winner = np.argmax(np.stack([x[:, :, a, b] for a, b in cut]), axis=0)
    dx = np.zeros_like(x)
    for number, (a, b) in enumerate(cut):
        dx[:, :, a, b] += np.where(winner == number, dout, 0)
    return dx
""",
    "batch_norm2d": """
def batch_norm2d(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    rows = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])
    if not training:
        inverse = 1 / np.sqrt(running_var + eps)
        y = rows * (gamma * inverse) + (beta - running_mean * gamma * inverse)
    else:
        centred = rows - rows.mean(0)
        y = centred / np.sqrt(np.mean(centred * centred, axis=0) + eps) * gamma + beta
        running_mean = running_mean + momentum * (rows.mean(0) - running_mean)
        running_var = running_var + momentum * (rows.var(0, ddof=1) - running_var)
    N, C, H, W = x.shape
    return np.moveaxis(y.reshape(N, H, W, C), -1, 1), np.array(running_mean), np.array(running_var)
""",
    "build_cnn": """
def build_cnn(n_classes=10):
    from torch import nn

    block = lambda c_in, c_out, step: (nn.Conv2d(c_in, c_out, 3, step, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU())
    body = (*block(1, 16, 1), *block(16, 24, 2), *block(24, 32, 1))
    return nn.Sequential(*body, nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(128, n_classes))
""",
    "train_epoch": """
def train_epoch(net, batches, opt, where):
    import torch
    import torch.nn.functional as F

    def step(x, y):
        opt.zero_grad(set_to_none=True)
        log_p = F.log_softmax(net(x.to(where)), dim=-1)
        loss = F.nll_loss(log_p, y.to(where))
        loss.backward()
        opt.step()
        return loss.item(), len(y)

    net.train()
    losses, sizes = map(np.array, zip(*(step(x, y) for x, y in batches)))
    return np.average(losses, weights=sizes)
""",
    "evaluate": """
def evaluate(net, batches, where):
    import torch

    @torch.inference_mode()
    def right():
        return torch.cat([net.eval()(x.to(where)).max(dim=1).indices == y.to(where) for x, y in batches])

    return right().float().mean(dtype=torch.float64)
""",
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}
