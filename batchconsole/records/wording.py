"""The sentences an input check says, by code. They name no value of a single record, so that records share them."""

from batchconsole.records.families.faults import Fault

# Faults of the job's making, which the model does not get to see.
NOT_THE_MODELS = frozenset({"wrong-family", "media-elsewhere", "model-input-type", "bare-body", "foreign-line"})

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
    "no-messages": "There are no messages.",
    "first-role": "A conversation must begin with the user.",
    "roles-alternate": "User and assistant do not take turns.",
    "no-content": "A message has no content.",
    "one-member": "A content block must set exactly one of its members.",
    "one-source": "A source must set exactly one of its members.",
    "blank-text": "A text is blank.",
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
    """One sentence for *fault*."""
    if fault.message or fault.code in MESSAGES:
        return fault.message or MESSAGES[fault.code]
    if fault.kind == "missing":
        return f"The field {fault.name} is missing."
    if fault.kind == "unknown":
        hint = FIELD_HINTS.get(fault.name, "Bedrock refuses fields it does not know.")
        return f"The field {fault.name} is not known here. {hint}"
    return f"Expected {expected_words(fault)}."


def expected_words(fault: Fault) -> str:
    """What *fault* expected, as a person would say it: ``a whole number of at least 1`` for ``int >= 1 | null``."""
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
