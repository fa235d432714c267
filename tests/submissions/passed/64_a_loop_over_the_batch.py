# case: 64
# assignment: 04_convolution
# cell: conv2d
# %% conv2d
def conv2d(x, w, b=None, stride=1, padding=0):
    maps = []
    for image in np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding))):
        seen = np.lib.stride_tricks.sliding_window_view(image, w.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
        maps.append(np.tensordot(w, seen, axes=([1, 2, 3], [0, 3, 4])))
    y = np.stack(maps)
    return y if b is None else y + b[:, None, None]
