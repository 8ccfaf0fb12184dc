"""The data plane: who may call, which link answers, what the client sees."""
