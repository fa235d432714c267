"""Pruning: what is asked. Cases stand in `pruning_cases`, known mistakes in `pruning_mistakes`."""

from __future__ import annotations

from autograder.exercise import Exercise, Property, Rules
from autograder.exercises import pruning_cases as cases
from autograder.exercises.pruning_mistakes import MISTAKES
from autograder.harness import pruning as harness
from course_lib import pruning

__all__ = ["EXERCISES"]

PRUNERS = ("torch.nn.utils.prune",)
"""What would make the masks."""
SPARSE = ("torch.Tensor.to_sparse_csr", "torch.sparse_csr_tensor", "torch.sparse_compressed_tensor")
"""What would make or multiply the sparse matrix."""

EXERCISES = (
    Exercise(
        id="pruning.magnitude_mask",
        reference=pruning.magnitude_mask,
        signature="magnitude_mask(w (...), sparsity) -> bool (...), True where a weight stays",
        groups={"basics": 1, "corners": 1, "ties": 1},
        visible=cases.mask_visible,
        hidden=cases.mask_hidden,
        misconceptions=MISTAKES["magnitude_mask"],
        rules=Rules(forbids=PRUNERS),
        accepts=cases.accepts_mask,
    ),
    Exercise(
        id="pruning.sparsity",
        reference=pruning.sparsity,
        signature="sparsity(weights [tensor, ...]) -> float",
        groups={"basics": 1},
        visible=cases.share_visible,
        hidden=cases.share_hidden,
        misconceptions=MISTAKES["sparsity"],
    ),
    Exercise(
        id="pruning.global_masks",
        reference=pruning.global_masks,
        signature="global_masks(weights [tensor, ...], sparsity) -> [bool, ...], one mask for each layer",
        groups={"basics": 2, "corners": 1},
        visible=cases.masks_visible,
        hidden=cases.masks_hidden,
        misconceptions=MISTAKES["global_masks"],
        rules=Rules(forbids=PRUNERS),
        accepts=cases.accepts_masks,
    ),
    Exercise(
        id="pruning.sensitivity",
        reference=pruning.sensitivity,
        signature=(
            "sensitivity(evaluate, weights [tensor, ...], sparsities [float, ...]) -> scores[layer][sparsity],"
            " with evaluate(weights) -> float"
        ),
        groups={"basics": 2},
        visible=cases.sensitivity_visible,
        hidden=cases.sensitivity_hidden,
        misconceptions=MISTAKES["sensitivity"],
    ),
    Exercise(
        id="pruning.cubic_schedule",
        reference=pruning.cubic_schedule,
        signature="cubic_schedule(step, start, end, initial, final) -> float",
        groups={"basics": 1, "corners": 1},
        visible=cases.schedule_visible,
        hidden=cases.schedule_hidden,
        misconceptions=MISTAKES["cubic_schedule"],
    ),
    Exercise(
        id="pruning.prune_and_finetune",
        reference=pruning.prune_and_finetune,
        signature="prune_and_finetune(model, data (x, labels), sparsity) -> a new model, sparse and fine-tuned",
        groups={"form": 2, "learns": 3},
        visible=cases.finetune_visible,
        hidden=cases.finetune_hidden,
        misconceptions=MISTAKES["prune_and_finetune"],
        accepts=cases.accepts_pruned,
        through=harness.pruned,
        seconds=40.0,
    ),
    Exercise(
        id="pruning.to_csr",
        reference=pruning.to_csr,
        signature="to_csr(w (out, in)) -> (values (k,), columns (k,) int64, row_pointers (out + 1,) int64)",
        groups={"basics": 1, "corners": 1},
        visible=cases.csr_visible,
        hidden=cases.csr_hidden,
        misconceptions=MISTAKES["to_csr"],
        rules=Rules(forbids=SPARSE),
    ),
    Exercise(
        id="pruning.csr_matvec",
        reference=pruning.csr_matvec,
        signature="csr_matvec(csr (values, columns, row_pointers), x (in,)) -> (out,)",
        groups={"basics": 1, "corners": 1},
        visible=cases.matvec_visible,
        hidden=cases.matvec_hidden,
        misconceptions=MISTAKES["csr_matvec"],
        rules=Rules(forbids=SPARSE),
    ),
    Exercise(
        id="pruning.model_bytes",
        reference=pruning.model_bytes,
        signature="model_bytes(weights [tensor, ...], masks [bool or None, ...], bits, index_bits) -> int",
        groups={"basics": 1, "packed": 1},
        visible=cases.bytes_visible,
        hidden=cases.bytes_hidden,
        misconceptions=MISTAKES["model_bytes"],
    ),
    Exercise(
        id="pruning.n_m_mask",
        reference=pruning.n_m_mask,
        signature="n_m_mask(w (out, in, ...), n=2, m=4) -> bool (out, in, ...)",
        groups={"basics": 1, "corners": 1, "refuses": 1},
        visible=cases.group_visible,
        hidden=cases.group_hidden,
        misconceptions=MISTAKES["n_m_mask"],
        accepts=cases.accepts_group_mask,
    ),
    Exercise(
        id="pruning.channel_importance",
        reference=pruning.channel_importance,
        signature="channel_importance(w (C_out, ...)) -> (C_out,)",
        groups={"basics": 1},
        visible=cases.importance_visible,
        hidden=cases.importance_hidden,
        misconceptions=MISTAKES["channel_importance"],
    ),
    Exercise(
        id="pruning.prune_channels",
        reference=pruning.prune_channels,
        signature=(
            "prune_channels(w1 (C, ...), b1 (C,), w2 (out, C, ...), keep (k,) int64)"
            " -> (w1 (k, ...), b1 (k,), w2 (out, k, ...))"
        ),
        groups={"basics": 2},
        visible=cases.removal_visible,
        hidden=cases.removal_hidden,
        misconceptions=MISTAKES["prune_channels"],
        properties=(Property("removing is zeroing", cases.removal_is_zeroing, "basics"),),
    ),
    Exercise(
        id="pruning.kmeans_share",
        reference=pruning.kmeans_share,
        signature="kmeans_share(w (...), clusters, iterations) -> (codebook (clusters,), codes (...) int64)",
        groups={"basics": 2, "corners": 1},
        visible=cases.share_values_visible,
        hidden=cases.share_values_hidden,
        misconceptions=MISTAKES["kmeans_share"],
    ),
    Exercise(
        id="pruning.huffman_bits",
        reference=pruning.huffman_bits,
        signature="huffman_bits(symbols (...) int64) -> int",
        groups={"basics": 2, "corners": 1},
        visible=cases.code_visible,
        hidden=cases.code_hidden,
        misconceptions=MISTAKES["huffman_bits"],
        properties=(Property("between the entropy and one bit more", cases.code_within_bounds, "basics"),),
    ),
    Exercise(
        id="pruning.low_rank",
        reference=pruning.low_rank,
        signature="low_rank(w (out, in), rank) -> (u (out, rank), v (rank, in))",
        groups={"basics": 2},
        visible=cases.rank_visible,
        hidden=cases.rank_hidden,
        misconceptions=MISTAKES["low_rank"],
        accepts=cases.accepts_factors,
    ),
    Exercise(
        id="pruning.distillation_loss",
        reference=pruning.distillation_loss,
        signature="distillation_loss(student (N, C), teacher (N, C), labels (N,), temperature, alpha) -> tensor ()",
        groups={"basics": 1, "safe": 1, "gradients": 1},
        visible=cases.distil_visible,
        hidden=cases.distil_hidden,
        misconceptions=MISTAKES["distillation_loss"],
    ),
)
