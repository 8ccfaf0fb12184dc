"""The proof that a chain works: every link made to fail, every answer checked."""
