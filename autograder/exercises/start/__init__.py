"""The start page: one exercise, to see how a check works."""
