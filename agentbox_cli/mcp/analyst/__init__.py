"""Tools that read files and commits of the workspace and have a model analyse them."""
