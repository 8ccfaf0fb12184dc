"""Completion scripts for shells, made from the command tree."""
