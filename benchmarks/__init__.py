"""What agentbox costs: measured beside a direct call, a bare pass-through and bare LiteLLM."""
