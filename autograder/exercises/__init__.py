"""What is asked and how it is probed: one topic a package, one exercise a file; and the table of assignments."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache

from autograder.exercise import Exercise

__all__ = ["ASSIGNMENTS", "Assignment", "UnknownExercise", "assignment_of", "exercises_of", "find"]


class UnknownExercise(LookupError):
    """No exercise has that id."""


@dataclass(frozen=True)
class Assignment:
    """One notebook: its title and the functions it asks for, in order."""

    title: str
    topic: str
    functions: tuple[str, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The exercises' ids, in the notebook's order."""
        return tuple(f"{self.topic}.{name}" for name in self.functions)


ASSIGNMENTS: dict[str, Assignment] = {
    "01_linear_classification": Assignment(
        "Linear classification",
        "linear",
        (
            "scores",
            "predict",
            "accuracy",
            "perceptron_step",
            "perceptron_fit",
            "softmax",
            "cross_entropy",
            "softmax_gradient",
            "relu_xor",
        ),
    ),
    "02_mlp_forward": Assignment(
        "Forward propagation",
        "mlp",
        ("linear", "relu", "sigmoid", "forward", "he_init", "parameter_count", "mac_count"),
    ),
    "03_backpropagation": Assignment(
        "Backpropagation",
        "backprop",
        (
            "numerical_gradient",
            "linear_backward",
            "relu_backward",
            "sigmoid_backward",
            "softmax_cross_entropy",
            "mlp_gradients",
            "unbroadcast",
            "topological_order",
            "backward",
            "sgd_step",
            "momentum_step",
            "adam_step",
            "train",
        ),
    ),
    "04_convolution": Assignment(
        "Convolution",
        "cnn",
        (
            "dense_weight_count",
            "conv_weight_count",
            "conv2d_single",
            "output_size",
            "conv2d_channels",
            "conv2d_loops",
            "im2col",
            "conv2d",
            "max_pool2d",
            "avg_pool2d",
            "receptive_field",
            "translate",
            "equivariance_error",
        ),
    ),
    "05_cnn_training": Assignment(
        "Training a CNN",
        "cnn",
        (
            "col2im",
            "conv2d_backward",
            "max_pool2d_backward",
            "batch_norm2d",
            "build_cnn",
            "train_epoch",
            "evaluate",
        ),
    ),
    "06_rnn": Assignment(
        "Recurrent networks",
        "rnn",
        (
            "rnn_cell",
            "rnn_forward",
            "rnn_cell_backward",
            "rnn_backward",
            "gradient_norms",
            "clip_gradient_norm",
            "perplexity",
            "sample",
        ),
    ),
    "07_lstm": Assignment(
        "Long short-term memory",
        "lstm",
        (
            "lstm_cell",
            "lstm_forward",
            "lstm_cell_backward",
            "memory_gradient",
            "gru_cell",
            "gate_parameter_count",
            "adding_batch",
            "train_memory",
        ),
    ),
    "08_message_passing": Assignment(
        "Messages on graphs",
        "gnn",
        (
            "to_edge_index",
            "degree",
            "add_self_loops",
            "scatter",
            "message_passing",
            "k_hop",
            "gcn_norm",
            "gcn_layer",
            "sage_layer",
            "gin_layer",
        ),
    ),
    "09_gnn_training": Assignment(
        "Learning on graphs",
        "gnn",
        (
            "GCNConv",
            "build_gcn",
            "train_nodes",
            "gat_layer",
            "dirichlet_energy",
            "global_pool",
            "negative_edges",
            "link_scores",
            "link_loss",
        ),
    ),
    "10_complex": Assignment(
        "Complex-valued networks",
        "complex_nn",
        (
            "complex_matmul",
            "complex_matmul3",
            "complex_linear",
            "complex_conv2d",
            "crelu",
            "zrelu",
            "mod_relu",
            "cardioid",
            "rotation_error",
            "wirtinger",
            "chain_rule",
            "descent_step",
            "complex_init",
            "psk_batch",
            "psk_error_rate",
            "train_receiver",
        ),
    ),
    "11_acceleration": Assignment(
        "Why hardware decides",
        "acceleration",
        (
            "conv_macs",
            "conv_bytes",
            "arithmetic_intensity",
            "roofline",
            "training_flops",
            "systolic_matmul",
            "loop_traffic",
            "tiled_matmul",
            "amdahl",
            "shard_gradients",
            "ring_allreduce",
            "count_ops",
            "batched",
            "fuse_conv_bn",
        ),
    ),
    "12_pruning": Assignment(
        "Pruning",
        "pruning",
        (
            "magnitude_mask",
            "sparsity",
            "global_masks",
            "sensitivity",
            "cubic_schedule",
            "prune_and_finetune",
            "to_csr",
            "csr_matvec",
            "model_bytes",
            "n_m_mask",
            "channel_importance",
            "prune_channels",
            "kmeans_share",
            "huffman_bits",
            "low_rank",
            "distillation_loss",
        ),
    ),
    "13_quantization": Assignment(
        "Quantization",
        "quantization",
        (
            "affine_qparams",
            "quantize",
            "dequantize",
            "quantization_error",
            "per_channel_qparams",
            "calibrate",
            "int8_matmul",
            "requantize",
            "int8_linear",
            "int8_conv2d",
            "fold_batch_norm",
            "quantize_model",
            "fake_quantize",
            "train_aware",
        ),
    ),
    "14_capstone": Assignment(
        "One network, one budget",
        "capstone",
        ("pack", "unpack", "pareto_front", "compress"),
    ),
}


@cache
def _declared(exercise_id: str) -> Exercise:
    """An exercise as its file says it; imports that file and what its topic shares, nothing else."""
    from autograder.exercises.loader import load

    return load(importlib.import_module(f"autograder.exercises.{exercise_id}"))


def assignment_of(exercise_id: str) -> str | None:
    """The assignment that asks for an exercise, or None."""
    for name, assignment in ASSIGNMENTS.items():
        if exercise_id in assignment.ids:
            return name
    return None


def find(exercise_id: str) -> Exercise:
    """The exercise of that id; loads its module, what its topic shares, and nothing else.

    Raises:
        UnknownExercise: no exercise has that id; the message lists near names.
    """
    if assignment_of(exercise_id) is None:
        import difflib

        known = [id_ for assignment in ASSIGNMENTS.values() for id_ in assignment.ids]
        near = difflib.get_close_matches(str(exercise_id), known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known[:6])}, ..."
        raise UnknownExercise(f"no exercise is called {exercise_id!r}: {hint}")
    return _declared(exercise_id)


def exercises_of(assignment: str) -> tuple[Exercise, ...]:
    """All exercises of an assignment, in the notebook's order."""
    return tuple(find(id_) for id_ in ASSIGNMENTS[assignment].ids)
