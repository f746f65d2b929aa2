"""The base class of all families: request bodies as msgspec Structs, and the rules that check them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from batchconsole.records import catalogue
from batchconsole.records.catalogue import Refused
from batchconsole.records.families.answers import read_answer
from batchconsole.records.families.base import Answer, Completion, Refusal, Request
from batchconsole.records.families.faults import Fault, from_validation_error, rule
from batchconsole.records.families.fields import MAX_INT
from batchconsole.records.families.model_facts import modality_faults, refusal_faults
from batchconsole.records.families.refusals import json_schema_wording

Body = TypeVar("Body", bound=msgspec.Struct)


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules need to know in addition to the body: the model, if known, and whether this is a batch job."""

    model: catalogue.Model | None = None
    family: str = ""  # of the model, even if newer than the catalogue; empty if unknown
    batch: bool = True

    @classmethod
    def of(cls, model_id: str, *, batch: bool = True) -> "Context":
        return cls(model=catalogue.find_model(model_id), family=catalogue.guess_family(model_id) or "", batch=batch)

    @property
    def max_output_tokens(self) -> int | None:
        return self.model.max_output_tokens if self.model else None

    def refuses(self, word: Refused) -> bool:
        return self.model is not None and word in self.model.refuses

    def refusal_faults(self, word: Refused, path: str) -> Iterator[Fault]:
        """Yield a fault for *path* if the model refuses *word*."""
        return refusal_faults(self.model, word, path)

    def modality_faults(self, modality: str, path: str) -> Iterator[Fault]:
        """Yield a fault for *path* if the model does not take *modality* (``IMAGE``, ``VIDEO``, ``AUDIO``)."""
        return modality_faults(self.model, modality, path)


QuickLook = Callable[[Any], tuple[int, int | None] | None]


class Size(msgspec.Struct, kw_only=True):
    """The size of a body: characters of text, number of media parts, and its limit on output tokens, if any."""

    characters: int = 0
    media: int = 0
    max_tokens: int | None = None


class SchemaFamily(Generic[Body]):
    """A family whose request body is a Struct.

    Subclasses set the class variables and override the methods that raise ``NotImplementedError``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    body: ClassVar[type[msgspec.Struct]]
    plain: ClassVar[type[msgspec.Struct] | None] = None  # a narrower body for the many records that are only text
    like: ClassVar[frozenset[str]] = frozenset()  # other families whose bodies this one accepts

    def faults(self, body: Body, context: Context) -> Iterator[Fault]:
        """Yield the faults that types cannot express, in the order in which the model would report them."""
        raise NotImplementedError

    def size(self, body: Body) -> Size:
        """Return the size of *body*, for estimates."""
        raise NotImplementedError

    def quick_look(self, context: Context) -> QuickLook:
        """Return a function that measures a body of type ``plain`` (or ``body``, if unset), provided it has no faults.

        The function returns the characters of text and the limit on output tokens (``None`` if not set). It returns
        ``None`` if the body needs a closer look, because it breaks a rule or holds media.
        """

        def look(body: Any) -> tuple[int, int | None] | None:
            if next(iter(self.faults(body, context)), None) is not None:
                return None
            size = self.size(body)
            return None if size.media else (size.characters, size.max_tokens)

        return look

    def media(self, body: Body) -> Iterable[tuple[str, str]]:
        """Return the path and S3 URI of everything that the body refers to in S3."""
        return ()

    def request(self, body: Body) -> Request:
        """Translate *body*, which has no faults, into the neutral form."""
        raise NotImplementedError

    def write_response(self, body: dict[str, Any], completion: Completion, *, model_id: str) -> dict[str, Any]:
        """Return the provider's response body for *completion*."""
        raise NotImplementedError

    def sample(self) -> dict[str, Any]:
        """Return a small valid request body."""
        raise NotImplementedError

    def word(self, fault: Fault) -> str:
        """Return Bedrock's message for *fault*."""
        return json_schema_wording(fault)

    def parse(self, body: Any) -> Body:
        """Convert *body* to the family's Struct, or raise ``msgspec.ValidationError`` if it does not match.

        A body nested too deeply for Python's stack raises the same error.
        """
        try:
            parsed: Body = msgspec.convert(body, self.body)  # type: ignore[assignment]  # body is type[Body]
        except RecursionError as error:
            raise msgspec.ValidationError("Expected `object` nested less deeply") from error
        return parsed

    def read_request(self, body: dict[str, Any], *, model_id: str = "", batch: bool = True) -> Request:
        """Translate *body* into the neutral form, or raise :class:`Refusal` with Bedrock's wording for its first error.

        With *model_id*, the rules of that model are checked too. *batch* is false for a runtime API call.
        """
        try:
            parsed = self.parse(body)
        except msgspec.ValidationError as error:
            fault = from_validation_error(error, body, self.body)
            raise Refusal(self.word(fault), path=fault.path) from error
        context = Context.of(model_id, batch=batch)
        for fault in self.faults(parsed, context):
            if fault.severity == "error":
                raise Refusal(self.word(fault), path=fault.path)
        try:
            return self.request(parsed)
        except RecursionError as error:
            raise Refusal("The request body is nested too deeply.") from error

    def read_response(self, body: dict[str, Any]) -> Answer:
        """Return the answer in a response body. A body of unknown shape is shown as JSON."""
        return read_answer(body)

    def prompt_text(self, body: dict[str, Any]) -> str:
        """Return the last user text or the text to embed; empty if there is none or *body* is malformed."""
        try:
            request = self.request(self.parse(body))
        except (msgspec.ValidationError, RecursionError):
            return ""
        return request.embed or last_user_text(request.messages)

    def system_text(self, body: dict[str, Any]) -> str:
        """Return the system prompt of the request; empty if there is none or *body* is malformed."""
        try:
            return system_text(self.request(self.parse(body)).messages)
        except (msgspec.ValidationError, RecursionError):
            return ""


def system_text(messages: list[dict[str, Any]]) -> str:
    """Return the text of the system messages, or an empty string."""
    return "\n".join(text_of(message.get("content")) for message in messages if message.get("role") == "system")


def text_of(content: Any) -> str:
    """Return the text of an OpenAI message content: the string itself, or its text parts joined by newlines."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if part.get("type") == "text")


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """Return the text of the last user message that has any, or an empty string."""
    texts = (text_of(message.get("content")) for message in reversed(messages) if message.get("role") == "user")
    return next((text for text in texts if text), "")


def content_of(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return *parts* as OpenAI content. If all are text, return a plain string, which every model server takes."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def image_part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def sampling_faults(
    context: Context,
    *,
    temperature: tuple[str, float | None],
    top_p: tuple[str, float | None],
    top_k: tuple[str, Any] = ("", None),
) -> Iterator[Fault]:
    """Yield faults for sampling parameters that the model refuses, alone or together. Each is a path and a value."""
    given = {Refused.TEMPERATURE: temperature, Refused.TOP_P: top_p, Refused.TOP_K: top_k}
    for word, (path, value) in given.items():
        if value is not None:
            yield from context.refusal_faults(word, path)
    if temperature[1] is not None and top_p[1] is not None:
        yield from context.refusal_faults(Refused.TEMPERATURE_AND_TOP_P, temperature[0])


def trailing_space(path: str) -> Fault:
    """Return the fault for a prefill for Claude that ends in white space. Source: Messages API error."""
    return rule(
        "prefill-ends-blank",
        path,
        found="white space at the end of the answer begun",
        expected="no white space at its end",
        refusal="messages: final assistant content cannot end with trailing whitespace",
    )


def unsigned_thinking(path: str, block: str) -> Fault:
    """Return the fault for a thinking block sent back to Claude unsigned; *block* is its path in Claude's notation.

    Refusals in the field: https://github.com/can1357/oh-my-pi/pull/10486, https://github.com/maximhq/bifrost/pull/6942.
    """
    return rule(
        "unsigned-thinking",
        path,
        found="no signature",
        expected="the signature that the thought came with, or no such block",
        refusal=f"{block}.thinking.signature: Field required",
    )


def sampling_check(context: Context) -> Callable[[float | None, float | None, int | None], bool]:
    """Return a function that says whether the model takes a temperature, top_p and top_k.

    It is created once and used for the quick look at many bodies.
    """
    no_temperature, no_top_p = context.refuses(Refused.TEMPERATURE), context.refuses(Refused.TOP_P)
    no_top_k, not_both = context.refuses(Refused.TOP_K), context.refuses(Refused.TEMPERATURE_AND_TOP_P)

    def is_good(temperature: float | None, top_p: float | None, top_k: int | None = None) -> bool:
        if temperature is not None and (no_temperature or (not_both and top_p is not None)):
            return False
        return not ((no_top_p and top_p is not None) or (no_top_k and top_k is not None))

    return is_good


def token_limit(context: Context) -> int:
    """Return the model's limit on output tokens, or ``MAX_INT`` if it is not known."""
    return MAX_INT if context.max_output_tokens is None else context.max_output_tokens


def max_tokens_faults(context: Context, path: str, value: int | None) -> Iterator[Fault]:
    """Yield a fault if *value* exceeds the model's limit on output tokens. The wording is Converse's."""
    limit = context.max_output_tokens
    if value is not None and limit is not None and value > limit:
        yield rule(
            "max-tokens-above-limit",
            path,
            found=f"{value}",
            expected=f"at most {limit}",
            refusal=f"The maximum tokens you requested exceeds the model limit of {limit}. Try again with a "
            f"maximum tokens value that is lower than {limit}.",
        )


def role_faults(roles: list[str], *, severity: Any = "error", path: str = "$.messages") -> Iterator[Fault]:
    """Yield faults if a conversation does not start with the user or does not alternate.

    The wording is Converse's. *severity* applies only to roles that do not alternate.
    """
    if roles[0] != "user":
        yield rule(
            "first-role",
            f"{path}[0].role",
            found=roles[0],
            expected="user",
            refusal="A conversation must start with a user message. Try again with a conversation that starts "
            "with a user message.",
        )
    for number in range(1, len(roles)):
        if roles[number] == roles[number - 1]:
            yield rule(
                "roles-alternate",
                f"{path}[{number}].role",
                found=f"{roles[number]} twice in a row",
                expected="user and assistant in turns",
                severity=severity,
                refusal="A conversation must alternate between user and assistant roles. Make sure the "
                "conversation alternates between user and assistant roles and try again.",
            )
            return
