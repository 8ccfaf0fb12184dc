"""From the config of another program to a `litellm:` section; no file is read or written."""
