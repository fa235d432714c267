"""What is kept: nbgrader's gradebook, verdicts, final scores, and the settings that say where."""
