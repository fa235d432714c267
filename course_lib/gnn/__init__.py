r"""Networks on graphs: every node gathers messages from its neighbours and updates what it knows.

One round lets a node hear its neighbours, two rounds the neighbours of its neighbours. All layers here are one round
with different messages; learning then tells them what to say.

Symbols
    n, E            numbers     nodes and edges
    x               (n, F)      features, one row for each node
    edge_index      (2, E)      int64; row 0 holds the sources j, row 1 the targets i: messages run j -> i
    index           (E,)        int64; the node at which each message arrives
    W               (F', F)     weights, (out, in) as in `torch.nn.Linear`
    b               (F',)       bias
    N(i)            a list      the sources of the edges that enter node i, as often as the edges occur
    d_i             number      how many edges enter node i, including its own loop

Equations
    round           m_ij = message(x_i, x_j) for every edge j -> i,   h_i = reduce of m_ij over j in N(i), 0 if empty
    GCN             h_i = sum_j W x_j / sqrt(d_i d_j) + b   over N(i) with a self loop at every node
    GraphSAGE       h_i = W_self x_i + W_neigh mean_j x_j + b
    GIN             h_i = mlp((1 + eps) x_i + sum_j x_j)
    GAT             h_i = sum_j a_ij W x_j,   a_ij = softmax over j of LeakyReLU(a_dst . W x_i + a_src . W x_j)
    smoothness      E(x) = 1/2 sum over edges of |x_i - x_j|^2
    links           p(u ~ v) = sigmoid(z_u . z_v)

Papers
    J. Gilmer et al., "Neural message passing for quantum chemistry", 2017
    T. Kipf, M. Welling, "Semi-supervised classification with graph convolutional networks", 2017
    W. Hamilton, R. Ying, J. Leskovec, "Inductive representation learning on large graphs", 2017
    K. Xu et al., "How powerful are graph neural networks?", 2019
    P. Velickovic et al., "Graph attention networks", 2018
    T. Kipf, M. Welling, "Variational graph auto-encoders", 2016
    K. Oono, T. Suzuki, "Graph neural networks exponentially lose expressive power for node classification", 2020
"""

from course_lib.gnn.layers import gcn_layer, gin_layer, sage_layer
from course_lib.gnn.messages import (
    add_self_loops,
    degree,
    gcn_norm,
    k_hop,
    message_passing,
    scatter,
    to_edge_index,
)
from course_lib.gnn.models import GCNConv, build_gcn, gat_layer, train_nodes
from course_lib.gnn.tasks import (
    dirichlet_energy,
    global_pool,
    link_loss,
    link_scores,
    negative_edges,
    sample_neighbors,
)

__all__ = [
    "GCNConv",
    "add_self_loops",
    "build_gcn",
    "degree",
    "dirichlet_energy",
    "gat_layer",
    "gcn_layer",
    "gcn_norm",
    "gin_layer",
    "global_pool",
    "k_hop",
    "link_loss",
    "link_scores",
    "message_passing",
    "negative_edges",
    "sage_layer",
    "sample_neighbors",
    "scatter",
    "to_edge_index",
    "train_nodes",
]
