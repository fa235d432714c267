"""Known mistakes of pruning and compression: each docstring is the sentence that helps."""

# Written as students write, since each is also submitted as one: mypy asks for more.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return, type-arg"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograder.exercise import Case, Misconception
from autograder.exercises.pruning_cases import accuracy, matrices, zeros

__all__ = ["MISTAKES"]


# --- magnitude_mask ------------------------------------------------------------------------------------


def mask_signed(w, sparsity):
    """The most negative weights went, not the smallest. A weight of -5 matters as much as one of 5: sort w.abs()."""
    count = int(sparsity * w.numel() + 0.5)
    mask = torch.ones(w.numel(), dtype=torch.bool)
    mask[w.flatten().argsort(stable=True)[:count]] = False
    return mask.reshape(w.shape)


def mask_inverted(w, sparsity):
    """Your mask is True where a weight goes. It is to be multiplied with the weights, so True means: this one stays."""
    count = int(sparsity * w.numel() + 0.5)
    mask = torch.zeros(w.numel(), dtype=torch.bool)
    mask[w.abs().flatten().argsort(stable=True)[:count]] = True
    return mask.reshape(w.shape)


def mask_share_of_largest(w, sparsity):
    """You kept what is larger than sparsity times the largest weight. Sparsity is a share of the number of weights:
    count how many go, and take the smallest so many."""
    return w.abs() > sparsity * w.abs().max()


def mask_threshold(w, sparsity):
    """Weights that equal the threshold all went together. Exactly round(sparsity * numel) weights go, also where some
    are equal: sort them and cut the order, not the values."""
    count = int(sparsity * w.numel() + 0.5)
    if count == 0:
        return torch.ones_like(w, dtype=torch.bool)
    return w.abs() > w.abs().flatten().sort().values[count - 1]


def mask_truncated(w, sparsity):
    """The number of pruned weights was rounded down. Round to the nearest, halves up: floor(sparsity * numel + 0.5)."""
    count = int(sparsity * w.numel())
    mask = torch.ones(w.numel(), dtype=torch.bool)
    mask[w.abs().flatten().argsort(stable=True)[:count]] = False
    return mask.reshape(w.shape)


def mask_weights(w, sparsity):
    """This is the pruned weight, not the mask. Asked is a bool tensor: True where a weight stays."""
    count = int(sparsity * w.numel() + 0.5)
    mask = torch.ones(w.numel(), dtype=torch.bool)
    mask[w.abs().flatten().argsort(stable=True)[:count]] = False
    return w * mask.reshape(w.shape)


# --- global_masks --------------------------------------------------------------------------------------


def masks_each_layer(weights, sparsity):
    """Every layer lost the same share. Here all weights stand in one queue: one sort over all layers together, so that
    a layer of small weights loses more."""
    masks = []
    for w in weights:
        mask = torch.ones(w.numel(), dtype=torch.bool)
        mask[w.abs().flatten().argsort(stable=True)[: int(sparsity * w.numel() + 0.5)]] = False
        masks.append(mask.reshape(w.shape))
    return masks


def masks_inverted(weights, sparsity):
    """Your masks are True where a weight goes. True means: this one stays."""
    sizes = torch.cat([w.abs().flatten() for w in weights])
    mask = torch.zeros(len(sizes), dtype=torch.bool)
    mask[sizes.argsort(stable=True)[: int(sparsity * len(sizes) + 0.5)]] = True
    parts = torch.split(mask, [w.numel() for w in weights])
    return [part.reshape(w.shape) for part, w in zip(parts, weights, strict=True)]


def masks_signed(weights, sparsity):
    """The most negative weights went, not the smallest: sort absolute values."""
    sizes = torch.cat([w.flatten() for w in weights])
    mask = torch.ones(len(sizes), dtype=torch.bool)
    mask[sizes.argsort(stable=True)[: int(sparsity * len(sizes) + 0.5)]] = False
    parts = torch.split(mask, [w.numel() for w in weights])
    return [part.reshape(w.shape) for part, w in zip(parts, weights, strict=True)]


def masks_flat(weights, sparsity):
    """The masks are right, but flat. Each needs the shape of its weight: part.reshape(w.shape)."""
    sizes = torch.cat([w.abs().flatten() for w in weights])
    mask = torch.ones(len(sizes), dtype=torch.bool)
    mask[sizes.argsort(stable=True)[: int(sparsity * len(sizes) + 0.5)]] = False
    return list(torch.split(mask, [w.numel() for w in weights]))


def masks_threshold(weights, sparsity):
    """Weights that equal the threshold all went together. Exactly round(sparsity * N) go, also where some are equal:
    cut the sorted order, not the values."""
    sizes = torch.cat([w.abs().flatten() for w in weights])
    count = int(sparsity * len(sizes) + 0.5)
    threshold = sizes.sort().values[count - 1] if count else -1.0
    return [w.abs() > threshold for w in weights]


def masks_truncated(weights, sparsity):
    """The number of pruned weights was rounded down. Round to the nearest, halves up: floor(sparsity * N + 0.5)."""
    sizes = torch.cat([w.abs().flatten() for w in weights])
    mask = torch.ones(len(sizes), dtype=torch.bool)
    mask[sizes.argsort(stable=True)[: int(sparsity * len(sizes))]] = False
    parts = torch.split(mask, [w.numel() for w in weights])
    return [part.reshape(w.shape) for part, w in zip(parts, weights, strict=True)]


# --- sparsity ------------------------------------------------------------------------------------------


def share_mean_of_layers(weights):
    """You averaged the layers' shares. A layer of ten weights then counts as much as one of ten thousand: add up the
    zeros, then divide once by all weights."""
    return sum((w == 0).double().mean().item() for w in weights) / len(weights)


def share_that_stays(weights):
    """This is the density, the share that is not zero. Sparsity is the share that is."""
    return sum((w != 0).sum().item() for w in weights) / sum(w.numel() for w in weights)


def share_in_percent(weights):
    """This is a percentage. Asked is a share between 0 and 1."""
    return 100 * sum((w == 0).sum().item() for w in weights) / sum(w.numel() for w in weights)


def share_of_small(weights):
    """Tiny weights were counted as zeros. They are stored and multiplied like all others: count w == 0 exactly."""
    return sum((w.abs() < 1e-3).sum().item() for w in weights) / sum(w.numel() for w in weights)


def share_of_negative(weights):
    """Negative weights were counted too. Ask w == 0, not w <= 0."""
    return sum((w <= 0).sum().item() for w in weights) / sum(w.numel() for w in weights)


# --- n_m_mask ------------------------------------------------------------------------------------------


def group_along_outputs(w, n=2, m=4):
    """You grouped along dimension 0. Neighbours are inputs of the same output, since the hardware skips them within one
    sum: group along dimension 1."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    if w.shape[0] % m:
        raise RuntimeError("the rows do not fill groups")
    groups = w.abs().movedim(0, -1)
    shape = groups.shape
    order = groups.reshape(-1, m).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return (order < n).reshape(shape).movedim(-1, 0)


def group_smallest(w, n=2, m=4):
    """The n smallest of each group stay. Keep the n largest."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    groups = w.abs().movedim(1, -1)
    shape = groups.shape
    order = groups.reshape(-1, m).argsort(dim=1, stable=True).argsort(dim=1)
    return (order < n).reshape(shape).movedim(-1, 1)


def group_of_the_row(w, n=2, m=4):
    """In each row n / m of the weights stay, but not in each group of m. The hardware needs exactly n in every group:
    compare only neighbours with each other."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    rows = w.abs().movedim(1, -1)
    order = rows.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    return (order < w.shape[1] * n // m).movedim(-1, 1)


def group_strided(w, n=2, m=4):
    """Your groups take every so-manieth input. A group is m neighbours: inputs 0 to m - 1, then m to 2m - 1, and so
    on."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    rows = w.abs().movedim(1, -1)
    groups = rows.reshape(*rows.shape[:-1], m, rows.shape[-1] // m)
    order = groups.argsort(dim=-2, descending=True, stable=True).argsort(dim=-2)
    return (order < n).reshape(rows.shape).movedim(-1, 1)


def group_threshold(w, n=2, m=4):
    """Where weights of a group are equal, more than n stay. Exactly n may: rank the members of each group."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    rows = w.abs().movedim(1, -1)
    groups = rows.reshape(-1, m)
    least = groups.sort(dim=1, descending=True).values[:, n - 1 : n]
    return (groups >= least).reshape(rows.shape).movedim(-1, 1)


def group_signed(w, n=2, m=4):
    """The n most positive weights of each group stay. The size counts, not the sign: compare w.abs()."""
    if w.shape[1] % m:
        raise ValueError("no whole groups")
    rows = w.movedim(1, -1)
    order = rows.reshape(-1, m).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return (order < n).reshape(rows.shape).movedim(-1, 1)


def group_leaves_a_rest(w, n=2, m=4):
    """Inputs that fill no group were let through. Hardware for n:m cannot store them: raise a ValueError."""
    whole = w.shape[1] - w.shape[1] % m
    rows = w[:, :whole].abs().movedim(1, -1)
    order = rows.reshape(-1, m).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    mask = torch.ones(w.shape, dtype=torch.bool)
    mask[:, :whole] = (order < n).reshape(rows.shape).movedim(-1, 1)
    return mask


# --- channel_importance --------------------------------------------------------------------------------


def importance_of_inputs(w):
    """These are sums over the output channels, one for each input. Dimension 0 are the outputs: sum over all the other
    dimensions."""
    return w.abs().transpose(0, 1).flatten(1).sum(dim=1)


def importance_squares(w):
    """You took the Euclidean length. Asked is L1: the sum of absolute values."""
    return w.flatten(1).norm(dim=1)


def importance_mean(w):
    """You averaged. Asked is the sum of absolute values."""
    return w.abs().flatten(1).mean(dim=1)


def importance_signed(w):
    """Positive and negative weights cancel each other. Take absolute values before you sum."""
    return w.flatten(1).sum(dim=1)


def importance_largest(w):
    """This is the largest weight of each channel. Asked is the sum of all its absolute values."""
    return w.abs().flatten(1).amax(dim=1)


# --- prune_channels ------------------------------------------------------------------------------------


def removal_rows_of_next(w1, b1, w2, keep):
    """You cut outputs of the second layer. What it loses are inputs, those that read the removed channels: w2[:,
    keep]."""
    return w1[keep], b1[keep], w2[keep]


def removal_forgets_next(w1, b1, w2, keep):
    """The second layer still expects all channels. It loses the inputs that read the removed ones: w2[:, keep]."""
    return w1[keep], b1[keep], w2.clone()


def removal_forgets_bias(w1, b1, w2, keep):
    """The bias still has a number for every old channel: b1[keep]."""
    return w1[keep], b1.clone(), w2[:, keep]


def removal_zeroes(w1, b1, w2, keep):
    """The channels are zero, but still there, and cost what they cost before. Return smaller tensors, with only the
    channels in keep."""
    stays = torch.zeros(len(b1), dtype=w1.dtype).index_fill(0, keep, 1)
    shape = (-1, *[1] * (w1.dim() - 1))
    return w1 * stays.reshape(shape), b1 * stays, w2 * stays.reshape(1, -1, *[1] * (w2.dim() - 2))


def removal_of_keep(w1, b1, w2, keep):
    """The channels in keep went, and the others stayed. It is the other way round."""
    others = torch.tensor([channel for channel in range(len(b1)) if channel not in keep.tolist()], dtype=torch.int64)
    return w1[others], b1[others], w2[:, others]


def removal_sorted(w1, b1, w2, keep):
    """The channels stand in their old order. keep gives the new order: index with it as it is."""
    order = keep.sort().values
    return w1[order], b1[order], w2[:, order]


# --- sensitivity ---------------------------------------------------------------------------------------


def sensitivity_cumulates(evaluate, weights, sparsities):
    """Earlier layers stayed pruned while you tried the later ones. Begin each time with the weights that were passed
    in."""
    current, scores = list(weights), []
    for layer, w in enumerate(weights):
        row = []
        for share in sparsities:
            order = w.abs().flatten().argsort(stable=True)
            mask = torch.ones(w.numel(), dtype=w.dtype)
            mask[order[: int(share * w.numel() + 0.5)]] = 0
            current[layer] = w * mask.reshape(w.shape)
            row.append(evaluate(list(current)))
        scores.append(row)
    return scores


def sensitivity_all_layers(evaluate, weights, sparsities):
    """All layers were pruned at once. To see how sensitive one is, prune it alone and leave the others whole."""
    scores = []
    for _ in weights:
        row = []
        for share in sparsities:
            changed = []
            for w in weights:
                mask = torch.ones(w.numel(), dtype=w.dtype)
                mask[w.abs().flatten().argsort(stable=True)[: int(share * w.numel() + 0.5)]] = 0
                changed.append(w * mask.reshape(w.shape))
            row.append(evaluate(changed))
        scores.append(row)
    return scores


def sensitivity_transposed(evaluate, weights, sparsities):
    """The table is turned: a row for each sparsity. Asked is a row for each layer, scores[layer][sparsity]."""
    scores = []
    for share in sparsities:
        row = []
        for layer, w in enumerate(weights):
            mask = torch.ones(w.numel(), dtype=w.dtype)
            mask[w.abs().flatten().argsort(stable=True)[: int(share * w.numel() + 0.5)]] = 0
            row.append(evaluate([*weights[:layer], w * mask.reshape(w.shape), *weights[layer + 1 :]]))
        scores.append(row)
    return scores


def sensitivity_in_place(evaluate, weights, sparsities):
    """The weights that were passed in are pruned afterwards, and every score counted what was pruned before. Work on a
    copy: w * mask makes one, w *= mask does not."""
    scores = []
    for w in weights:
        row = []
        for share in sparsities:
            mask = torch.ones(w.numel(), dtype=w.dtype)
            mask[w.abs().flatten().argsort(stable=True)[: int(share * w.numel() + 0.5)]] = 0
            w *= mask.reshape(w.shape)
            row.append(evaluate(list(weights)))
        scores.append(row)
    return scores


def sensitivity_keeps_share(evaluate, weights, sparsities):
    """You kept the share that should go. At a sparsity of 0.9 one weight in ten is left."""
    scores = []
    for layer, w in enumerate(weights):
        row = []
        for share in sparsities:
            mask = torch.ones(w.numel(), dtype=w.dtype)
            mask[w.abs().flatten().argsort(stable=True)[: int((1 - share) * w.numel() + 0.5)]] = 0
            row.append(evaluate([*weights[:layer], w * mask.reshape(w.shape), *weights[layer + 1 :]]))
        scores.append(row)
    return scores


def sensitivity_of_drops(evaluate, weights, sparsities):
    """These are losses against the unpruned network. Asked are the scores themselves."""
    whole, scores = evaluate(list(weights)), []
    for layer, w in enumerate(weights):
        row = []
        for share in sparsities:
            mask = torch.ones(w.numel(), dtype=w.dtype)
            mask[w.abs().flatten().argsort(stable=True)[: int(share * w.numel() + 0.5)]] = 0
            row.append(whole - evaluate([*weights[:layer], w * mask.reshape(w.shape), *weights[layer + 1 :]]))
        scores.append(row)
    return scores


# --- cubic_schedule ------------------------------------------------------------------------------------


def schedule_linear(step, start, end, initial, final):
    """This rises on a straight line. The cubic one takes most weights early, while many of them are useless: the share
    of the way that is left goes in with its third power."""
    done = min(max((step - start) / (end - start), 0.0), 1.0)
    return initial + (final - initial) * done


def schedule_slow_start(step, start, end, initial, final):
    """Yours is slow at first and steep in the end. It is to be the other way round: 1 - (1 - done)^3, not done^3."""
    done = min(max((step - start) / (end - start), 0.0), 1.0)
    return initial + (final - initial) * done**3


def schedule_square(step, start, end, initial, final):
    """The share of the way that is left goes in squared. Asked is its third power."""
    done = min(max((step - start) / (end - start), 0.0), 1.0)
    return final + (initial - final) * (1 - done) ** 2


def schedule_unlimited(step, start, end, initial, final):
    """Outside of start and end your curve goes on. Before the start it stays at initial, after the end at final."""
    done = (step - start) / (end - start)
    return final + (initial - final) * (1 - done) ** 3


def schedule_from_zero(step, start, end, initial, final):
    """This begins at 0. It begins at `initial`, which need not be 0: final + (initial - final) * left^3."""
    done = min(max((step - start) / (end - start), 0.0), 1.0)
    return final * (1 - (1 - done) ** 3)


def schedule_ignores_start(step, start, end, initial, final):
    """You divided the step by the end. The way begins at `start`: (step - start) / (end - start) of it is done."""
    done = min(max(step / end, 0.0), 1.0)
    return final + (initial - final) * (1 - done) ** 3


# --- to_csr --------------------------------------------------------------------------------------------


def csr_by_columns(w):
    """The numbers come column by column. That is CSC; compressed sparse *rows* goes row by row."""
    columns, rows = w.T.nonzero(as_tuple=True)
    counts = torch.bincount(columns, minlength=w.shape[1])
    return w[rows, columns], rows, torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])


def csr_counts(w):
    """The third tensor counts the numbers of each row. Add the counts up from the left, beginning with a 0, so that it
    says where each row begins and ends."""
    rows, columns = w.nonzero(as_tuple=True)
    return w[rows, columns], columns, torch.bincount(rows, minlength=w.shape[0])


def csr_without_first_zero(w):
    """The row pointers lack the 0 in front. There are out + 1 of them: row i goes from pointer i to pointer i + 1."""
    rows, columns = w.nonzero(as_tuple=True)
    return w[rows, columns], columns, torch.bincount(rows, minlength=w.shape[0]).cumsum(0)


def csr_is_coo(w):
    """The third tensor holds the row of every number. That is the COO format; CSR stores only where each row begins:
    out + 1 pointers, however many numbers there are."""
    rows, columns = w.nonzero(as_tuple=True)
    return w[rows, columns], columns, rows


def csr_flat_places(w):
    """The columns count through the whole matrix. They begin at 0 again in every row: place modulo the row's length."""
    rows, columns = w.nonzero(as_tuple=True)
    pointers = torch.bincount(rows, minlength=w.shape[0]).cumsum(0)
    return w[rows, columns], rows * w.shape[1] + columns, torch.cat([torch.zeros(1, dtype=torch.int64), pointers])


def csr_positive(w):
    """Negative numbers are missing. Stored is whatever is not 0: w != 0, not w > 0."""
    rows, columns = (w > 0).nonzero(as_tuple=True)
    pointers = torch.bincount(rows, minlength=w.shape[0]).cumsum(0)
    return w[rows, columns], columns, torch.cat([torch.zeros(1, dtype=torch.int64), pointers])


# --- csr_matvec ----------------------------------------------------------------------------------------


def matvec_in_order(csr, x):
    """Each row was multiplied with the first numbers of x. A stored value belongs to the column that is stored beside
    it: values[j] * x[columns[j]]."""
    values, _, pointers = csr
    out = torch.zeros(len(pointers) - 1, dtype=values.dtype)
    for i in range(len(out)):
        for place, j in enumerate(range(pointers[i], pointers[i + 1])):
            out[i] += values[j] * x[place]
    return out


def matvec_misses_last(csr, x):
    """The last number of every row is missing. pointers[i + 1] is where the next row begins, so range(pointers[i],
    pointers[i + 1]) has them all."""
    values, columns, pointers = csr
    out = torch.zeros(len(pointers) - 1, dtype=values.dtype)
    for i in range(len(out)):
        for j in range(pointers[i], pointers[i + 1] - 1):
            out[i] += values[j] * x[columns[j]]
    return out


def matvec_overwrites(csr, x):
    """Only the last product of each row is left. They add up: use += in place of =."""
    values, columns, pointers = csr
    out = torch.zeros(len(pointers) - 1, dtype=values.dtype)
    for i in range(len(out)):
        for j in range(pointers[i], pointers[i + 1]):
            out[i] = values[j] * x[columns[j]]
    return out


def matvec_skips_empty(csr, x):
    """Rows without a number are missing from your result. Their sum is 0, and the result has one number for every row:
    len(pointers) - 1."""
    values, columns, pointers = csr
    out = []
    for i in range(len(pointers) - 1):
        if pointers[i] < pointers[i + 1]:
            part = slice(pointers[i], pointers[i + 1])
            out.append((values[part] * x[columns[part]]).sum())
    return torch.stack(out) if out else x.new_zeros(0)


def matvec_without_x(csr, x):
    """You added up the stored values. Each is multiplied with the number of x at its column first."""
    values, _, pointers = csr
    out = torch.zeros(len(pointers) - 1, dtype=values.dtype)
    for i in range(len(out)):
        out[i] = values[pointers[i] : pointers[i + 1]].sum()
    return out


# --- model_bytes ---------------------------------------------------------------------------------------


def bytes_index_everywhere(weights, masks, bits, index_bits):
    """Indices were counted for dense layers too. Where the mask is None every weight is there, in order, and
    nobody needs to say where it stands."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += (w.numel() if mask is None else int(mask.sum())) * (bits + index_bits)
    return -(-total // 8)


def bytes_without_index(weights, masks, bits, index_bits):
    """The indices are missing. A sparse layer must say where each of its weights stands: bits + index_bits for each."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += (w.numel() if mask is None else int(mask.sum())) * bits
    return -(-total // 8)


def bytes_of_all_weights(weights, masks, bits, index_bits):
    """The pruned weights were counted too. Only what stays is stored: mask.sum() weights."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += w.numel() * (bits if mask is None else bits + index_bits)
    return -(-total // 8)


def bytes_of_pruned(weights, masks, bits, index_bits):
    """You counted the weights that went. True marks those that stay."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += w.numel() * bits if mask is None else int((~mask).sum()) * (bits + index_bits)
    return -(-total // 8)


def bytes_each_layer(weights, masks, bits, index_bits):
    """Every layer was rounded up by itself. The layers are packed one behind the other: add all bits, then round up
    once."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        layer = w.numel() * bits if mask is None else int(mask.sum()) * (bits + index_bits)
        total += -(-layer // 8)
    return total


def bytes_rounded_down(weights, masks, bits, index_bits):
    """The last bits are lost: you rounded down. A byte that is begun is a byte: (total + 7) // 8."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += w.numel() * bits if mask is None else int(mask.sum()) * (bits + index_bits)
    return total // 8


def bytes_are_bits(weights, masks, bits, index_bits):
    """These are bits. Asked are bytes of eight."""
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += w.numel() * bits if mask is None else int(mask.sum()) * (bits + index_bits)
    return total


# --- kmeans_share --------------------------------------------------------------------------------------


def share_from_quantiles(w, clusters, iterations):
    """You began with quantiles of the weights. Begin with values that are spread evenly between the smallest and the
    largest weight: large weights are few, and still need a value near them."""
    flat = w.flatten()
    codebook = torch.quantile(flat, torch.linspace(0, 1, clusters, dtype=w.dtype))
    for _ in range(iterations):
        codes = (flat[:, None] - codebook).abs().argmin(dim=1)
        for k in range(clusters):
            if (codes == k).any():
                codebook[k] = flat[codes == k].mean()
    return codebook, (flat[:, None] - codebook).abs().argmin(dim=1).reshape(w.shape)


def share_stale_codes(w, clusters, iterations):
    """The codes were chosen before the values moved for the last time. Choose once more at the end: each weight takes
    the nearest value of the final codebook."""
    flat = w.flatten()
    codebook = flat.min() + (flat.max() - flat.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)
    codes = (flat[:, None] - codebook).abs().argmin(dim=1)
    for _ in range(iterations):
        codes = (flat[:, None] - codebook).abs().argmin(dim=1)
        for k in range(clusters):
            if (codes == k).any():
                codebook[k] = flat[codes == k].mean()
    return codebook, codes.reshape(w.shape)


def share_empty_is_zero(w, clusters, iterations):
    """A value that nobody chose went to 0. It stays where it is: change only values that some weight chose."""
    flat = w.flatten()
    codebook = flat.min() + (flat.max() - flat.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)
    for _ in range(iterations):
        codes = (flat[:, None] - codebook).abs().argmin(dim=1)
        for k in range(clusters):
            codebook[k] = flat[codes == k].sum() / max(1, int((codes == k).sum()))
    return codebook, (flat[:, None] - codebook).abs().argmin(dim=1).reshape(w.shape)


def share_empty_is_nan(w, clusters, iterations):
    """A value that nobody chose became nan: it is the mean of no weight at all. It stays where it is."""
    flat = w.flatten()
    codebook = flat.min() + (flat.max() - flat.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)
    for _ in range(iterations):
        codes = (flat[:, None] - codebook).abs().argmin(dim=1)
        for k in range(clusters):
            codebook[k] = flat[codes == k].mean()
    return codebook, (flat[:, None] - codebook).abs().argmin(dim=1).reshape(w.shape)


def share_median(w, clusters, iterations):
    """Your values moved to the median of their weights. k-means takes the mean, which makes the squared error
    smallest."""
    flat = w.flatten()
    codebook = flat.min() + (flat.max() - flat.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)
    for _ in range(iterations):
        codes = (flat[:, None] - codebook).abs().argmin(dim=1)
        for k in range(clusters):
            if (codes == k).any():
                codebook[k] = flat[codes == k].median()
    return codebook, (flat[:, None] - codebook).abs().argmin(dim=1).reshape(w.shape)


def share_values(w, clusters, iterations):
    """The second tensor holds the shared values. Asked are codes: for each weight the *number* of its value in the
    codebook. Only that makes a weight a few bits."""
    flat = w.flatten()
    codebook = flat.min() + (flat.max() - flat.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)
    for _ in range(iterations):
        codes = (flat[:, None] - codebook).abs().argmin(dim=1)
        for k in range(clusters):
            if (codes == k).any():
                codebook[k] = flat[codes == k].mean()
    return codebook, codebook[(flat[:, None] - codebook).abs().argmin(dim=1)].reshape(w.shape)


def share_flat_codes(w, clusters, iterations):
    """The codes are right, but flat. They need the shape of w: codes.reshape(w.shape)."""
    flat = w.flatten()
    codebook = flat.min() + (flat.max() - flat.min()) * torch.linspace(0, 1, clusters, dtype=w.dtype)
    for _ in range(iterations):
        codes = (flat[:, None] - codebook).abs().argmin(dim=1)
        for k in range(clusters):
            if (codes == k).any():
                codebook[k] = flat[codes == k].mean()
    return codebook, (flat[:, None] - codebook).abs().argmin(dim=1)


# --- huffman_bits --------------------------------------------------------------------------------------


def code_entropy(symbols):
    """This is the entropy, rounded up: the limit that a code of whole bits for each symbol hardly ever reaches. Build
    Huffman's tree and count its bits."""
    import math

    _, counts = symbols.unique(return_counts=True)
    if len(counts) == 1:
        return symbols.numel()
    shares = counts.double() / counts.sum()
    return math.ceil(float(-(counts * shares.log2()).sum()) - 1e-9)


def code_fixed_length(symbols):
    """Every symbol got a word of the same length. Huffman gives short words to frequent symbols."""
    import math

    kinds = len(symbols.unique())
    return symbols.numel() * max(1, math.ceil(math.log2(kinds)))


def code_shannon(symbols):
    """Each symbol got -log2 p bits, rounded up by itself. That is Shannon's code of 1948; merging the two rarest again
    and again, as Huffman does, never needs more and often fewer."""
    import math

    _, counts = symbols.unique(return_counts=True)
    if len(counts) == 1:
        return symbols.numel()
    total = int(counts.sum())
    return sum(count * math.ceil(math.log2(total / count) - 1e-12) for count in counts.tolist())


def code_without_sorting(symbols):
    """You merged in the order of the first sorting. A merged pair has to go back into the queue at its own place: it is
    often not among the rarest any more."""
    _, counts = symbols.unique(return_counts=True)
    queue = sorted(counts.tolist())
    if len(queue) == 1:
        return queue[0]
    total = 0
    while len(queue) > 1:
        pair = queue[0] + queue[1]
        total += pair
        queue = [pair, *queue[2:]]
    return total


def code_for_nothing(symbols):
    """Where all symbols are equal you need no bits. By the course's rule each then costs 1 bit: a message has to be as
    long as something."""
    import heapq

    counts = symbols.unique(return_counts=True)[1].tolist()
    heapq.heapify(counts)
    total = 0
    while len(counts) > 1:
        pair = heapq.heappop(counts) + heapq.heappop(counts)
        total += pair
        heapq.heappush(counts, pair)
    return total


def code_word_lengths(symbols):
    """You added up one word for each *kind* of symbol. A word is sent as often as its symbol occurs: length times
    count."""
    import heapq

    counts = symbols.unique(return_counts=True)[1].tolist()
    if len(counts) == 1:
        return symbols.numel()
    queue = [(count, kind, 1) for kind, count in enumerate(counts)]
    heapq.heapify(queue)
    total = 0
    while len(queue) > 1:
        one, two = heapq.heappop(queue), heapq.heappop(queue)
        total += one[2] + two[2]
        heapq.heappush(queue, (one[0] + two[0], min(one[1], two[1]), one[2] + two[2]))
    return total


# --- low_rank ------------------------------------------------------------------------------------------


def rank_smallest(w, rank):
    """You kept the smallest singular values. The largest carry most of the matrix: they come first."""
    left, sizes, right = torch.linalg.svd(w, full_matrices=False)
    return left[:, -rank:] * sizes[-rank:], right[-rank:]


def rank_sizes_twice(w, rank):
    """Both factors hold the singular values, so the product has them squared. Give them to one side, or their roots to
    both."""
    left, sizes, right = torch.linalg.svd(w, full_matrices=False)
    return left[:, :rank] * sizes[:rank], sizes[:rank, None] * right[:rank]


def rank_without_sizes(w, rank):
    """The singular values are missing from the product: w = left @ diag(sizes) @ right. Multiply one of the factors
    with them."""
    left, _, right = torch.linalg.svd(w, full_matrices=False)
    return left[:, :rank].clone(), right[:rank].clone()


def rank_turned(w, rank):
    """The right factor is turned. torch.linalg.svd returns it transposed already, one singular vector a row: take its
    first rows."""
    left, sizes, right = torch.linalg.svd(w, full_matrices=True)
    return left[:, :rank] * sizes[:rank], right[:, :rank].T


def rank_first_columns(w, rank):
    """You kept some columns of w and found the best v for them. That is not the best matrix of this rank; the singular
    vectors span it: torch.linalg.svd."""
    u = w[:, :rank].clone()
    return u, torch.linalg.lstsq(u, w).solution


# --- distillation_loss ---------------------------------------------------------------------------------


def distil_without_square(student, teacher, labels, temperature, alpha):
    """The factor T^2 is missing. Gradients of the soft part shrink with 1 / T^2; without it the teacher is hardly heard
    at a high temperature."""
    from torch.nn.functional import cross_entropy, kl_div

    soft = torch.log_softmax(student / temperature, 1), torch.log_softmax(teacher / temperature, 1)
    apart = kl_div(*soft, reduction="batchmean", log_target=True)
    return alpha * apart + (1 - alpha) * cross_entropy(student, labels)


def distil_reversed(student, teacher, labels, temperature, alpha):
    """The divergence is turned round. KL(teacher || student) weighs with the teacher's probabilities: sum of p_t (log
    p_t - log p_s)."""
    from torch.nn.functional import cross_entropy, kl_div

    soft = torch.log_softmax(teacher / temperature, 1), torch.log_softmax(student / temperature, 1)
    apart = kl_div(*soft, reduction="batchmean", log_target=True)
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)


def distil_mean_of_all(student, teacher, labels, temperature, alpha):
    """The divergence was averaged over classes too. It is a sum over the classes and a mean over the batch:
    reduction="batchmean"."""
    from torch.nn.functional import cross_entropy

    soft, wanted = torch.log_softmax(student / temperature, 1), torch.log_softmax(teacher / temperature, 1)
    apart = (wanted.exp() * (wanted - soft)).mean()
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)


def distil_alpha_swapped(student, teacher, labels, temperature, alpha):
    """alpha and 1 - alpha are swapped. alpha is the teacher's share."""
    from torch.nn.functional import cross_entropy, kl_div

    soft = torch.log_softmax(student / temperature, 1), torch.log_softmax(teacher / temperature, 1)
    apart = kl_div(*soft, reduction="batchmean", log_target=True)
    return (1 - alpha) * temperature**2 * apart + alpha * cross_entropy(student, labels)


def distil_hot_labels(student, teacher, labels, temperature, alpha):
    """The cross-entropy with the labels uses the temperature too. It belongs to the soft part only: the hard part takes
    the student's logits as they are."""
    from torch.nn.functional import cross_entropy, kl_div

    soft = torch.log_softmax(student / temperature, 1), torch.log_softmax(teacher / temperature, 1)
    apart = kl_div(*soft, reduction="batchmean", log_target=True)
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student / temperature, labels)


def distil_cross_entropy(student, teacher, labels, temperature, alpha):
    """The soft part is the cross-entropy with the teacher. The divergence is that, less the teacher's own entropy: it
    is 0 where both agree."""
    from torch.nn.functional import cross_entropy

    soft = torch.log_softmax(student / temperature, 1)
    apart = -(torch.softmax(teacher / temperature, 1) * soft).sum(dim=1).mean()
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)


def distil_unsafe(student, teacher, labels, temperature, alpha):
    """With huge logits a probability becomes 0, and its logarithm minus infinity. Take torch.log_softmax of the logits
    in place of the logarithm of a softmax."""
    from torch.nn.functional import cross_entropy

    ours, theirs = torch.softmax(student / temperature, 1), torch.softmax(teacher / temperature, 1)
    apart = (theirs * (theirs.log() - ours.log())).sum(dim=1).mean()
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)


def distil_number(student, teacher, labels, temperature, alpha):
    """This is a Python number, and no gradient gets past it. Return the tensor itself, without .item() or float()."""
    from torch.nn.functional import cross_entropy, kl_div

    soft = torch.log_softmax(student / temperature, 1), torch.log_softmax(teacher / temperature, 1)
    apart = kl_div(*soft, reduction="batchmean", log_target=True)
    return float(alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels))


# --- prune_and_finetune --------------------------------------------------------------------------------


def finetune_never(model, data, sparsity):
    """The smallest weights are gone, and nothing else happened. What is left must learn to do without them: train on,
    and multiply with the masks after every step."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    with torch.no_grad():
        for w, part in zip(weights, torch.split(mask, [w.numel() for w in weights]), strict=True):
            w *= part.reshape(w.shape)
    return new


def finetune_grows_back(model, data, sparsity):
    """The pruned weights grew back: a step of the optimizer moves zeros like all others. Multiply the weights with
    their masks after every step."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    with torch.no_grad():
        for w, part in zip(weights, torch.split(mask, [w.numel() for w in weights]), strict=True):
            w *= part.reshape(w.shape)
    optimizer = torch.optim.Adam(new.parameters(), lr=0.003)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
    return new


def finetune_keeps_share(model, data, sparsity):
    """You kept the share that should go. At a sparsity of 0.8 one weight in five is left."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int((1 - sparsity) * len(sizes) + 0.5)]] = 0
    masks = [p.reshape(w.shape) for p, w in zip(torch.split(mask, [w.numel() for w in weights]), weights, strict=True)]
    optimizer = torch.optim.Adam(new.parameters(), lr=0.003)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
            with torch.no_grad():
                for w, part in zip(weights, masks, strict=True):
                    w *= part
    return new


def finetune_in_place(model, data, sparsity):
    """The model that was passed in is pruned as well: there is only one. Work on copy.deepcopy(model), so that the two
    can be compared."""
    weights = [p for p in model.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    masks = [p.reshape(w.shape) for p, w in zip(torch.split(mask, [w.numel() for w in weights]), weights, strict=True)]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
            with torch.no_grad():
                for w, part in zip(weights, masks, strict=True):
                    w *= part
    return model


def finetune_wraps(model, data, sparsity):
    """The new model's parameters have other names: yours stands inside of another module. Whoever loads these weights
    needs the old names; prune the weights of a copy themselves."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    masks = [p.reshape(w.shape) for p, w in zip(torch.split(mask, [w.numel() for w in weights]), weights, strict=True)]
    optimizer = torch.optim.Adam(new.parameters(), lr=0.003)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
            with torch.no_grad():
                for w, part in zip(weights, masks, strict=True):
                    w *= part
    return torch.nn.Sequential(new)


def finetune_then_prunes(model, data, sparsity):
    """You trained first and pruned at the very end. So the weights that are left never learned to do without the
    others: prune first, or step by step, and train with the masks."""
    import copy

    new = copy.deepcopy(model)
    weights = [p for p in new.parameters() if p.dim() > 1]
    optimizer = torch.optim.Adam(new.parameters(), lr=0.001)
    for _ in range(3):
        for rows in torch.split(torch.randperm(len(data[1])), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(data[0][rows]), data[1][rows]).backward()
            optimizer.step()
    sizes = torch.cat([w.detach().abs().flatten() for w in weights])
    mask = torch.ones(len(sizes))
    mask[sizes.argsort()[: int(sparsity * len(sizes) + 0.5)]] = 0
    with torch.no_grad():
        for w, part in zip(weights, torch.split(mask, [w.numel() for w in weights]), strict=True):
            w *= part.reshape(w.shape)
    return new


# --- what shows -----------------------------------------------------------------------------------------

Shows = Callable[[Case, Any], bool]


def _same_product(wrong: Callable[..., tuple[Tensor, Tensor]]) -> Shows:
    """Whether two factors have the product that a wrong way gives: signs and scales of factors are free."""

    def shows(case: Case, value: Any) -> bool:
        u, v = wrong(*case.args)
        product: Tensor = value[0] @ value[1]
        return product.shape == case.args[0].shape and torch.allclose(product, u @ v, rtol=1e-3, atol=1e-4)

    return shows


def _old_matrices(case: Case) -> list[Tensor]:
    return [w for w in case.args[1] if w.ndim > 1]


def _sparse(case: Case, value: Any) -> bool:
    return value["untouched"] and zeros(case, value) >= case.args[4] - 0.001


def _unmoved(case: Case, value: Any) -> bool:
    """Whether whatever is not zero is what it was."""
    pairs = zip(matrices(case, value), _old_matrices(case), strict=True)
    return all(bool(((new == old) | (new == 0)).all()) for new, old in pairs)


def _gap(case: Case, value: Any) -> bool:
    """Whether there is nothing between 0 and the threshold: nothing was learned after the last cut."""
    sizes = torch.cat([w.abs().flatten() for w in matrices(case, value)])
    sizes = sizes[sizes > 0].sort().values
    return bool(sizes[len(sizes) // 1000] > 0.2 * sizes.median())


def _never(case: Case, value: Any) -> bool:
    return _sparse(case, value) and _unmoved(case, value)


def _grows_back(case: Case, value: Any) -> bool:
    return value["untouched"] and zeros(case, value) < min(case.args[4], 1 - case.args[4]) - 0.05


def _keeps_share(case: Case, value: Any) -> bool:
    return value["untouched"] and abs(zeros(case, value) - (1 - case.args[4])) < 0.02


def _in_place(case: Case, value: Any) -> bool:
    return value["same object"] or not value["untouched"]


def _renamed(case: Case, value: Any) -> bool:
    old = len(case.args[1])
    return len(value["names"]) != old or all("." in name and name.split(".")[0] == "0" for name in value["names"])


def _prunes_last(case: Case, value: Any) -> bool:
    bad = case.known is None or accuracy(case, value) < case.known[2]
    return _sparse(case, value) and not _unmoved(case, value) and _gap(case, value) and bad


_WRONG: dict[str, tuple[Callable[..., Any], ...]] = {
    "magnitude_mask": (
        mask_signed,
        mask_inverted,
        mask_share_of_largest,
        mask_threshold,
        mask_truncated,
        mask_weights,
    ),
    "global_masks": (
        masks_each_layer,
        masks_inverted,
        masks_signed,
        masks_flat,
        masks_threshold,
        masks_truncated,
    ),
    "sparsity": (share_mean_of_layers, share_that_stays, share_in_percent, share_of_small, share_of_negative),
    "n_m_mask": (
        group_along_outputs,
        group_smallest,
        group_of_the_row,
        group_strided,
        group_threshold,
        group_signed,
        group_leaves_a_rest,
    ),
    "channel_importance": (
        importance_of_inputs,
        importance_squares,
        importance_mean,
        importance_signed,
        importance_largest,
    ),
    "prune_channels": (
        removal_rows_of_next,
        removal_forgets_next,
        removal_forgets_bias,
        removal_zeroes,
        removal_of_keep,
        removal_sorted,
    ),
    "sensitivity": (
        sensitivity_cumulates,
        sensitivity_all_layers,
        sensitivity_transposed,
        sensitivity_in_place,
        sensitivity_keeps_share,
        sensitivity_of_drops,
    ),
    "cubic_schedule": (
        schedule_linear,
        schedule_slow_start,
        schedule_square,
        schedule_unlimited,
        schedule_from_zero,
        schedule_ignores_start,
    ),
    "to_csr": (csr_by_columns, csr_counts, csr_without_first_zero, csr_is_coo, csr_flat_places, csr_positive),
    "csr_matvec": (
        matvec_in_order,
        matvec_misses_last,
        matvec_overwrites,
        matvec_skips_empty,
        matvec_without_x,
    ),
    "model_bytes": (
        bytes_index_everywhere,
        bytes_without_index,
        bytes_of_all_weights,
        bytes_of_pruned,
        bytes_each_layer,
        bytes_rounded_down,
        bytes_are_bits,
    ),
    "kmeans_share": (
        share_from_quantiles,
        share_stale_codes,
        share_empty_is_zero,
        share_empty_is_nan,
        share_median,
        share_values,
        share_flat_codes,
    ),
    "huffman_bits": (
        code_entropy,
        code_fixed_length,
        code_shannon,
        code_without_sorting,
        code_for_nothing,
        code_word_lengths,
    ),
    "distillation_loss": (
        distil_without_square,
        distil_reversed,
        distil_mean_of_all,
        distil_alpha_swapped,
        distil_hot_labels,
        distil_cross_entropy,
        distil_unsafe,
        distil_number,
    ),
}
MISTAKES = {name: tuple(Misconception.of(mistake) for mistake in wrong) for name, wrong in _WRONG.items()}
MISTAKES["low_rank"] = tuple(
    Misconception.of(wrong, _same_product(wrong))
    for wrong in (rank_smallest, rank_sizes_twice, rank_without_sizes, rank_turned, rank_first_columns)
)
MISTAKES["prune_and_finetune"] = (
    Misconception.of(finetune_never, _never),
    Misconception.of(finetune_grows_back, _grows_back),
    Misconception.of(finetune_keeps_share, _keeps_share),
    Misconception.of(finetune_in_place, _in_place),
    Misconception.of(finetune_wraps, _renamed),
    Misconception.of(finetune_then_prunes, _prunes_last),
)
