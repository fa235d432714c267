"""What students hand in: collected, read without trust, matched with the course's notebook and restored."""
