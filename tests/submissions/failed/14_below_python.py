# case: 14
# assignment: 04_convolution
# cell: im2col
# with: conv2d
# The operator itself, below torch's Python functions.
# %% im2col
import torch


def im2col(x, kernel, stride=1, padding=0):
    t = torch.from_numpy(np.ascontiguousarray(x))
    return torch.ops.aten.im2col(t, list(kernel), [1, 1], [padding] * 2, [stride] * 2).numpy()
