"""The life of the proxy daemon: one lock, one state file, start and stop."""
