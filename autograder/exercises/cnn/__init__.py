"""Convolution, forward and backward, and the training of a CNN."""
