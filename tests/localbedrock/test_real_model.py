"""The project's own model behind the service: chat and embeddings side by side, in every family."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchconsole.setup import model
from tests import conftest
from tests.localbedrock.stack import MODEL, Service, Workspace, create, json_lines, running

LLAMA_LOG = re.compile(
    r"\d+\.\d+\.\d+\.\d+ "
)  # how each line of llama.cpp's log begins, which a thread of its own writes
EMBEDDINGS = "amazon.titan-embed-text-v2:0"


@pytest.fixture(scope="module")
def model_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, log = str(conftest.free_port()), tmp_path_factory.mktemp("model") / "log"
    url, options = f"http://127.0.0.1:{port}", ("--model", str(model.fetch()), "--port", port)
    with conftest.running("batchconsole.modelserver", *options, environment={}, url=f"{url}/health", log=log):
        yield url


@pytest.fixture(scope="module")
def real(aws_endpoint: str, model_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("real")
    with running(Service(folder, aws_endpoint, "--min-records-per-job", "1", model=model_url)) as started:
        yield started


def invoke(real: Service, model_id: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = real.client("bedrock-runtime", seconds=120).invoke_model(modelId=model_id, body=json.dumps(body))
    return dict(json.loads(answer["body"].read()))


def embedding(real: Service, text: str, **members: Any) -> list[float]:
    return list(invoke(real, EMBEDDINGS, {"inputText": text} | members)["embedding"])


def test_a_batch_of_embeddings_has_the_dimensions_asked_for(real: Service, workspace: Workspace) -> None:
    records = [
        {"recordId": str(size), "modelInput": {"inputText": "The sky", "dimensions": size}} for size in (256, 512)
    ]
    uri = workspace.put(json_lines([*records, {"recordId": "1024", "modelInput": {"inputText": "The sky"}}]))
    job = workspace.run(real.client(), uri, modelId=EMBEDDINGS, modelInvocationType="InvokeModel")
    answers = workspace.answers(job)
    assert (job["status"], job["successRecordCount"]) == ("Completed", 3)
    assert all(len(answer["modelOutput"]["embedding"]) == int(answer["recordId"]) for answer in answers)
    assert all(math.hypot(*answer["modelOutput"]["embedding"]) == pytest.approx(1) for answer in answers)
    assert workspace.manifest(job)["inputTokenCount"] > 0


def test_texts_that_mean_the_same_are_near_each_other(real: Service) -> None:
    question, near, far = (
        embedding(real, text)
        for text in ("The cat sleeps on the sofa.", "A kitten is napping on the couch.", "How do I reset my password?")
    )
    assert math.dist(question, near) < math.dist(question, far)


def test_a_long_text_has_an_embedding_too(real: Service) -> None:
    assert math.hypot(*embedding(real, "word " * 515)) == pytest.approx(1)


def test_converse_answers_beside_embeddings(real: Service) -> None:
    answer = real.client("bedrock-runtime", seconds=120).converse(
        modelId=MODEL,
        system=[{"text": "You are a helpful assistant."}],
        messages=[{"role": "user", "content": [{"text": "What is the capital of Italy? One word."}]}],
        inferenceConfig={"maxTokens": 8, "temperature": 0},
    )
    assert "Rome" in answer["output"]["message"]["content"][0]["text"]
    assert 0 < answer["usage"]["outputTokens"] <= 8 < answer["usage"]["inputTokens"]


RATING = {
    "type": "object",
    "properties": {
        "mood": {"enum": ["good", "bad"]},
        "score": {"enum": [1, 2, 3]},
        "sure": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "tags": {"$ref": "#/$defs/tags"},
    },
    "required": ["mood", "score", "sure", "day", "tags"],
    "additionalProperties": False,
    "$defs": {"tags": {"anyOf": [{"type": "null"}, {"const": "none"}]}},
}


def is_rating(text: str) -> bool:
    rating = json.loads(text)
    simple = rating["mood"] in ("good", "bad") and rating["score"] in (1, 2, 3) and isinstance(rating["sure"], bool)
    return simple and len(rating["day"]) == 10 and rating["tags"] in (None, "none") and len(rating) == 5


def test_every_answer_of_a_job_with_a_schema_is_an_instance(real: Service, workspace: Workspace) -> None:
    named = {"schema": json.dumps(RATING), "name": "rating"}
    body = {
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": named}}},
        "inferenceConfig": {"maxTokens": 150, "temperature": 0},
    }
    texts = ("The soup was cold.", "What a lovely day!", "I waited for an hour.", "It works.")
    messages = [[{"role": "user", "content": [{"text": f"Rate this text: {text}"}]}] for text in texts]
    records = [{"recordId": str(n), "modelInput": body | {"messages": message}} for n, message in enumerate(messages)]
    arn = create(real.client(), workspace.request(workspace.put(json_lines(records))))
    job = workspace.wait(real.client(), arn, seconds=120)
    answers = [answer["modelOutput"]["output"]["message"]["content"][0]["text"] for answer in workspace.answers(job)]
    assert len(answers) == len(texts)
    assert all(map(is_rating, answers))


def test_a_strict_tool_that_must_be_called_is_called(real: Service) -> None:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 150,
        "messages": [{"role": "user", "content": "Rate this text: The soup was cold."}],
        "tools": [{"name": "rate", "description": "Rates a text.", "input_schema": RATING, "strict": True}],
        "tool_choice": {"type": "tool", "name": "rate"},
    }
    [call] = invoke(real, "anthropic.claude-3-haiku-20240307-v1:0", body)["content"]
    assert call["name"] == "rate"
    assert is_rating(json.dumps(call["input"]))


def serve(weights: Path, port: int) -> str:
    """Start the model server, which must fail, and return what it says besides llama.cpp's log."""
    command = [sys.executable, "-m", "batchconsole.modelserver", "--model", str(weights), "--port", str(port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    said = [line for line in ended.stderr.splitlines() if not LLAMA_LOG.match(line)]
    assert len(said) == 1
    return said[0]


def test_weights_that_cannot_be_served_are_one_clear_line(tmp_path: Path) -> None:
    weights, port = tmp_path / "weights.gguf", conftest.free_port()
    assert serve(weights, port) == f"There is no file {weights}."
    weights.write_text("no weights")
    assert serve(weights, port).startswith(f"llama.cpp cannot serve {weights}: is it a GGUF file")


def test_a_taken_port_is_one_clear_line(real: Service) -> None:
    assert serve(model.fetch(), real.port) == f"Cannot listen on 127.0.0.1:{real.port}: Address already in use."
