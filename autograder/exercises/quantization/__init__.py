"""Quantization, from one tensor to whole networks."""
