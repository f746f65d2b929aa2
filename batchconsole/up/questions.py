"""The sample records: a hundred short questions that even a very small model can answer, and a file of mistakes.

The text is the same on every start.
"""

import json
from collections.abc import Iterable
from typing import Any

SYSTEM = "Answer in one short sentence."
MAX_TOKENS = 32

CAPITALS = (
    "France", "Spain", "Japan", "Egypt", "Canada", "Portugal", "Greece", "Austria", "Sweden", "Norway", "Poland",
    "Ireland", "Peru", "Kenya", "Australia", "Denmark", "Finland", "Hungary", "India", "Thailand", "Argentina", "Chile",
    "Belgium", "Mexico",
)  # fmt: skip
THINGS = (
    "a river", "a volcano", "a library", "a bicycle", "a poem", "a compass", "a bakery", "an island", "a telescope",
    "a garden", "a violin", "a lighthouse", "a desert", "a museum", "a calendar", "a bridge", "a map", "an umbrella",
    "a mirror", "a candle",
)  # fmt: skip
OPPOSITES = ("hot", "early", "loud", "heavy", "open", "dry", "young", "full", "near", "brave", "cheap", "easy")
COLOURS = ("the sky on a clear day", "grass", "snow", "a ripe banana", "coal", "a tomato", "an orange", "the sea")
EXAMPLES = (
    "a fruit that grows on trees", "an animal that can swim", "a sport played with a ball", "a musical instrument",
    "a planet of our solar system", "a language spoken in Europe", "a tool a carpenter uses", "a flower",
)  # fmt: skip
OCCASIONS = (
    "a birthday", "a new job", "a wedding", "a new baby", "a visit to a friend", "the New Year", "a recovery",
    "a house move",
)  # fmt: skip
REASONS = (
    "Why do birds fly south in winter?", "Why do people sleep?", "Why does ice float on water?",
    "Why do we see lightning before we hear thunder?", "Why do leaves fall in autumn?", "Why is exercise healthy?",
    "Why do plants need sunlight?", "Why do we have leap years?", "Why do cats purr?", "Why is the sea salty?",
    "How do bees make honey?", "How is bread made?", "How do fish breathe?", "How does a kite stay up?",
    "How do you make a cup of tea?", "What causes the tides?", "What do doctors do?", "What do firefighters do?",
    "What is the largest ocean?", "How many days are in a week?",
)  # fmt: skip


def questions() -> list[str]:
    """Return the hundred questions."""
    return [
        *(f"What is the capital of {country}?" for country in CAPITALS),
        *(f"What is {thing}?" for thing in THINGS),
        *(f"What is the opposite of {word}?" for word in OPPOSITES),
        *(f"What colour is {thing}?" for thing in COLOURS),
        *(f"Name {example}." for example in EXAMPLES),
        *(f"Write a short greeting for {occasion}." for occasion in OCCASIONS),
        *REASONS,
    ]


def converse() -> bytes:
    """Return the questions as Converse records."""
    return lines(_record(number, _converse_body(text)) for number, text in enumerate(questions(), 1))


def anthropic() -> bytes:
    """Return the questions as InvokeModel records for Claude."""
    return lines(_record(number, _anthropic_body(text)) for number, text in enumerate(questions(), 1))


def mistakes() -> bytes:
    """Return ten lines with a different mistake each, to show the input check's findings."""
    good = _converse_body("What is the capital of France?")
    return b"\n".join(
        [
            json.dumps(_record(1, good))[:-2].encode(),
            json.dumps({"recordId": "question-002", "input": good}).encode(),
            json.dumps([_record(3, good)]).encode(),
            json.dumps(_record(4, good | {"messages": []})).encode(),
            json.dumps(_record(5, good | {"messages": [{"role": "user", "content": "plain text"}]})).encode(),
            json.dumps(_record(6, good | {"modelId": "amazon.nova-micro-v1:0"})).encode(),
            json.dumps(_record(7, good | {"inferenceConfig": {"maxTokens": "many"}})).encode(),
            json.dumps(_record(8, _anthropic_body("An Anthropic body in a Converse file"))).encode(),
            json.dumps(_record(9, good)).encode() + b"\r",
            json.dumps(_record(9, good)).encode(),
            b"",
        ]
    )


def lines(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def _record(number: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"recordId": f"question-{number:03}", "modelInput": body}


def _converse_body(text: str) -> dict[str, Any]:
    return {
        "system": [{"text": SYSTEM}],
        "messages": [{"role": "user", "content": [{"text": text}]}],
        "inferenceConfig": {"maxTokens": MAX_TOKENS, "temperature": 0.1},
    }


def _anthropic_body(text: str) -> dict[str, Any]:
    return {
        "anthropic_version": "bedrock-2023-05-31",
        "system": SYSTEM,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": MAX_TOKENS,
        "temperature": 0.1,
    }
