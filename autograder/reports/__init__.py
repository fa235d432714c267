"""Draws verdicts for people and platforms. Reads verdicts and nothing else."""
