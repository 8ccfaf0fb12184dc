"""Tools that read files and git by themselves and have a model analyse them."""
