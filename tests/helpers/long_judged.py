"""Exercises that are judged for a second or more: of what is tried on each exercise, a part is tried on these."""

__all__ = ["LONG_JUDGED"]

LONG_JUDGED = {
    "backprop.train",
    "capstone.compress",
    "cnn.build_cnn",
    "complex_nn.train_receiver",
    "gnn.build_gcn",
    "gnn.sample_neighbors",
    "gnn.train_nodes",
    "lstm.train_memory",
    "pruning.prune_and_finetune",
    "quantization.quantize_model",
    "quantization.train_aware",
}
"""Most of them train a model; one draws samples a thousand times."""
