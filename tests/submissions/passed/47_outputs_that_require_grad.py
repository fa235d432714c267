# case: 47
# assignment: 11_acceleration
# cell: fuse_conv_bn
# %% fuse_conv_bn
def fuse_conv_bn(w, b, gamma, beta, mean, var, eps=1e-5):
    w, gamma = torch.nn.Parameter(w), gamma.clone().requires_grad_()
    factor = gamma / torch.sqrt(var + eps)
    shift = -mean if b is None else b - mean
    return w * factor[:, None, None, None], shift * factor + beta
