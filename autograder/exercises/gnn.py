"""Networks on graphs: what is asked in notebooks 08 and 09. Cases and known mistakes stand in `gnn_*`."""

from __future__ import annotations

from autograder.exercise import Exercise, Property, Rules, Tolerance
from autograder.exercises import gnn_learning_cases as learning
from autograder.exercises import gnn_message_cases as rounds
from autograder.exercises.gnn_learning_mistakes import MISTAKES as LEARNING_MISTAKES
from autograder.exercises.gnn_message_mistakes import MISTAKES
from autograder.harness import gnn as harness
from course_lib import gnn

__all__ = ["EXERCISES"]

_RENUMBERED = "renumbering the nodes renumbers the answer"
_SINGLE_NORM = Tolerance(relative=1e-6, absolute=1e-6)
"""Weights of gcn_norm are single precision, whatever the features are."""
_PYG_MESSAGES = tuple(
    f"torch_geometric.{name}"
    for name in (
        "nn.MessagePassing",
        "nn.GCNConv",
        "nn.SAGEConv",
        "nn.GINConv",
        "nn.conv.gcn_conv.gcn_norm",
        "utils.add_remaining_self_loops",
        "utils.add_self_loops",
        "utils.degree",
        "utils.dense_to_sparse",
        "utils.k_hop_subgraph",
        "utils.scatter",
    )
)
"""What PyG has of notebook 08; one set for all of its exercises, since each set is another process."""
_PYG_LEARNING = tuple(
    f"torch_geometric.{name}"
    for name in (
        "nn.GCNConv",
        "nn.GATConv",
        "nn.InnerProductDecoder",
        "nn.global_add_pool",
        "nn.global_max_pool",
        "nn.global_mean_pool",
        "utils.negative_sampling",
        "utils.softmax",
    )
)
"""What PyG has of notebook 09, which leaves the frame that its layers stand in."""

_MESSAGES = (
    Exercise(
        id="gnn.to_edge_index",
        reference=gnn.to_edge_index,
        signature="to_edge_index(adjacency (n, n)) -> (2, E) int64, sources above targets",
        groups={"basics": 1, "corners": 1},
        visible=rounds.to_edge_index_visible,
        hidden=rounds.to_edge_index_hidden,
        misconceptions=MISTAKES["to_edge_index"],
        rules=Rules(forbids=_PYG_MESSAGES),
    ),
    Exercise(
        id="gnn.degree",
        reference=gnn.degree,
        signature="degree(index (E,), n) -> (n,) int64",
        groups={"basics": 1},
        visible=rounds.degree_visible,
        hidden=rounds.degree_hidden,
        misconceptions=MISTAKES["degree"],
        rules=Rules(forbids=_PYG_MESSAGES),
    ),
    Exercise(
        id="gnn.add_self_loops",
        reference=gnn.add_self_loops,
        signature="add_self_loops(edge_index (2, E), n) -> (2, E')",
        groups={"basics": 1, "corners": 1},
        visible=rounds.add_self_loops_visible,
        hidden=rounds.add_self_loops_hidden,
        misconceptions=MISTAKES["add_self_loops"],
        rules=Rules(forbids=_PYG_MESSAGES),
    ),
    Exercise(
        id="gnn.scatter",
        reference=gnn.scatter,
        signature='scatter(messages (E, F), index (E,), n, reduce "sum" | "mean" | "max") -> (n, F)',
        groups={"sum": 1, "mean": 1, "max": 1, "vectorised": 1},
        visible=rounds.scatter_visible,
        hidden=rounds.scatter_hidden,
        misconceptions=MISTAKES["scatter"],
        rules=Rules(forbids=_PYG_MESSAGES, vectorised=rounds.scatter_growth()),
    ),
    Exercise(
        id="gnn.message_passing",
        reference=gnn.message_passing,
        signature="message_passing(x (n, F), edge_index (2, E), message(x_i, x_j), reduce) -> (n, F')",
        groups={"basics": 2, "corners": 1, "vectorised": 1},
        visible=rounds.message_passing_visible,
        hidden=rounds.message_passing_hidden,
        misconceptions=MISTAKES["message_passing"],
        properties=(Property(_RENUMBERED, rounds.message_passing_equivariant, "corners"),),
        rules=Rules(forbids=_PYG_MESSAGES, vectorised=rounds.message_passing_growth()),
    ),
    Exercise(
        id="gnn.k_hop",
        reference=gnn.k_hop,
        signature="k_hop(edge_index (2, E), node, k, n) -> sorted node numbers that reach node in at most k steps",
        groups={"basics": 1, "corners": 1},
        visible=rounds.k_hop_visible,
        hidden=rounds.k_hop_hidden,
        misconceptions=MISTAKES["k_hop"],
        rules=Rules(forbids=_PYG_MESSAGES),
        through=harness.node_ids,
    ),
    Exercise(
        id="gnn.gcn_norm",
        reference=gnn.gcn_norm,
        signature="gcn_norm(edge_index (2, E), n) -> (edge_index with loops (2, E'), weight (E',) float32)",
        groups={"basics": 2, "corners": 1},
        visible=rounds.gcn_norm_visible,
        hidden=rounds.gcn_norm_hidden,
        misconceptions=MISTAKES["gcn_norm"],
        rules=Rules(forbids=_PYG_MESSAGES),
        through=harness.sorted_edges,
    ),
    Exercise(
        id="gnn.gcn_layer",
        reference=gnn.gcn_layer,
        signature="gcn_layer(x (n, F), edge_index (2, E), W (F', F), b (F',)) -> (n, F')",
        groups={"basics": 3, "gradients": 1},
        visible=rounds.gcn_visible,
        hidden=rounds.gcn_hidden,
        misconceptions=MISTAKES["gcn_layer"],
        properties=(Property(_RENUMBERED, rounds.gcn_equivariant, "basics"),),
        rules=Rules(forbids=_PYG_MESSAGES),
        tolerance=_SINGLE_NORM,
    ),
    Exercise(
        id="gnn.sage_layer",
        reference=gnn.sage_layer,
        signature="sage_layer(x (n, F), edge_index (2, E), W_self (F', F), W_neigh (F', F), b (F',)) -> (n, F')",
        groups={"basics": 2, "gradients": 1},
        visible=rounds.sage_visible,
        hidden=rounds.sage_hidden,
        misconceptions=MISTAKES["sage_layer"],
        properties=(Property(_RENUMBERED, rounds.sage_equivariant, "basics"),),
        rules=Rules(forbids=_PYG_MESSAGES),
    ),
    Exercise(
        id="gnn.gin_layer",
        reference=gnn.gin_layer,
        signature="gin_layer(x (n, F), edge_index (2, E), mlp((n, F)) -> (n, F'), eps) -> (n, F')",
        groups={"basics": 2, "gradients": 1},
        visible=rounds.gin_visible,
        hidden=rounds.gin_hidden,
        misconceptions=MISTAKES["gin_layer"],
        properties=(Property(_RENUMBERED, rounds.gin_equivariant, "basics"),),
        rules=Rules(forbids=_PYG_MESSAGES),
    ),
)

_LEARNING = (
    Exercise(
        id="gnn.GCNConv",
        reference=gnn.GCNConv,
        signature="GCNConv(in_channels, out_channels): a MessagePassing; layer(x (n, in), edge_index) -> (n, out)",
        groups={"basics": 3, "gradients": 1},
        visible=learning.conv_visible,
        hidden=learning.conv_hidden,
        misconceptions=LEARNING_MISTAKES["GCNConv"],
        properties=(
            Property(_RENUMBERED, learning.conv_equivariant, "basics"),
            Property("a new layer starts at random", learning.conv_starts_at_random, "basics", harness.conv_start),
        ),
        rules=Rules(forbids=_PYG_LEARNING),
        tolerance=_SINGLE_NORM,
        through=harness.conv,
    ),
    Exercise(
        id="gnn.build_gcn",
        reference=gnn.build_gcn,
        signature="build_gcn(features, hidden, classes) -> nn.Module, called as model(x, edge_index) -> (n, classes)",
        groups={"basics": 2, "karate": 2},
        visible=learning.build_visible,
        hidden=learning.build_hidden,
        misconceptions=LEARNING_MISTAKES["build_gcn"],
        rules=Rules(forbids=_PYG_LEARNING),
        accepts=learning.accept_network,
        seconds=60.0,
    ),
    Exercise(
        id="gnn.train_nodes",
        reference=gnn.train_nodes,
        signature="train_nodes(model, data, epochs, lr, weight_decay) -> model, trained in place",
        groups={"learns": 2, "recipe": 1},
        visible=learning.train_visible,
        hidden=learning.train_hidden,
        misconceptions=LEARNING_MISTAKES["train_nodes"],
        accepts=learning.accept_training,
        through=harness.trained_nodes,
        seconds=30.0,
    ),
    Exercise(
        id="gnn.gat_layer",
        reference=gnn.gat_layer,
        signature=(
            "gat_layer(x (n, D), edge_index (2, E), W (heads*F, D), a_src (heads, F), a_dst (heads, F), "
            "negative_slope=0.2) -> (n, heads*F)"
        ),
        groups={"basics": 2, "corners": 1, "gradients": 1},
        visible=learning.gat_visible,
        hidden=learning.gat_hidden,
        misconceptions=LEARNING_MISTAKES["gat_layer"],
        properties=(Property(_RENUMBERED, learning.gat_equivariant, "basics"),),
        rules=Rules(forbids=_PYG_LEARNING),
    ),
    Exercise(
        id="gnn.dirichlet_energy",
        reference=gnn.dirichlet_energy,
        signature="dirichlet_energy(x (n, F), edge_index (2, E)) -> float",
        groups={"basics": 1},
        visible=learning.dirichlet_visible,
        hidden=learning.dirichlet_hidden,
        misconceptions=LEARNING_MISTAKES["dirichlet_energy"],
        properties=(Property("only squared differences count", learning.dirichlet_shift, "basics"),),
    ),
    Exercise(
        id="gnn.global_pool",
        reference=gnn.global_pool,
        signature='global_pool(x (n, F), batch (n,), reduce "sum" | "mean" | "max") -> (graphs, F)',
        groups={"basics": 1, "corners": 1},
        visible=learning.pool_visible,
        hidden=learning.pool_hidden,
        misconceptions=LEARNING_MISTAKES["global_pool"],
        rules=Rules(forbids=_PYG_LEARNING),
    ),
    Exercise(
        id="gnn.negative_edges",
        reference=gnn.negative_edges,
        signature="negative_edges(edge_index (2, E), n, count, generator) -> (2, count) int64",
        groups={"basics": 1, "corners": 1},
        visible=learning.negatives_visible,
        hidden=learning.negatives_hidden,
        misconceptions=LEARNING_MISTAKES["negative_edges"],
        rules=Rules(forbids=_PYG_LEARNING),
        accepts=learning.accept_negatives,
        through=harness.negatives,
    ),
    Exercise(
        id="gnn.link_scores",
        reference=gnn.link_scores,
        signature="link_scores(z (n, F), edges (2, M)) -> (M,)",
        groups={"basics": 1, "gradients": 1},
        visible=learning.link_scores_visible,
        hidden=learning.link_scores_hidden,
        misconceptions=LEARNING_MISTAKES["link_scores"],
        rules=Rules(forbids=_PYG_LEARNING),
    ),
    Exercise(
        id="gnn.link_loss",
        reference=gnn.link_loss,
        signature="link_loss(pos (P,), neg (Q,)) -> one number",
        groups={"basics": 1, "extremes": 1},
        visible=learning.link_loss_visible,
        hidden=learning.link_loss_hidden,
        misconceptions=LEARNING_MISTAKES["link_loss"],
        properties=(Property("both kinds are judged alike", learning.link_loss_mirror, "basics"),),
    ),
)

EXERCISES = _MESSAGES + _LEARNING
