"""Runs untrusted notebooks: a warm server forks a process for each submission. Knows no answers."""
