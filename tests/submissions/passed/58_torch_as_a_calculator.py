# case: 58
# cell: softmax_gradient
# torch multiplies and adds; the gradient is the student's own.
# %% softmax_gradient
import torch


def softmax_gradient(X, labels, W, b):
    x, weights, bias = (torch.tensor(each) for each in (X, W, b))
    with torch.no_grad():
        p = torch.softmax(x @ weights.T + bias, dim=1)
        p[torch.arange(len(p)), torch.tensor(labels)] -= 1
        p = p / len(p)
    return (p.T @ x).numpy(), p.sum(0).numpy()
