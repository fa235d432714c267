r"""Making a trained network smaller: weights set to zero, channels removed, numbers shared, coded and factored.

A trained network holds far more numbers than it needs. Which can go, what does it cost, and what is really saved? Bytes
are saved only if the storage format makes use of the zeros, time only if the hardware does.

Symbols
    w               a layer's weight, (out, in) or (C_out, C_in, K, K)
    s               sparsity    the share of weights that are zero
    N               number      total number of weights
    mask            bool, as w  True where a weight stays
    k, b            numbers     weights that stay, bits of one of them
    p_i             number      the share of symbol i
    T, alpha        numbers     temperature and share of the teacher in distillation

Equations
    magnitude       the floor(s N + 1/2) weights of smallest |w| are removed
    n:m             of m neighbours along the inputs, the n largest stay
    channels        importance of an output channel: the sum of |w| over its inputs and its kernel
    gradual         s(t) = s_f + (s_i - s_f) (1 - (t - t_0) / (t_1 - t_0))^3      between t_0 and t_1
    CSR             y_i = sum of values[j] x[columns[j]] for j from pointers[i] to pointers[i + 1]
    sharing         w ~ codebook[codes]: log2(clusters) bits per weight, and the codebook
    entropy         H = - sum_i p_i log2 p_i <= Huffman's bits per symbol < H + 1
    low rank        min |w - u v|^2 over all u (out, r), v (r, in) = sum of sigma_i^2 for i > r
    distillation    alpha T^2 KL(softmax(t / T) || softmax(s / T)) + (1 - alpha) CE(s, labels)

Papers
    Y. LeCun, J. Denker, S. Solla, "Optimal brain damage", 1990
    S. Han, J. Pool, J. Tran, W. Dally, "Learning both weights and connections for efficient neural networks", 2015
    S. Han, H. Mao, W. Dally, "Deep compression", 2016
    H. Li et al., "Pruning filters for efficient ConvNets", 2017
    M. Zhu, S. Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model compression", 2018
    A. Mishra et al., "Accelerating sparse deep neural networks", 2021 (2:4)
    D. Huffman, "A method for the construction of minimum-redundancy codes", 1952
    C. Eckart, G. Young, "The approximation of one matrix by another of lower rank", 1936
    G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015
"""

from course_lib.pruning.masks import (
    channel_importance,
    global_masks,
    magnitude_mask,
    n_m_mask,
    prune_channels,
    sparsity,
)
from course_lib.pruning.storage import csr_matvec, huffman_bits, kmeans_share, low_rank, model_bytes, to_csr
from course_lib.pruning.tuning import (
    cubic_schedule,
    distillation_loss,
    lenet,
    prune_and_finetune,
    sensitivity,
    tuned,
    weights_of,
    with_weights,
)

__all__ = [
    "channel_importance",
    "csr_matvec",
    "cubic_schedule",
    "distillation_loss",
    "global_masks",
    "huffman_bits",
    "kmeans_share",
    "lenet",
    "low_rank",
    "magnitude_mask",
    "model_bytes",
    "n_m_mask",
    "prune_and_finetune",
    "prune_channels",
    "sensitivity",
    "sparsity",
    "to_csr",
    "tuned",
    "weights_of",
    "with_weights",
]
