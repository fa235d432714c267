"""Backpropagation, from numerical slopes to Adam."""
