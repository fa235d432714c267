r"""One network, one budget: everything in the course at once.

A budget says how many bytes a network may store and how many multiply-accumulates (MACs) it may take for one example.
Within it, as many examples as possible have to be classified correctly.

Symbols
    C           channels that stay in a layer
    b           bits per weight
    N           examples in a batch, or nodes of a graph

Equations
    bytes of packed weights:                ceil(b out in K^2 / 8)
    MACs of a convolution, per image:       C_out C_in K^2 H W
    MACs of a graph convolution, per node:  F C + (mean degree + 1) C
    on the Pareto front: no other model costs at most as much and is at least as accurate

Papers
    S. Han, H. Mao, W. Dally, "Deep compression", 2016
    J. Frankle, M. Carbin, "The lottery ticket hypothesis", 2019
    B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only
        inference", 2018
    T. Kipf, M. Welling, "Semi-supervised classification with graph convolutional networks", 2017
"""

from course_lib.capstone.baselines import Measured, charged, measured, prune_only, quantize_only, recorded, uncompressed
from course_lib.capstone.compression import SKELETON, Budget, CompressedModel, compress
from course_lib.capstone.networks import GCN, digits_cnn, folded, network, spread
from course_lib.capstone.packing import pack, pareto_front, unpack
from course_lib.capstone.tasks import Task, digits_task, graph_task, inputs_of, joined, parts, trained

__all__ = [
    "GCN",
    "SKELETON",
    "Budget",
    "CompressedModel",
    "Measured",
    "Task",
    "charged",
    "compress",
    "digits_cnn",
    "digits_task",
    "folded",
    "graph_task",
    "inputs_of",
    "joined",
    "measured",
    "network",
    "pack",
    "pareto_front",
    "parts",
    "prune_only",
    "quantize_only",
    "recorded",
    "spread",
    "trained",
    "uncompressed",
    "unpack",
]
