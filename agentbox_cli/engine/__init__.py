"""Stock LiteLLM: its config rendered, its process run."""
