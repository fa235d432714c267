# case: 20
# cell: predict
# %% predict
import torch


def predict(scores):
    return torch.ones(1 << 36).numpy()
