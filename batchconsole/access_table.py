"""Which role may open which URL: the table in docs/access.md, and the reference for the test that opens every URL."""

from collections.abc import Collection, Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from batchconsole.jobs.models import Right
from batchconsole.jobs.models.access import SHIPPED_ROLES
from batchconsole.url_rights import Act, Audience, Needed, needed_by

YES, OWN, NO = "yes", "own", "no"
WORDS: dict[Needed | None, str] = {
    Audience.EVERYBODY: "none: open to everybody",
    Audience.SIGNED_IN: "any person who is signed in",
    Audience.STAFF: "staff",
    Audience.PROGRAMS: "a key; the operation's right",
    Act.ON_JOB: "submit (own job), operate (others')",
    Act.ON_JOBS: "submit (own), operate (others')",
    Act.ON_ANY_JOBS: "submit or operate (anybody's)",
}
ADMINISTRATION = "admin/"


def urls(resolver: URLResolver | None = None, route: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield the full route and the pattern of each URL, except those of the administration."""
    for each in (resolver or get_resolver()).url_patterns:
        here = f"{route}{each.pattern}"
        if isinstance(each, URLResolver) and here != ADMINISTRATION:
            yield from urls(each, here)
        elif isinstance(each, URLPattern):
            yield here, each


def cell(needed: Needed | None, rights: Collection[str]) -> str:
    """Say whether *rights* are enough for a URL that needs *needed*: yes, own jobs only, or no."""
    if needed == Act.ON_ANY_JOBS:
        return NO if {Right.SUBMIT, Right.OPERATE}.isdisjoint(rights) else YES
    if isinstance(needed, Act):
        return YES if Right.OPERATE in rights else OWN if Right.SUBMIT in rights else NO
    if isinstance(needed, Right):
        return YES if needed in rights else NO
    return YES if needed in (Audience.EVERYBODY, Audience.SIGNED_IN) else NO


def as_markdown() -> str:
    """Return the documentation's table in Markdown; the administration is one row."""
    lines = [["URL", "Address", "Takes", *SHIPPED_ROLES], ["---"] * (3 + len(SHIPPED_ROLES))]
    for route, pattern in urls():
        needed = needed_by(pattern.callback)
        takes = WORDS.get(needed, str(needed))
        address = "/" + route.replace("<slug:connection>", "<connection>")
        cells = [cell(needed, rights) for rights in SHIPPED_ROLES.values()]
        lines.append([pattern.name or "", f"`{address}`", takes, *cells])
    lines.append(["administration", f"`/{ADMINISTRATION}`", "staff", *[NO] * len(SHIPPED_ROLES)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
