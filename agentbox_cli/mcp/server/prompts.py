"""Prompts for second opinions: what a person picks, and the agent then does with our tools."""


async def second_opinion(
    question: str,
    model: str = "reasoning",
) -> str:
    """Ask another model what it thinks, and weigh its answer against your own."""
    return f"""\
First answer this for yourself, in a few sentences.
Then ask the model `{model}` with the tool `complete`: give it the question and every fact it
needs, but not your answer. If there is no such alias, `list_models` tells which there are.
Then say where the two answers differ, which one is right and why, and who served the other one.

The question: {question}"""


async def compare_models(
    question: str,
    models: str = "default, fast",
) -> str:
    """Ask several models the same, and compare their answers and costs."""
    return f"""\
Ask each of these models the same question with the tool `complete`, in parallel: {models}.
Show a table with each model, who served it, its tokens and cost, and its answer in one sentence.
Then say on what they agree, on what they do not, and which answer you would trust.

The question: {question}"""


async def challenge_plan(
    plan: str,
) -> str:
    """Have another model look for what is wrong with a plan before it is carried out."""
    return f"""\
Give this plan to the tool `verify_plan`, with the context it needs and the concerns you have.
Go through each of its notes: accept it and change the plan, or say why it does not hold.
Then show the changed plan and the verdict.

The plan:
{plan}"""
