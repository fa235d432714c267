"""The system's own means: namespaces, Landlock, seccomp, limits, processes."""
