import math

from openai import AsyncOpenAI

from agentbox_cli.simulate.embeddings import vector_of


async def test_the_sdk_reads_both_encodings_alike(openai_sdk: AsyncOpenAI) -> None:
    packed = await openai_sdk.embeddings.create(model="echo", input=["a", "b"])
    plain = await openai_sdk.embeddings.create(
        model="echo", input=["a", "b"], encoding_format="float"
    )
    for one, other in zip(packed.data, plain.data, strict=True):
        assert all(
            math.isclose(x, y, abs_tol=1e-6)
            for x, y in zip(one.embedding, other.embedding, strict=True)
        )
    assert [item.index for item in packed.data] == [0, 1]
    assert packed.usage.prompt_tokens == 2


async def test_the_wanted_dimensions_are_given(openai_sdk: AsyncOpenAI) -> None:
    answer = await openai_sdk.embeddings.create(model="echo", input="a", dimensions=7)
    assert len(answer.data[0].embedding) == 7


async def test_token_lists_are_texts_too(openai_sdk: AsyncOpenAI) -> None:
    one = await openai_sdk.embeddings.create(model="echo", input=[1, 2, 3])
    two = await openai_sdk.embeddings.create(model="echo", input=[[1], [2]])
    assert (len(one.data), len(two.data)) == (1, 2)


def test_a_vector_depends_on_model_and_text_only() -> None:
    vector = vector_of("m", "text", 16)
    assert vector == vector_of("m", "text", 16)
    assert vector != vector_of("m", "other", 16)
    assert vector != vector_of("n", "text", 16)
    assert math.isclose(sum(number * number for number in vector), 1.0)
