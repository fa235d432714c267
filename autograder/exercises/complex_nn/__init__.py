"""Complex-valued networks."""
