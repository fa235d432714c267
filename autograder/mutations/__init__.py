"""Edits of Python functions: they prove that an exercise's cases find mistakes, and find the slip in an answer."""
