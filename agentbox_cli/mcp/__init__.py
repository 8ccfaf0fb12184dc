"""What agentbox does with the Model Context Protocol: its own server, and the gateway."""
