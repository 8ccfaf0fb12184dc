"""The providers that come with agentbox."""
