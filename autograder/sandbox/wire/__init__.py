"""What passes between the two ends: frames, messages, values. Decoding trusts nothing."""
