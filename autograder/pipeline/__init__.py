"""What the commands do, each a visible list of small steps: build, release, simulate, grade, feedback."""
