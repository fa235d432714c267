"""Gated cells: LSTM and GRU."""
