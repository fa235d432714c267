"""Pruning and compression."""
