"""Simulated providers: a small HTTP server that answers, or fails on command."""
