"""The openai SDK asks for vectors, which it fetches as base64."""

import json
import sys

from openai import OpenAI

sdk = OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="agentbox", max_retries=0)
told = sdk.embeddings.with_raw_response.create(model="vectors", input=["say", "hello"])
vectors = told.parse().data
assert [len(each.embedding) for each in vectors] == [32, 32], vectors
plain = sdk.embeddings.create(model="vectors", input="say", encoding_format="float").data[0]
assert max(abs(a - b) for a, b in zip(plain.embedding, vectors[0].embedding, strict=True)) < 1e-6
print(json.dumps({"served_by": told.headers["x-agentbox-served-by"]}))
