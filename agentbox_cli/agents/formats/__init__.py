"""Edits of agents' config files as text: what is not ours stays byte for byte."""
