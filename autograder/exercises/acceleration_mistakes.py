"""Mistakes that students of acceleration make, as code; each docstring is the sentence that helps.

Every function stands alone, as a student would write it: it uses its arguments, torch and what it imports itself.
"""
# mypy: allow-untyped-defs, disable-error-code="no-untyped-call, var-annotated, index, assignment, arg-type, union-attr"
# ruff: noqa: B905

from collections.abc import Callable
from typing import Any

import torch

from autograder.exercise import Misconception

__all__ = ["MISTAKES"]


# --- counting -------------------------------------------------------------------------------------------------------


def macs_of_one_image(shape, w_shape, stride=1, padding=0):
    """These are the multiply-accumulates of one image. The whole batch is asked: multiply by N."""
    _, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1) * c * kh * kw


def macs_at_every_input(shape, w_shape, stride=1, padding=0):
    """This counts one kernel for every pixel of the input. There is one for every pixel of the output, which is smaller
    without padding or with a stride."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return n * c_out * h * w * c * kh * kw


def flops_for_macs(shape, w_shape, stride=1, padding=0):
    """These are floating-point operations, two for each multiply-accumulate. MACs are asked: leave out the 2."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return 2 * n * c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1) * c * kh * kw


def channels_apart(shape, w_shape, stride=1, padding=0):
    """The input channels are missing: every output number adds up a kernel over all C of them."""
    n, _, h, w = shape
    c_out, _, kh, kw = w_shape
    return n * c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1) * kh * kw


def stride_forgotten(shape, w_shape, stride=1, padding=0):
    """The stride is left out: with a stride of 2 the kernel stops at every second place only, in both directions."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return n * c_out * (h + 2 * padding - kh + 1) * (w + 2 * padding - kw + 1) * c * kh * kw


def padding_on_one_side(shape, w_shape, stride=1, padding=0):
    """The padding is counted on one side only. It is added on both, so the image grows by twice as much."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return n * c_out * ((h + padding - kh) // stride + 1) * ((w + padding - kw) // stride + 1) * c * kh * kw


def numbers_for_bytes(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    """These are numbers. A number of float32 takes 4 bytes: multiply by dtype_bytes."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    out = n * c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1)
    return n * c * h * w + c_out * c * kh * kw + out


def output_stays(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    """The output is missing: what is computed has to be written to memory too."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    return dtype_bytes * (n * c * h * w + c_out * c * kh * kw)


def weights_for_every_image(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    """The weights are counted once for every image. They are the same for all of them, so they are loaded once."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    out = n * c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1)
    return dtype_bytes * (n * c * h * w + n * c_out * c * kh * kw + out)


def zeros_are_moved(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    """The zeros of the padding are counted as if they came from memory. They are made on the chip: only the C x H x W
    numbers of each image are moved."""
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    out = n * c_out * ((h + 2 * padding - kh) // stride + 1) * ((w + 2 * padding - kw) // stride + 1)
    return dtype_bytes * (n * c * (h + 2 * padding) * (w + 2 * padding) + c_out * c * kh * kw + out)


def macs_a_byte(macs, bytes):
    """These are multiply-accumulates a byte. One of them is two operations, a multiplication and an addition."""
    return macs / bytes


def bytes_a_flop(macs, bytes):
    """This is upside down: bytes for each operation. Asked is how many operations each byte serves."""
    return bytes / (2 * macs)


def half_a_mac(macs, bytes):
    """The 2 stands on the wrong side: a multiply-accumulate is two operations, so 2 macs are divided by the bytes."""
    return macs / (2 * bytes)


def the_higher_roof(peak_flops, bandwidth, intensity):
    """This takes the higher of the two limits. A machine has to respect both, so the lower one counts: min, not max."""
    return max(peak_flops, bandwidth * intensity)


def always_the_peak(peak_flops, bandwidth, intensity):
    """This is the peak whatever the intensity. At few operations a byte the memory cannot deliver fast enough:
    bandwidth times intensity is the limit there."""
    return peak_flops


def bandwidth_divided(peak_flops, bandwidth, intensity):
    """The bandwidth is divided by the intensity. Bytes a second times operations a byte are operations a second."""
    return min(peak_flops, bandwidth / intensity)


def one_after_the_other(peak_flops, bandwidth, intensity):
    """This adds the time of the arithmetic and the time of the traffic. A roofline lets both run at once: the slower of
    the two decides alone."""
    return 1 / (1 / peak_flops + 1 / (bandwidth * intensity))


def only_forward(macs, batch, steps):
    """These are the operations of the forward passes alone. The backward pass takes twice as many again: once for the
    gradients of the inputs, once for those of the weights."""
    return 2 * macs * batch * steps


def macs_of_a_training(macs, batch, steps):
    """These are multiply-accumulates, three passes of them. Each is two operations: 6, not 3."""
    return 3 * macs * batch * steps


def one_backward_product(macs, batch, steps):
    """The backward pass is counted like one forward pass. It needs two products for every layer, one for the gradient
    of the inputs and one for that of the weights."""
    return 4 * macs * batch * steps


def one_example_a_step(macs, batch, steps):
    """The batch is missing: `macs` is the work for one example, and every step looks at `batch` of them."""
    return 6 * macs * steps


# --- specialisation -------------------------------------------------------------------------------------------------


def one_cycle_more(A, B):
    """The product is right, but the count is one too many. The first multiply-add is in cycle 0 and the last in cycle
    (n-1) + (m-1) + (k-1): from first to last, both included, that is n + m + k - 2."""
    return A @ B, A.shape[0] + B.shape[1] + A.shape[1] - 1


def cycles_until_empty(A, B):
    """The product is right, but n + m + k also counts cycles before the first or after the last multiply-add."""
    return A @ B, A.shape[0] + B.shape[1] + A.shape[1]


def cycles_of_one_cell(A, B):
    """k cycles are what one cell works. The cells do not start together: the one in the far corner gets its first
    numbers (n-1) + (m-1) cycles later."""
    return A @ B, A.shape[1]


def one_multiplier(A, B):
    """n m k cycles are what a single multiplier takes. Here are n x m cells, and all of them work at once."""
    return A @ B, A.shape[0] * B.shape[1] * A.shape[1]


def skewed_on_one_side(A, B):
    """Only the rows of A come in late. The columns of B are delayed as well, column j by j cycles, so that the right
    pairs meet: the last cell finishes m - 1 cycles later than this."""
    return A @ B, A.shape[0] + A.shape[1] - 1


# --- memory locality ------------------------------------------------------------------------------------------------


def past_the_memory(A, B, tile, memory):
    """The product is right, but it never went through the chip: nothing was loaded and nothing stored. Compute with
    what memory.load gives you, and write back with memory.store."""
    return A @ B


def whole_rows(A, B, tile, memory):
    """This loads whole rows and columns of tiles at once, which do not fit: the chip has room for three tiles."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            a = memory.load(A[i : i + tile])
            b = memory.load(B[:, j : j + tile])
            c = memory.zeros(a.shape[0], b.shape[1], A)
            c += a @ b
            memory.store(c, C[i : i + tile, j : j + tile])
            memory.free(a)
            memory.free(b)
            memory.free(c)
    return C


def never_freed(A, B, tile, memory):
    """The tiles of A and B are never freed, so the chip is full after the first ones. memory.free(a) gives the room
    back as soon as a tile is used."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            target = C[i : i + tile, j : j + tile]
            c = memory.zeros(target.shape[0], target.shape[1], A)
            for s in range(0, A.shape[1], tile):
                c += memory.load(A[i : i + tile, s : s + tile]) @ memory.load(B[s : s + tile, j : j + tile])
            memory.store(c, target)
            memory.free(c)
    return C


def sums_go_back_and_forth(A, B, tile, memory):
    """The product is right, but every partial sum travels: the tile of C is loaded and stored again for each step along
    k. Keep it on the chip until its sum is complete, and store it once."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            for s in range(0, A.shape[1], tile):
                a = memory.load(A[i : i + tile, s : s + tile])
                b = memory.load(B[s : s + tile, j : j + tile])
                c = memory.load(C[i : i + tile, j : j + tile])
                c += a @ b
                memory.store(c, C[i : i + tile, j : j + tile])
                memory.free(a)
                memory.free(b)
                memory.free(c)
    return C


def ragged_edges_dropped(A, B, tile, memory):
    """Where the sizes are no multiples of the tile, the last, smaller tiles are left out. Let the loops run to the end:
    a slice stops at the edge by itself."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0] - tile + 1, tile):
        for j in range(0, B.shape[1] - tile + 1, tile):
            c = memory.zeros(tile, tile, A)
            for s in range(0, A.shape[1] - tile + 1, tile):
                a = memory.load(A[i : i + tile, s : s + tile])
                b = memory.load(B[s : s + tile, j : j + tile])
                c += a @ b
                memory.free(a)
                memory.free(b)
            memory.store(c, C[i : i + tile, j : j + tile])
            memory.free(c)
    return C


def last_product_alone(A, B, tile, memory):
    """Each tile of C holds only the last product along k: the earlier ones are overwritten. Add them up with c += a @
    b."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            target = C[i : i + tile, j : j + tile]
            c = memory.zeros(target.shape[0], target.shape[1], A)
            for s in range(0, A.shape[1], tile):
                a = memory.load(A[i : i + tile, s : s + tile])
                b = memory.load(B[s : s + tile, j : j + tile])
                c.copy_(a @ b)
                memory.free(a)
                memory.free(b)
            memory.store(c, target)
            memory.free(c)
    return C


def nothing_is_kept(order, n, m, k, tile):
    """This loads a tile of A and one of B in every step. A tile that is on the chip from the step before is not loaded
    again: compare with what each matrix holds there."""
    import itertools

    sizes = {"i": n, "j": m, "k": k}
    loads, c_here, touched, stores = 0, None, set(), 0
    for starts in itertools.product(*(range(0, sizes[name], tile) for name in order)):
        at = dict(zip(order, starts))
        i, j, s = (min(tile, sizes[name] - at[name]) for name in "ijk")
        loads += i * s + s * j
        c = (at["i"], at["j"], i * j)
        if c != c_here:
            stores += c_here[2] if c_here else 0
            loads += c[2] if c in touched else 0
            touched.add(c)
            c_here = c
    return loads, stores + (c_here[2] if c_here else 0)


def full_tiles_everywhere(order, n, m, k, tile):
    """Every tile is counted as tile x tile numbers. Where a size is no multiple of the tile, those at the edge are
    smaller."""
    import itertools

    sizes = {"i": n, "j": m, "k": k}
    here, touched, loads, stores = {}, set(), 0, 0
    for starts in itertools.product(*(range(0, sizes[name], tile) for name in order)):
        at = dict(zip(order, starts))
        for matrix in ("ik", "kj", "ij"):
            place = (at[matrix[0]], at[matrix[1]])
            if here.get(matrix) != place:
                stores += tile * tile if matrix == "ij" and matrix in here else 0
                loads += tile * tile if matrix != "ij" or place in touched else 0
                touched |= {place} if matrix == "ij" else set()
                here[matrix] = place
    return loads, stores + tile * tile


def first_touch_loaded(order, n, m, k, tile):
    """A tile of C is loaded even when it is touched for the first time. It holds nothing yet: it starts as zeros, which
    are made on the chip."""
    import itertools

    sizes = {"i": n, "j": m, "k": k}
    here, loads, stores = {}, 0, 0
    for starts in itertools.product(*(range(0, sizes[name], tile) for name in order)):
        at = dict(zip(order, starts))
        for matrix in ("ik", "kj", "ij"):
            edges = [min(tile, sizes[name] - at[name]) for name in matrix]
            place = (at[matrix[0]], at[matrix[1]], edges[0] * edges[1])
            if here.get(matrix) != place:
                stores += here[matrix][2] if matrix == "ij" and matrix in here else 0
                loads += place[2]
                here[matrix] = place
    return loads, stores + here["ij"][2]


def last_tile_never_stored(order, n, m, k, tile):
    """The tile of C that is on the chip at the end is not stored. It belongs to the result too."""
    import itertools

    sizes = {"i": n, "j": m, "k": k}
    here, touched, loads, stores = {}, set(), 0, 0
    for starts in itertools.product(*(range(0, sizes[name], tile) for name in order)):
        at = dict(zip(order, starts))
        for matrix in ("ik", "kj", "ij"):
            edges = [min(tile, sizes[name] - at[name]) for name in matrix]
            place = (at[matrix[0]], at[matrix[1]], edges[0] * edges[1])
            if here.get(matrix) != place:
                stores += here[matrix][2] if matrix == "ij" and matrix in here else 0
                loads += place[2] if matrix != "ij" or place in touched else 0
                touched |= {place} if matrix == "ij" else set()
                here[matrix] = place
    return loads, stores


def tiles_for_numbers(order, n, m, k, tile):
    """These are tiles. Numbers are asked: each tile counts with its height times its width."""
    import itertools

    sizes = {"i": n, "j": m, "k": k}
    here, touched, loads, stores = {}, set(), 0, 0
    for starts in itertools.product(*(range(0, sizes[name], tile) for name in order)):
        at = dict(zip(order, starts))
        for matrix in ("ik", "kj", "ij"):
            place = (at[matrix[0]], at[matrix[1]])
            if here.get(matrix) != place:
                stores += 1 if matrix == "ij" and matrix in here else 0
                loads += 1 if matrix != "ij" or place in touched else 0
                touched |= {place} if matrix == "ij" else set()
                here[matrix] = place
    return loads, stores + 1


# --- parallelism ----------------------------------------------------------------------------------------------------


def serial_for_parallel(fraction, workers):
    """Here `fraction` is taken for the part that cannot be shared. It is the parallel part: only fraction / workers of
    the time is left of it, and 1 - fraction stays."""
    return 1 / (fraction + (1 - fraction) / workers)


def everything_shared(fraction, workers):
    """This is the speedup if all of the work could be shared. The part 1 - fraction takes as long as ever."""
    return float(workers)


def time_for_speedup(fraction, workers):
    """This is the time that is left, as a share of the old one. The speedup is its reciprocal: old time over new
    time."""
    return (1 - fraction) + fraction / workers


def parallel_part_alone(fraction, workers):
    """The serial part is missing below the line: the new time is (1 - fraction) + fraction / workers."""
    return workers / fraction if fraction else 1.0


def plain_mean_of_shares(x, y, params, workers):
    """All workers count alike, whatever the size of their share. With 7 examples on 2 workers one has seen 4 and the
    other 3: weigh each gradient with its number of examples."""
    total = None
    shares = [(sx, sy) for sx, sy in zip(x.tensor_split(workers), y.tensor_split(workers)) if len(sx)]
    for sx, sy in shares:
        leaves = [tensor.detach().clone().requires_grad_() for pair in params for tensor in pair]
        a = sx
        for place in range(0, len(leaves), 2):
            a = a @ leaves[place].T + leaves[place + 1]
            a = torch.relu(a) if place + 2 < len(leaves) else a
        grads = torch.autograd.grad(torch.nn.functional.cross_entropy(a, sy), leaves)
        total = grads if total is None else [one + two for one, two in zip(total, grads)]
    total = [one / len(shares) for one in total]
    return list(zip(total[::2], total[1::2]))


def shares_added_up(x, y, params, workers):
    """The workers' gradients are added as they are. Each is a mean over its own share, so the sum grows with the number
    of workers: weigh each with its share of the examples."""
    total = None
    for sx, sy in zip(x.tensor_split(workers), y.tensor_split(workers)):
        if not len(sx):
            continue
        leaves = [tensor.detach().clone().requires_grad_() for pair in params for tensor in pair]
        a = sx
        for place in range(0, len(leaves), 2):
            a = a @ leaves[place].T + leaves[place + 1]
            a = torch.relu(a) if place + 2 < len(leaves) else a
        grads = torch.autograd.grad(torch.nn.functional.cross_entropy(a, sy), leaves)
        total = grads if total is None else [one + two for one, two in zip(total, grads)]
    return list(zip(total[::2], total[1::2]))


def remainder_dropped(x, y, params, workers):
    """Examples are left out: with shares of N // workers each, the last N % workers are seen by nobody. tensor_split
    gives some workers one more."""
    size = len(x) // workers
    total = [torch.zeros_like(tensor) for pair in params for tensor in pair]
    for worker in range(workers if size else 0):
        leaves = [tensor.detach().clone().requires_grad_() for pair in params for tensor in pair]
        a, sy = x[worker * size : (worker + 1) * size], y[worker * size : (worker + 1) * size]
        for place in range(0, len(leaves), 2):
            a = a @ leaves[place].T + leaves[place + 1]
            a = torch.relu(a) if place + 2 < len(leaves) else a
        grads = torch.autograd.grad(torch.nn.functional.cross_entropy(a, sy), leaves)
        total = [one + two / workers for one, two in zip(total, grads)]
    return list(zip(total[::2], total[1::2]))


def half_way_round(chunks):
    """This stops half way: every worker holds one complete sum, but not the others. Another P - 1 steps carry the sums
    around."""
    P = len(chunks)
    held = [[chunk.clone() for chunk in own] for own in chunks]
    for step in range(P - 1):
        sent = [held[p][(p - step) % P].clone() for p in range(P)]
        for p in range(P):
            held[(p + 1) % P][(p - step) % P] += sent[p]
    return held, P - 1


def mean_for_sum(chunks):
    """These are means over the workers. Sums are asked: do not divide by the number of workers."""
    P = len(chunks)
    sums = [sum(own[c] for own in chunks) / P for c in range(P)]
    return [[chunk.clone() for chunk in sums] for _ in range(P)], 2 * (P - 1)


def a_step_too_many(chunks):
    """The sums are right, but 2 P steps are two too many: each half is done after P - 1, when every chunk has met all
    other workers."""
    P = len(chunks)
    sums = [sum(own[c] for own in chunks) for c in range(P)]
    return [[chunk.clone() for chunk in sums] for _ in range(P)], 2 * P


def everyone_to_everyone(chunks):
    """The sums are right, but P (P - 1) steps are as if one message after the other were sent. In a ring all workers
    send at the same time, and that is one step."""
    P = len(chunks)
    sums = [sum(own[c] for own in chunks) for c in range(P)]
    return [[chunk.clone() for chunk in sums] for _ in range(P)], P * (P - 1)


def sums_in_place(chunks):
    """The sums are right, but they are written into the chunks that were passed in. Work on clones: another worker may
    still need the old numbers."""
    P = len(chunks)
    for c in range(P):
        for own in chunks[1:]:
            chunks[0][c] += own[c]
        for own in chunks[1:]:
            own[c].copy_(chunks[0][c])
    return [list(own) for own in chunks], 2 * (P - 1)


# --- overhead -------------------------------------------------------------------------------------------------------


def variance_for_deviation(w, b, gamma, beta, mean, var, eps=1e-5):
    """This divides by the variance. Normalisation divides by the standard deviation, the square root of var + eps."""
    scale = gamma / (var + eps)
    bias = torch.zeros_like(mean) if b is None else b
    return w * scale[:, None, None, None], (bias - mean) * scale + beta


def mean_not_scaled(w, b, gamma, beta, mean, var, eps=1e-5):
    """The weights are right, but the mean is subtracted without being scaled: (b - mean) as a whole is multiplied by
    gamma / sqrt(var + eps)."""
    scale = gamma / torch.sqrt(var + eps)
    bias = torch.zeros_like(mean) if b is None else b
    return w * scale[:, None, None, None], bias * scale - mean + beta


def eps_left_out(w, b, gamma, beta, mean, var, eps=1e-5):
    """eps is left out. Where the variance is small it decides, and where it is 0 there would be a division by zero: it
    belongs under the root, var + eps."""
    scale = gamma / torch.sqrt(var)
    bias = torch.zeros_like(mean) if b is None else b
    return w * scale[:, None, None, None], (bias - mean) * scale + beta


def own_bias_lost(w, b, gamma, beta, mean, var, eps=1e-5):
    """The convolution's own bias is lost. It comes before the normalisation, so it is shifted by the mean and scaled
    with everything else."""
    scale = gamma / torch.sqrt(var + eps)
    return w * scale[:, None, None, None], beta - mean * scale


def beta_scaled_too(w, b, gamma, beta, mean, var, eps=1e-5):
    """beta is scaled as well. It is added at the very end, after the division by the deviation: leave it as it is."""
    scale = gamma / torch.sqrt(var + eps)
    bias = torch.zeros_like(mean) if b is None else b
    return w * scale[:, None, None, None], (bias - mean + beta) * scale


def one_call_each(fn, xs):
    """The results are right, but fn is called once for every example: each call pays the overhead again. Stack the
    examples and call fn once."""
    return [fn(x[None])[0] for x in xs]


def glued_end_to_end(fn, xs):
    """torch.cat glues the examples together end to end, along an axis they already have. A batch needs a new axis in
    front: torch.stack."""
    return fn(torch.cat(list(xs)))


def stacked_behind(fn, xs):
    """The new axis is put last. fn takes a batch with the examples in front: torch.stack(xs, dim=0)."""
    return fn(torch.stack(list(xs), dim=-1))


def kinds_of_operators(fn, *args):
    """This counts how many different operators there are. Each call of one counts: three additions are three."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Kinds(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            seen.add(str(func))
            return func(*args, **(kwargs or {}))

    seen: set[str] = set()
    with Kinds():
        fn(*args)
    return len(seen)


def functions_of_python(fn, *args):
    """This counts calls of torch's Python functions. One of those may dispatch several operators: linear on a matrix
    transposes and multiplies. Count where operators are dispatched, with a TorchDispatchMode."""
    from torch.overrides import TorchFunctionMode

    class Calls(TorchFunctionMode):
        count = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.count += 1
            return func(*args, **(kwargs or {}))

    with Calls() as calls:
        fn(*args)
    return calls.count


def one_too_many(fn, *args):
    """This is one too many: start from zero, and add one for each operator that is dispatched."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Count(TorchDispatchMode):
        count = 1

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.count += 1
            return func(*args, **(kwargs or {}))

    with Count() as counter:
        fn(*args)
    return counter.count


def _of(*wrong: Callable[..., Any]) -> tuple[Misconception, ...]:
    return tuple(Misconception.of(each) for each in wrong)


MISTAKES: dict[str, tuple[Misconception, ...]] = {
    "conv_macs": _of(
        macs_of_one_image, macs_at_every_input, flops_for_macs, channels_apart, stride_forgotten, padding_on_one_side
    ),
    "conv_bytes": _of(numbers_for_bytes, output_stays, weights_for_every_image, zeros_are_moved),
    "arithmetic_intensity": _of(macs_a_byte, bytes_a_flop, half_a_mac),
    "roofline": _of(the_higher_roof, always_the_peak, bandwidth_divided, one_after_the_other),
    "training_flops": _of(only_forward, macs_of_a_training, one_backward_product, one_example_a_step),
    "systolic_matmul": _of(one_cycle_more, cycles_until_empty, cycles_of_one_cell, one_multiplier, skewed_on_one_side),
    "tiled_matmul": _of(
        past_the_memory, whole_rows, never_freed, sums_go_back_and_forth, ragged_edges_dropped, last_product_alone
    ),
    "loop_traffic": _of(
        nothing_is_kept, full_tiles_everywhere, first_touch_loaded, last_tile_never_stored, tiles_for_numbers
    ),
    "amdahl": _of(serial_for_parallel, everything_shared, time_for_speedup, parallel_part_alone),
    "shard_gradients": _of(plain_mean_of_shares, shares_added_up, remainder_dropped),
    "ring_allreduce": _of(half_way_round, mean_for_sum, a_step_too_many, everyone_to_everyone, sums_in_place),
    "fuse_conv_bn": _of(variance_for_deviation, mean_not_scaled, eps_left_out, own_bias_lost, beta_scaled_too),
    "batched": _of(one_call_each, glued_end_to_end, stacked_behind),
    "count_ops": _of(kinds_of_operators, functions_of_python, one_too_many),
}
