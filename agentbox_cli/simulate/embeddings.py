"""Embeddings: vectors that depend on the model and the text only."""

import base64
import hashlib
import math
import struct
from collections.abc import Sequence
from typing import Any

from agentbox_cli.simulate.answer import Answer, unary
from agentbox_cli.simulate.asked import Asked


def answer_embeddings(asked: Asked) -> Answer:
    """Answer `/embeddings`."""
    tokens = asked.input_tokens
    return unary(
        {
            "object": "list",
            "data": [_embedded(asked, index) for index in range(len(asked.inputs))],
            "model": asked.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _embedded(asked: Asked, index: int) -> dict[str, Any]:
    vector = vector_of(asked.model, asked.inputs[index], asked.dimensions)
    embedding = _base64(vector) if asked.base64 else vector
    return {"object": "embedding", "index": index, "embedding": embedding}


def vector_of(model: str, text: str, dimensions: int) -> list[float]:
    """Make the vector of length 1 that a text has in a model, at every provider."""
    digest = hashlib.shake_256(f"{model}\0{text}".encode()).digest(2 * dimensions)
    # Halves keep every number, and so the length, from being 0.
    numbers = [number - 32767.5 for number in struct.unpack(f"<{dimensions}H", digest)]
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers]


def _base64(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
