"""Google's protocol: its paths and shapes, and how it becomes a chat for everybody else.

LiteLLM has an endpoint for it too, which cannot be used: it does not pass on the attempt's name,
gives two calls of one tool the same id, of which only one reaches Anthropic, and loses images,
later parts of a system prompt and token counts (measured with 1.106).
"""
