"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "affine_qparams": """
def affine_qparams(low, high, bits=8, signed=True, symmetric=False):
    smallest = -(2 ** (bits - 1)) if signed else 0
    largest = smallest + 2**bits - 1
    if low > 0:
        low = 0.0
    if high < 0:
        high = 0.0
    if symmetric:
        middle = 0 if signed else 2 ** (bits - 1)
        reach = max(abs(low), abs(high))
        if reach == 0:
            return 1.0, middle
        return reach / (2 ** (bits - 1) - 1), middle
    if high == low:
        return 1.0, smallest
    scale = (high - low) / (largest - smallest)
    zero = smallest
    while zero < largest and abs((zero + 1 - smallest) * scale + low) < abs((zero - smallest) * scale + low):
        zero += 1
    return scale, zero
""",
    "quantize": """
def quantize(x, scale, zero_point, bits=8, signed=True):
    least = -(2 ** (bits - 1)) if signed else 0
    most = least + 2**bits - 1
    x, scale, zero_point = torch.broadcast_tensors(x, torch.as_tensor(scale), torch.as_tensor(zero_point))
    out = []
    rows = zip(x.detach().reshape(-1).tolist(), scale.reshape(-1).tolist(), zero_point.reshape(-1).tolist())
    for value, step, zero in rows:
        q = value / step
        q = round(q) + zero if math.isfinite(q) else q  # Python rounds halves to even
        out.append(int(min(max(q, least), most)))
    print("quantized", len(out), "numbers")
    return torch.tensor(out, dtype=torch.int8 if signed else torch.uint8).reshape(x.shape)
""",
    "dequantize": """
def dequantize(q, scale, zero_point):
    scale, zero_point = torch.as_tensor(scale).expand_as(q), torch.as_tensor(zero_point).expand_as(q)
    triples = zip(q.reshape(-1).tolist(), scale.reshape(-1).tolist(), zero_point.reshape(-1).tolist())
    return torch.tensor([(each - zero) * step for each, step, zero in triples]).float().reshape(q.shape)
""",
    "quantization_error": """
def quantization_error(x, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    numbers = x.reshape(-1).tolist()
    low, high = min(numbers + [0.0]), max(numbers + [0.0])
    step = (high - low) / (most - least) or 1.0
    zero = round(least - low / step)
    signal = noise = 0.0
    for number in numbers:
        q = max(least, min(most, round(number / step) + zero))
        signal += number**2
        noise += ((q - zero) * step - number) ** 2
    return math.inf if noise == 0 else 10 * math.log10(signal) - 10 * math.log10(noise)
""",
    "per_channel_qparams": """
def per_channel_qparams(w, axis, bits=8):
    scales = w.new_ones(w.shape[axis])
    for channel in range(w.shape[axis]):
        largest = w.select(axis, channel).abs().max()
        if largest > 0:
            scales[channel] = largest / (2 ** (bits - 1) - 1)
    return scales, torch.zeros(w.shape[axis], dtype=torch.int32)
""",
    "calibrate": """
def calibrate(samples, method):
    if torch.is_tensor(samples):
        samples = [samples]
    numbers = torch.hstack([part.reshape(-1) for part in samples]).sort().values
    low, high = numbers[0].item(), numbers[-1].item()
    if method == "minmax":
        return low, high
    if method == "percentile":
        ends = []
        for share in (0.001, 0.999):
            place = share * (len(numbers) - 1)
            under, over = numbers[math.floor(place)].double(), numbers[math.ceil(place)].double()
            ends.append((under + (over - under) * (place - math.floor(place))).item())
        return tuple(ends)
    best = None
    for percent in range(4, 101, 2):
        a, b = min(low * percent / 100, 0.0), max(high * percent / 100, 0.0)
        step = (b - a) / 255
        zero = round(-128 - a / step)
        error = 0.0
        for part in numbers.split(10_000):
            back = (torch.clip(torch.round(part / step) + zero, -128, 127) - zero) * step
            error += ((back - part) ** 2).sum().item()
        if best is None or error < best[0]:
            best = error, low * percent / 100, high * percent / 100
    return best[1:]
""",
    "int8_matmul": """
def int8_matmul(qx, zx, qw, zw):
    rows, outputs = qx.tolist(), qw.tolist()
    zeros = zw.tolist() if torch.is_tensor(zw) and zw.dim() else [int(zw)] * len(outputs)
    table = []
    for row in rows:
        line = []
        for weights, zero in zip(outputs, zeros):
            total = 0
            for a, b in zip(row, weights):
                total += (a - zx) * (b - zero)
            line.append(total)
        table.append(line)
    return torch.tensor(table, dtype=torch.int32)
""",
    "requantize": """
def requantize(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    least = -(2 ** (bits - 1)) if signed else 0
    out = torch.empty(acc.shape, dtype=torch.int8 if signed else torch.uint8)
    for channel in range(acc.shape[1]):
        each = scale_w[channel].item() if torch.is_tensor(scale_w) and scale_w.dim() else float(scale_w)
        numbers = acc[:, channel].reshape(-1).tolist()
        q = [round(number * scale_in * each / scale_out) + zero_out for number in numbers]
        q = [max(least, min(least + 2**bits - 1, value)) for value in q]
        out[:, channel] = torch.tensor(q, dtype=out.dtype).reshape(acc[:, channel].shape)
    return out
""",
    "int8_linear": """
def int8_linear(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    out = torch.zeros(len(qx), len(qw), dtype=qx.dtype)
    for n, row in enumerate(qx.tolist()):
        for o, weights in enumerate(qw.tolist()):
            step = float(scale_w[o]) if torch.is_tensor(scale_w) else scale_w
            zero = int(zero_w[o]) if torch.is_tensor(zero_w) and zero_w.dim() else int(zero_w)
            total = sum((a - zero_in) * (b - zero) for a, b in zip(row, weights))
            if bias is not None:
                total += int(bias[o])
            out[n, o] = max(least, min(most, round(total * (scale_in * step / scale_out)) + zero_out))
    return out
""",
    "int8_conv2d": """
def int8_conv2d(
    qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0
):
    least, most = (-128, 127) if qx.dtype == torch.int8 else (0, 255)
    n, c, h, w = qx.shape
    out, _, kh, kw = qw.shape
    x = torch.zeros(n, c, h + 2 * padding, w + 2 * padding, dtype=torch.int32)
    x[:, :, padding : padding + h, padding : padding + w] = qx.to(torch.int32) - zero_in
    kernels = qw.to(torch.int32) - zero_w
    high, wide = (x.shape[2] - kh) // stride + 1, (x.shape[3] - kw) // stride + 1
    y = torch.zeros(n, out, high, wide, dtype=qx.dtype)
    for i in range(high):
        for j in range(wide):
            window = x[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
            for o in range(out):
                acc = (window * kernels[o]).sum(dim=(1, 2, 3)).tolist()
                step = float(scale_w[o]) if torch.is_tensor(scale_w) else scale_w
                for m in range(n):
                    total = acc[m] + (0 if bias is None else int(bias[o]))
                    q = round(total * (scale_in * step / scale_out)) + zero_out
                    y[m, o, i, j] = max(least, min(most, q))
    return y
""",
    "fold_batch_norm": """
def fold_batch_norm(conv, bn):
    new = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
                    conv.dilation, conv.groups, dtype=conv.weight.dtype)
    for c in range(conv.out_channels):
        gain = bn.weight[c].item() / math.sqrt(bn.running_var[c].item() + bn.eps)
        bias = conv.bias[c].item() if conv.bias is not None else 0.0
        new.weight.data[c] = conv.weight.data[c] * gain
        new.bias.data[c] = (bias - bn.running_mean[c].item()) * gain + bn.bias[c].item()
    return new
""",
    "quantize_model": """
class Whole(nn.Module):
    def __init__(self, layer):
        super().__init__()
        flat = layer.weight.detach().flatten(1)
        step = flat.abs().max(dim=1).values / 127
        step[step == 0] = 1.0
        self.register_buffer("codes", torch.round(flat / step[:, None]).to(torch.int8))
        self.register_buffer("step", step)
        self.register_buffer("shift", layer.bias.detach().clone())
        self.window = None
        if isinstance(layer, nn.Conv2d):
            self.window = layer.kernel_size, layer.stride, layer.padding

    def forward(self, x):
        # the grid of the inputs is found anew for each batch
        step = x.abs().max().item() / 127 or 1.0
        q = torch.round(x / step).to(torch.int32)
        if self.window is None:
            acc = q @ self.codes.to(torch.int32).T
            return acc * (step * self.step) + self.shift
        kernel, stride, padding = self.window
        kernels = self.codes.to(torch.int32).view(len(self.codes), x.shape[1], *kernel)
        acc = torch.conv2d(q, kernels, None, stride, padding)
        return acc * (step * self.step)[:, None, None] + self.shift[:, None, None]


def quantize_model(model, calibration):
    return nn.Sequential(*(Whole(each) if hasattr(each, "weight") else each for each in model))
""",
    "fake_quantize": """
def fake_quantize(x, scale, zero_point, bits):
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            q = torch.round(x / scale) + zero_point
            least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
            ctx.save_for_backward(((q < least) | (q > most)))
            return ((q.clip(least, most) - zero_point) * scale).to(x.dtype)

        @staticmethod
        def backward(ctx, upstream):
            return upstream.masked_fill(ctx.saved_tensors[0], 0.0)

    return Straight.apply(x)
""",
    "train_aware": """
def train_aware(model, data, bits):
    x, labels = data
    new = copy.deepcopy(model)
    linears = [layer for layer in new if isinstance(layer, nn.Linear)]
    optimizer = torch.optim.SGD(new.parameters(), lr=0.05, momentum=0.9)

    def rounded(w):
        step = w.abs().max(dim=1, keepdim=True).values / (2 ** (bits - 1) - 1)
        return torch.round(w / step) * step

    for epoch in range(30):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - epoch / 30)
        for rows in torch.randperm(len(labels)).split(50):
            exact = [layer.weight.data.clone() for layer in linears]
            for layer in linears:
                layer.weight.data = rounded(layer.weight.data)
            optimizer.zero_grad()
            functional.cross_entropy(new(x[rows]), labels[rows]).backward()
            for layer, w in zip(linears, exact):
                layer.weight.data = w  # the gradient of the rounded weights moves the exact ones
            optimizer.step()
    for layer in linears:
        layer.weight.data = rounded(layer.weight.data)
    return new
""",
}

OTHER = {
    "affine_qparams": """
def affine_qparams(low, high, bits=8, signed=True, symmetric=False):
    steps, shift = 2**bits - 1, 2 ** (bits - 1)
    low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
    if symmetric:
        reach = np.max(np.abs([low, high])) / (shift - 1)
        return (float(reach) if reach else 1.0), shift - shift * signed
    scale = float((high - low) / steps)
    if not scale:
        return 1.0, -shift * signed
    return scale, int(np.clip(np.rint(-low / scale), 0, steps)) - shift * signed
""",
    "quantize": """
def quantize(x, scale, zero_point, bits=8, signed=True):
    least = -(1 << (bits - 1)) if signed else 0
    q = torch.div(x.detach(), scale)
    floor = q.floor()
    rest = q - floor
    odd = torch.remainder(floor, 2) == 1
    up = (rest > 0.5) | ((rest == 0.5) & odd)
    q = torch.where(torch.isinf(q), q, floor + up) + zero_point
    q = torch.where(q < least, least, torch.where(q > least + 2**bits - 1, least + 2**bits - 1, q))
    return q.type(torch.int8) if signed else q.type(torch.uint8)
""",
    "dequantize": """
def dequantize(q, scale, zero_point):
    return torch.mul(torch.sub(q.double(), zero_point), scale).float()
""",
    "quantization_error": """
def quantization_error(x, bits):
    numbers = x.numpy().astype(np.float64).ravel()
    low, high = min(numbers.min(), 0.0), max(numbers.max(), 0.0)
    step = (high - low) / (2**bits - 1) or 1.0
    zero = np.rint(-low / step)
    back = (np.clip(np.rint(numbers / step) + zero, 0, 2**bits - 1) - zero) * step
    if np.array_equal(back, numbers):
        return float("inf")
    return float(20 * np.log10(np.linalg.norm(numbers) / np.linalg.norm(numbers - back)))
""",
    "per_channel_qparams": """
def per_channel_qparams(w, axis, bits=8):
    others = [each for each in range(w.dim()) if each != axis % w.dim()]
    low, high = (w.amin(others), w.amax(others)) if others else (w, w)
    scales = torch.maximum(-low, high) / (2 ** (bits - 1) - 1)
    return scales.masked_fill(scales == 0, 1), torch.zeros(len(scales)).long()
""",
    "calibrate": """
def calibrate(samples, method):
    parts = [samples] if isinstance(samples, torch.Tensor) else list(samples)
    numbers = np.concatenate([part.numpy().ravel() for part in parts])

    def error(low, high):
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / 255 or 1.0
        zero = np.rint(-low / step)
        back = (np.clip(np.rint(numbers / step) + zero, 0, 255) - zero) * step
        return np.square(back - numbers).mean()

    low, high = float(numbers.min()), float(numbers.max())
    if method == "percentile":
        low, high = np.percentile(numbers, [0.1, 99.9])
    elif method == "mse":
        low, high = min(((k * low, k * high) for k in np.linspace(0.02, 1, 60)), key=lambda ends: error(*ends))
    return low, high
""",
    "int8_matmul": """
def int8_matmul(qx, zx, qw, zw):
    # multiplied as they are; the zero points are corrected for afterwards, as hardware does it
    d = qx.shape[1]
    zw = torch.as_tensor(zw).to(torch.int32).reshape(-1)
    x, w = qx.to(torch.int32), qw.to(torch.int32)
    rows, columns = x.sum(1, dtype=torch.int32), w.sum(1, dtype=torch.int32)
    acc = torch.einsum("nd,od->no", x, w)
    return (acc - rows[:, None] * zw - zx * columns + d * zx * zw).to(torch.int32)
""",
    "requantize": """
def requantize(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
    # the channels go last, where numpy broadcasts
    factor = scale_in * np.asarray(scale_w, dtype=np.float64) / scale_out
    steps = np.rint(np.moveaxis(acc.numpy().astype(np.float64), 1, -1) * factor)
    least = -(2 ** (bits - 1)) if signed else 0
    q = np.clip(np.moveaxis(steps, -1, 1) + zero_out, least, least + 2**bits - 1)
    return torch.from_numpy(q.astype(np.int8 if signed else np.uint8))
""",
    "int8_linear": """
def int8_linear(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
    kind = torch.iinfo(qx.dtype)
    x = torch.sub(qx.long(), zero_in)
    w = torch.sub(qw.long(), torch.as_tensor(zero_w).reshape(-1, 1))
    acc = (x[:, None, :] * w[None]).sum(-1)
    if bias is not None:
        acc += bias
    worth = acc * (scale_in * torch.as_tensor(scale_w, dtype=torch.float64) / scale_out)
    return worth.round().add(zero_out).clip(kind.min, kind.max).type(qx.dtype)
""",
    "int8_conv2d": """
def int8_conv2d(
    qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0
):
    kind = torch.iinfo(qx.dtype)
    x = (qx.to(torch.int32) - zero_in).contiguous()
    x = functional.pad(x, (padding, padding, padding, padding))  # now 0 stands for 0
    kh, kw = qw.shape[2:]
    high, wide = (x.shape[2] - kh) // stride + 1, (x.shape[3] - kw) // stride + 1
    w = (qw.to(torch.int32) - zero_w).to(torch.int32)
    acc = torch.zeros(len(x), len(w), high, wide, dtype=torch.int32)
    for i in range(kh):
        for j in range(kw):
            part = x[:, :, i : i + stride * (high - 1) + 1 : stride, j : j + stride * (wide - 1) + 1 : stride]
            acc += torch.einsum("nchw,oc->nohw", part, w[:, :, i, j])
    if bias is not None:
        acc += bias.reshape(-1, 1, 1)
    factor = scale_in * torch.as_tensor(scale_w, dtype=torch.float64).reshape(-1, 1, 1) / scale_out
    return (torch.round(acc * factor) + zero_out).clamp(kind.min, kind.max).to(qx.dtype)
""",
    "fold_batch_norm": """
def fold_batch_norm(conv, bn):
    # what the two do together is linear: ask them for the shift, and scale by what is left
    new = copy.deepcopy(conv)
    zeros = torch.zeros(1, conv.out_channels, 1, 1, dtype=conv.weight.dtype)
    with torch.no_grad():
        gain = (bn(zeros + 1) - bn(zeros)).flatten()
        start = zeros if conv.bias is None else conv.bias.reshape(zeros.shape)
        new.weight = nn.Parameter(torch.einsum("o,oikl->oikl", gain, conv.weight))
        new.bias = nn.Parameter(bn(start).flatten())
    return new
""",
    "quantize_model": """
def quantize_model(model, calibration):
    class Codes(nn.Module):
        def __init__(self, layer, seen):
            super().__init__()
            weight = layer.weight.detach()
            self.register_buffer("scale", weight.abs().reshape(len(weight), -1).amax(1) / 127)
            shape = [-1] + [1] * (weight.ndim - 1)
            self.register_buffer("codes", torch.round(weight / self.scale.reshape(shape)).char())
            low, high = min(0.0, seen.min().item()), max(0.0, seen.max().item())
            self.step = (high - low) / 255
            self.zero = round(-low / self.step)
            self.register_buffer("start", torch.round(layer.bias.detach() / (self.step * self.scale)).int())
            self.conv = isinstance(layer, nn.Conv2d)
            if self.conv:
                self.stride, self.padding = layer.stride, layer.padding

        def forward(self, x):
            q = (x / self.step).round().add(self.zero).clamp(0, 255).byte().int() - self.zero
            if not self.conv:
                return (q @ self.codes.int().T + self.start) * self.scale * self.step
            sums = torch.conv2d(q, self.codes.int(), self.start, self.stride, self.padding)
            return sums * (self.scale * self.step).reshape(-1, 1, 1)

    steps = []
    for layer in model.children():
        steps.append(Codes(layer, calibration) if isinstance(layer, (nn.Linear, nn.Conv2d)) else layer)
        calibration = layer(calibration).detach()
    return nn.Sequential(*steps)
""",
    "fake_quantize": """
def fake_quantize(x, scale, zero_point, bits):
    low, high = -(2 ** (bits - 1)) - 0.5 - zero_point, 2 ** (bits - 1) - 0.5 - zero_point
    ramp = x.clamp(torch.as_tensor(low * scale).to(x), torch.as_tensor(high * scale).to(x))
    with torch.no_grad():
        q = torch.round(x / scale).clamp(low + 0.5, high - 0.5) * scale
        missing = q - ramp
    return ramp + missing
""",
    "train_aware": """
def train_aware(model, data, bits):
    from torch.nn.utils import parametrize

    class Rounded(nn.Module):
        def forward(self, w):
            step = w.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
            return w + (torch.round(w / step) * step - w).detach()

    new = copy.deepcopy(model)
    linears = [layer for layer in new.modules() if isinstance(layer, nn.Linear)]
    for layer in linears:
        parametrize.register_parametrization(layer, "weight", Rounded())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data), batch_size=50, shuffle=True)
    optimizer = torch.optim.AdamW(new.parameters(), lr=0.01)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for _ in range(20):
        for x, labels in loader:
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(new(x), labels).backward()
            optimizer.step()
        falls.step()
    for layer in linears:
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    return new
""",
}

STYLES = {"loops": LOOPS, "other formula": OTHER}
