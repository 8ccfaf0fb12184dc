"""How agentbox runs elsewhere: in containers, as a service, or as plain LiteLLM."""
