"""What students hand in: collected, read without trust, matched to the course's notebook and restored."""
