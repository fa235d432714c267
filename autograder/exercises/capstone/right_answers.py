"""Two right answers to `compress` that have nothing in common with the reference, as whole cells."""

from __future__ import annotations

LOOPS = """
class Small(torch.nn.Module):
    # a network of one's own, taught by the large one; 16 shared values a layer, two codes in a byte

    def __init__(self, images):
        super().__init__()
        self.images = images
        if images:
            self.a, self.b = torch.nn.Conv2d(1, 6, 3, padding=1), torch.nn.Conv2d(6, 16, 3, padding=1)
            self.c = torch.nn.Linear(64, 10)
        else:
            self.a, self.b = torch.nn.Linear(48, 16), torch.nn.Linear(16, 6)

    def forward(self, x):
        if self.images:
            h = torch.max_pool2d(self.a(x).relu(), 2)
            h = torch.max_pool2d(self.b(h).relu(), 2)
            return self.c(torch.flatten(h, 1))
        return self.mix(self.b(self.mix(self.a(x.x), x).relu()), x)

    def mix(self, h, graph):
        source, target = graph.edge_index
        n = len(h)
        d = torch.bincount(target, minlength=n) + 1.0
        out = h / d[:, None]
        places = target[:, None].expand(-1, h.shape[1])
        scale = (d[source] * d[target]).rsqrt()[:, None]
        return out.scatter_add(0, places, scale * h[source])


def assigned(w, values):
    return (w.detach().flatten()[:, None] - values).abs().argmin(1)


def compress(model, data, budget):
    images = isinstance(data, (tuple, list))
    with torch.no_grad():
        teacher = model(data[0] if images else data)
    torch.manual_seed(3)
    net = Small(images)
    steps = 450 if images else 120
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    kept = {}

    def loss_on(rows):
        x, y, t = (data[0][rows], data[1][rows], teacher[rows]) if images else (data, data.y, teacher)
        out = net(x)
        soft = torch.nn.functional.kl_div(
            torch.log_softmax(out / 2, 1), torch.softmax(t / 2, 1), reduction="batchmean"
        )
        return 2 * soft + 0.5 * torch.nn.functional.cross_entropy(out, y)

    for step in range(steps):
        for group in opt.param_groups:
            group["lr"] = 0.01 * (1 - step / steps)
        rows = torch.randint(len(data[1]), (64,)) if images else None
        if step >= steps // 2:  # values are shared from here on
            for name, p in net.named_parameters():
                if p.dim() > 1:
                    if name not in kept:
                        kept[name] = torch.quantile(p.detach().flatten(), torch.linspace(0.01, 0.99, 16))
                    codes = assigned(p, kept[name])
                    counts = torch.bincount(codes, minlength=16)
                    sums = torch.zeros(16).index_add(0, codes, p.detach().flatten())
                    kept[name] = torch.where(counts > 0, sums / counts.clamp(min=1), kept[name])
        floats = {name: p.detach().clone() for name, p in net.named_parameters()}
        for name, values in kept.items():
            p = net.get_parameter(name)
            p.data = values[assigned(p, values)].view(p.shape)
        opt.zero_grad()
        loss_on(rows).backward()
        for name in kept:
            net.get_parameter(name).data = floats[name]
        opt.step()

    state = {}
    for name, p in net.named_parameters():
        if p.dim() > 1:
            codes = assigned(p, kept[name]).to(torch.uint8)
            state[name + ".codes"] = codes[0::2] * 16 + codes[1::2]
            state[name + ".values"] = kept[name].half()
        else:
            state[name] = p.detach().half()
    shapes = {name: p.shape for name, p in net.named_parameters()}

    class Result:
        pass

    result = Result()
    result.state = state

    def predict(x):
        full = {}
        for name, shape in shapes.items():
            if len(shape) > 1:
                pairs = state[name + ".codes"]
                codes = torch.stack([pairs >> 4, pairs & 15], dim=-1).reshape(shape).long()
                full[name] = state[name + ".values"].float()[codes]
            else:
                full[name] = state[name].float()
        return torch.func.functional_call(net, full, (x,))

    result.predict = predict
    print("bytes", sum(t.numel() * t.element_size() for t in state.values()))
    return result
"""


OTHER_FORMULA = """
class Packed:
    # a class with its own predict; 5 bits, a step for each layer, two rounds of cutting
    BITS = 5

    def __init__(self, ws, bs):
        self.shapes = [tuple(w.shape) for w in ws]
        self.state = {}
        for k, (w, b) in enumerate(zip(ws, bs)):
            step = self.step(w)
            self.state["q%d" % k] = pack((w / step).round() + 15, self.BITS)
            self.state["s%d" % k] = step.to(torch.bfloat16).reshape(1)
            self.state["b%d" % k] = b.to(torch.bfloat16)

    @classmethod
    def step(cls, w):
        return (w.detach().abs().max() / 15).to(torch.bfloat16).to(torch.float32)

    @classmethod
    def seen(cls, w):
        step = cls.step(w)
        return w - (w - (w / step).round().clamp(-15, 15) * step).detach()

    def predict(self, x):
        layers = []
        for k, shape in enumerate(self.shapes):
            q = self.state["q%d" % k]
            codes = unpack(q, self.BITS, int(np.prod(shape)))
            w = (codes.to(torch.float32) - 15).reshape(shape) * self.state["s%d" % k].to(torch.float32)
            layers.append((w, self.state["b%d" % k].to(torch.float32)))
        if isinstance(x, torch.Tensor):
            for w, b in layers[:2]:
                patches = torch.nn.functional.unfold(x, 3, padding=1)
                side = x.shape[-1]
                x = torch.einsum("of,nfp->nop", w.flatten(1), patches) + b[:, None]
                x = x.clamp_min(0).reshape(len(x), len(b), side // 2, 2, side // 2, 2).amax((3, 5))
            w, b = layers[2]
            return x.reshape(len(x), -1) @ w.T + b
        (w1, b1), (w2, b2) = layers
        n = x.x.shape[0]
        loops = torch.arange(n).repeat(2, 1)
        s, t = torch.cat([x.edge_index, loops], dim=1)
        degree = torch.zeros(n)
        degree.index_add_(0, t, torch.ones(t.shape[0]))
        weight = (degree[s] * degree[t]) ** -0.5

        def around(h):
            out = torch.zeros(n, h.shape[1])
            out.index_add_(0, t, h[s] * weight.unsqueeze(1))
            return out

        return around(torch.relu(around(x.x @ w1.t() + b1)) @ w2.t() + b2)


def train(ws, bs, batches, lr):
    numbers = [p.detach().clone().requires_grad_(True) for p in [*ws, *bs]]
    k = len(ws)
    opt = torch.optim.AdamW(numbers, lr=lr, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, lr, total_steps=len(batches))
    for x, y in batches:
        out = network([Packed.seen(w) for w in numbers[:k]], numbers[k:], x)
        loss = torch.nn.functional.cross_entropy(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        plan.step()
    return [p.detach() for p in numbers[:k]], [p.detach() for p in numbers[k:]]


def shrink(ws, bs, widths):
    ws, bs = list(ws), list(bs)
    for k, width in enumerate(widths):
        mine = ws[k].flatten(1).pow(2).sum(1)
        block = ws[k + 1].reshape(ws[k + 1].shape[0], ws[k].shape[0], -1)
        theirs = block.pow(2).sum((0, 2))
        stay = torch.argsort(mine * theirs, descending=True)[:width]
        tail = ws[k + 1].shape[2:]
        ws[k], bs[k] = ws[k][stay], bs[k][stay]
        block = block[:, stay]
        ws[k + 1] = block.reshape(block.shape[0], width, *tail) if len(tail) else block.reshape(block.shape[0], -1)
    return ws, bs


def compress(model, data, budget):
    ws, bs = folded(model)
    if isinstance(data, tuple):
        x, y = data
        rounds = [((9, 22), 3), ((6, 13), 12)]
        for widths, epochs in rounds:
            ws, bs = shrink(ws, bs, widths)
            rows = [r for _ in range(epochs) for r in torch.randperm(len(y)).split(50)]
            ws, bs = train(ws, bs, [(x[r], y[r]) for r in rows], 0.01)
        return Packed(ws, bs)
    for width, steps in ((32, 30), (13, 70)):
        ws, bs = shrink(ws, bs, (width,))
        ws, bs = train(ws, bs, [(data, data.y)] * steps, 0.02)
    return Packed(ws, bs)
"""
