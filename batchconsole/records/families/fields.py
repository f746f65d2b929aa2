"""Field types that several families share, with their ranges in the API model."""

from typing import Annotated

from msgspec import Meta

MAX_INT = 2**31 - 1

Tokens = Annotated[int, Meta(ge=1, le=MAX_INT)]
Count = Annotated[int, Meta(ge=0, le=MAX_INT)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_-]+$")]
ToolUseId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_.:-]+$")]
S3Uri = Annotated[str, Meta(max_length=1024, pattern=r"^s3://[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9](/.*)?$")]
AccountId = Annotated[str, Meta(pattern=r"^[0-9]{12}$")]
Blob = Annotated[bytes, Meta(min_length=1)]
