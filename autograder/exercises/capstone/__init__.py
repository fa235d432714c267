"""One network within one budget of bytes and multiply-accumulates."""
