"""Forward propagation through multilayer perceptrons."""
