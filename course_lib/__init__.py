"""Reference implementations, one module per topic; data, training and pictures beside them."""
