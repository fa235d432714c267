"""What is wrong with the state of a notebook rather than with an answer: cells that failed, changed or did not run."""
