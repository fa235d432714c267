"""The trusted end: starts the warm server, sends cells and calls, trusts nothing that comes back."""
