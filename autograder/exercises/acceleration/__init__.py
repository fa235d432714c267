"""What hardware asks of networks: counting, locality, parallelism, overhead."""
