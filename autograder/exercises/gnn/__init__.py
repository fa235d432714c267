"""Message passing on graphs, and learning with it."""
