"""Linear classification: scores, the perceptron, softmax and its gradient."""
