"""The operating system's tools: namespaces, Landlock, seccomp, limits, processes."""
