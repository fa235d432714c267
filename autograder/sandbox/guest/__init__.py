"""The jailed end: what runs in the same process as a student's code. Imports nothing of the host."""
