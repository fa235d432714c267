"""What the commands do, each as a visible list of small steps: build, release, simulate, grade, feedback."""
