"""What agents show the proxy where the kernel vouches for them: no secret, and no key."""

DUMMY_KEY = "agentbox"
