"""Coding agents: found, started against the proxy, and connected to it by their own configs."""
