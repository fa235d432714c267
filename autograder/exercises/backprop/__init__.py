"""Backpropagation, from slopes by nudging to Adam."""
