"""What an instructor writes and tries out: notebooks built from sources, releases, simulated classes."""
