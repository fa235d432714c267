"""What goes out again: feedback, the class report, likeness between answers."""
