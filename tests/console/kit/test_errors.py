"""An error in one piece of text: its message, then what to do."""

import pytest

from batchconsole.aws.errors import AwsError
from batchconsole.console.kit.errors import HintedError, sentences
from batchconsole.jobs.errors import UserError
from batchconsole.records.tables import TableError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("It has ended.", hint="Clone it."), "It has ended. Clone it."),
        (UserError("It has ended."), "It has ended."),
        (AwsError("Access Denied", code="AccessDenied", operation="ListRoles", hint="Ask."), "Access Denied. Ask."),
        (TableError("No header.", hint="Add one.", row=3), "Row 3: No header. Add one."),
    ],
    ids=["of ours", "without a hint", "AWS's without a full stop", "of a table"],
)
def test_message_and_hint_are_sentences(error: HintedError, said: str) -> None:
    assert sentences(error) == said


def test_a_stored_error_reads_the_same() -> None:
    assert sentences({"message": "Access Denied", "hint": "Ask.", "code": "AccessDenied"}) == "Access Denied. Ask."


def test_a_stored_error_may_lack_a_hint() -> None:
    assert sentences({"message": "Access Denied"}) == "Access Denied"
