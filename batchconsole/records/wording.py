"""The messages of an input check, by code. They contain no values of single records, so that records share them."""

import re

from batchconsole.records.families.faults import Fault

# Faults that this check finds but no model reports.
NOT_THE_MODELS = frozenset(
    {"wrong-family", "media-elsewhere", "media-missing", "model-input-type", "bare-body", "foreign-line"}
)

MESSAGES = {
    "blank-line": "There are blank lines. Every line must be one JSON object.",
    "line-too-long": "The line is too long to be looked at.",
    "invalid-utf-8": "The line is not valid UTF-8.",
    "invalid-json": "The line is not valid JSON.",
    "not-an-object": "The line is JSON, but not an object.",
    "record-id-type": "recordId must be a string.",
    "extra-member": "The record has members beside recordId and modelInput.",
    "model-input-type": "modelInput must be an object.",
    "media-elsewhere": "The record points at S3 outside the job's input folder. Choose as input the folder that holds "
    "everything.",
    "media-missing": "The record refers to an object in S3 that does not exist.",
    "no-messages": "There are no messages.",
    "first-role": "A conversation must begin with the user.",
    "roles-alternate": "User and assistant do not take turns.",
    "no-content": "A message has no content.",
    "one-member": "A content block must set exactly one of its members.",
    "one-source": "A source must set exactly one of its members.",
    "blank-text": "A text is blank.",
    "blank-stop-sequence": "A stop sequence holds nothing but white space.",
    "not-an-image": "The bytes are no image that the model can read.",
    "image-type-differs": "The image is of another type than is declared.",
    "image-too-large": "An image is larger than the model takes.",
    "media-type": "The media type is not one that the model takes.",
    "not-a-pdf": "The document is declared a PDF and is none.",
    "document-too-large": "A document is larger than the model takes.",
    "document-name": "The name of a document has characters that Bedrock refuses.",
    "repeated-document-name": "Two documents have the same name.",
    "modality-refused": "The model does not take this kind of content.",
    "tool-name": "The name of a tool has characters that the model refuses, or too many.",
    "repeated-tool-name": "Two tools have the same name.",
    "tool-schema": "A tool has no schema of an object as its input.",
    "tool-schema-combined": "The schema of a tool has alternatives at its top, which Claude does not take.",
    "tool-type": "A tool is written as OpenAI has it.",
    "unsigned-thinking": "A thought is said back without its signature.",
    "reasoning-text": "A thought is said back without its text.",
    "tool-choice-without-tools": "A tool is to be chosen, and there are none.",
    "tool-choice-unknown": "The tool to be chosen is not among the tools.",
    "tool-blocks-without-tools": "The messages hold tool calls, and the request defines no tools.",
    "tool-use-id": "The id of a tool call has characters that the model refuses.",
    "repeated-tool-use-id": "Two tool calls have the same id.",
    "repeated-tool-result": "A tool call has more than one result.",
    "tool-use-without-result": "A tool call has no result in the next message.",
    "tool-result-without-use": "A tool result answers no tool call of the message before.",
    "prefill-ends-blank": "The answer begun for the model ends in white space.",
    "prefill-beside-thinking": "With thinking, an answer begun for the model must start with a thinking block.",
    "top_k-refused": "This model refuses top_k.",
    "unknown-thinking": "The type of thinking is not known.",
    "thinking-budget": "The thinking budget does not fit.",
    "beside-thinking": "A setting cannot stand beside thinking.",
    "old-output-format": "output_format is the old name of output_config.format.",
    "output-format-type": "The output format must be of type json_schema.",
    "output-format-schema": "The output format has no schema.",
    "output-format-with-citations": "An output format cannot stand beside citations.",
    "schema-unsupported": "The output schema uses what Bedrock does not support.",
    "thinking-refused": "This model does not think.",
    "thinking-budget-refused": "This model takes no thinking budget.",
    "adaptive-thinking-refused": "This model takes no adaptive thinking.",
    "output-schema-not-listed": "AWS does not list this model for structured outputs.",
    "image-dimensions": "An image has more pixels a side than the model takes.",
    "source-type": "An image or document is given by its address, which Bedrock does not fetch.",
    "tool-result-order": "A tool result stands behind other content of its message.",
    "too-many-cache-controls": "There are more cache breakpoints than a request may hold.",
    "not-documented-for-bedrock": "A field of Anthropic's own API is used, which Bedrock is not documented to take.",
    "unknown-additional-field": "A field among additionalModelRequestFields is not one that Claude knows.",
    "stop-sequence-refused": "Titan Text takes only | and User: as stop sequences.",
    "effort-refused": "This model does not take this effort.",
    "effort-unknown": "The effort is not one of those known.",
    "nova-top-k": "Nova takes top_k as inferenceConfig.topK.",
    "foreign-setting": "A setting is one of another model's format, which this model does not read.",
    "tool-without-function": "A tool has no function.",
    "call-without-function": "A tool call has no function.",
    "tool-schema-definitions": "The model takes no definitions in the schema of a tool.",
    "top-k-above-guide": "top_k is above the bound that the guide names.",
    "reasoning-refused": "This model takes no reasoningConfig.",
    "reasoning-type": "The type of reasoningConfig is not known.",
    "reasoning-effort": "The reasoning effort is not one of those known.",
    "beside-high-effort": "A setting cannot stand beside a high reasoning effort.",
    "text-too-long": "The text is longer than the model takes.",
    "blank-record-id": "The recordId is blank, so its results cannot be told apart.",
    "lone-surrogate": "A text holds half of a surrogate pair (\\ud800 to \\udfff), which is no character.",
    "block-role": "A content block is in a message of the wrong role.",
    "document-without-text": "A message with a document needs a text beside it.",
    "too-many-documents": "A message has too many documents.",
    "too-many-images": "A message has too many images.",
    "prefill-refused": "The conversation ends with the assistant, which this model refuses.",
    "max-tokens-above-limit": "More output tokens are asked for than the model gives.",
    "temperature-refused": "This model refuses temperature.",
    "top_p-refused": "This model refuses top_p.",
    "temperature-and-top-p": "temperature and top_p are both set, which this model refuses.",
    "tools-in-batch": "Converse batch jobs take no tools. They work with the model invocation type InvokeModel.",
    "given-twice": "A parameter is given in both of its spellings.",
    "prompt-or-messages": "Exactly one of prompt and messages must be given.",
    "no-input": "Neither text nor image is given.",
    "stream": "Batch jobs do not stream.",
    "tool-call-id": "A tool's answer does not say which call it answers.",
}
FIELD_HINTS = {
    "modelId": "The job names the model, so records must not.",
    "model": "The job names the model, so records must not.",
    "stream": "Batch jobs do not stream.",
}
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}
_SIGNS = ((">=", "of at least"), ("<=", "of at most"), (">", "above"), ("<", "below"), ("of length of", "of length"))


def message_of(fault: Fault) -> str:
    """Return a sentence that describes *fault*."""
    if fault.message or fault.code in MESSAGES:
        return fault.message or MESSAGES[fault.code]
    if fault.kind == "missing":
        return f"The field {fault.name} is missing."
    if fault.kind == "unknown":
        hint = FIELD_HINTS.get(fault.name, "Bedrock refuses fields it does not know.")
        return f"The field {fault.name} is not known here. {hint}"
    return f"Expected {expected_words(fault)}."


def expected_words(fault: Fault) -> str:
    """Return what *fault* expected in plain words: ``a whole number of at least 1`` for ``int >= 1 | null``."""
    if fault.choices:
        *others, last = fault.choices
        return f"{', '.join(others)} or {last}" if others else last
    if fault.kind not in {"type", "value"}:
        return fault.expected
    alternatives = [part for part in fault.expected.split(" | ") if part != "null"]
    return " or ".join(_in_words(part) for part in alternatives)


def _in_words(expected: str) -> str:
    name, space, rest = expected.partition(" ")
    for sign, words in _SIGNS:
        rest = rest.replace(sign, words)
    return _TYPES.get(name, name) + space + rest


def invalid_json(line: int, error: Exception) -> str:
    """Return ``Line 5, column 160: invalid JSON.``, with the column (from 1) that json or msgspec names in *error*."""
    column = re.search(r"column (\d+)", str(error))
    byte = re.search(r"byte (\d+)", str(error))
    number = int(column[1]) if column else int(byte[1]) + 1 if byte else 0
    return f"Line {line}, column {number}: invalid JSON." if number else f"Line {line}: invalid JSON."
