"""agentbox: one local address that keeps coding agents talking."""

__version__ = "0.1.0"
