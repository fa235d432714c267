"""The trusted end: starts the warm server, sends cells and calls, believes nothing that comes back."""
