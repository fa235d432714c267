"""From a notebook that was handed in to verdicts: sealed library, processes, workers."""
