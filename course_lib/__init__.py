"""Reference implementations, one module a topic; data, training and pictures beside them."""
