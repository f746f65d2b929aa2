"""How people and programs reach the console over HTTP: they send a request again until it is answered."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tests.chaos.ledger import Ledger, Outcome

TIMEOUT = 30
PATIENCE_SECONDS = 40.0  # how long a request is repeated; a console that starts again takes a part of it
PAUSE_SECONDS = 0.5
REQUEST_TOKEN = re.compile(r'name="request_token" value="([0-9a-f]{32})"|value="([0-9a-f]{32})" name="request_token"')
NUMBERS = re.compile(r"\d+(?=/)")
BUSY = frozenset({429, 502, 503, 504})


class Unanswered(Exception):
    """No answer came that says whether the request was carried out."""


class Caller:
    """A browser or a program with its session; each thread has its own."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        self.url, self.ledger = url, ledger
        self.session = requests.Session()

    def ask(self, method: str, path: str, **options: Any) -> tuple[requests.Response, bool]:
        """Return the answer, and whether an earlier attempt got none. Raises :class:`Unanswered`."""
        was_lost = False
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.session.request(
                    method, f"{self.url}{path}", timeout=TIMEOUT, allow_redirects=False, **options
                )
            except requests.RequestException:
                was_lost = True
            else:
                if answer.status_code < 500 and answer.status_code not in BUSY:
                    return answer, was_lost
                was_lost = was_lost or answer.status_code != 503
                if answer.status_code == 500:
                    self.ledger.note_error(f"{method} {NUMBERS.sub('N', path)}")
            time.sleep(PAUSE_SECONDS)
        raise Unanswered(path)


class Program(Caller):
    """A program with an API key."""

    def __init__(self, url: str, ledger: Ledger, *, token: str) -> None:
        super().__init__(url, ledger)
        self.session.headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: Any = None, *, key: str = "") -> requests.Response:
        """POST JSON to the path below the connection's part of the API. Raises :class:`Unanswered`."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.ask("POST", f"api/v1/connections/local/{path}", json=body, headers=headers)[0]

    def create(self, fields: dict[str, Any], *, check: bool, key: str) -> Outcome:
        """Create a job, once for *key*."""
        headers = {"Idempotency-Key": key}
        body = fields | {"check_input": check}
        try:
            answer, was_lost = self.ask("POST", "api/v1/connections/local/jobs/", json=body, headers=headers)
        except Unanswered:
            return Outcome.UNKNOWN
        if answer.status_code in (200, 201):
            return Outcome.ACCEPTED
        return Outcome.UNKNOWN if was_lost else Outcome.REFUSED


class Browser(Caller):
    """A person at the pages, without JavaScript."""

    def __init__(self, url: str, ledger: Ledger, *, session: str) -> None:
        super().__init__(url, ledger)
        self.port = url.rstrip("/").rpartition(":")[2]
        self.session.cookies.set(f"sessionid_{self.port}", session)

    def open(self, path: str) -> dict[str, str]:
        """Open a page with a form; return its hidden fields. Raises :class:`Unanswered`."""
        page = self.ask("GET", path)[0].text
        found = REQUEST_TOKEN.search(page)
        token = str(self.session.cookies.get(f"csrftoken_{self.port}"))
        return {"csrfmiddlewaretoken": token} | ({"request_token": found[1] or found[2]} if found else {})

    def create(self, fields: dict[str, Any], *, check: bool, times: int) -> Outcome:
        """Fill in the form for a job and send it *times* times, as a double click does."""
        try:
            hidden = self.open("local/jobs/create/")
        except Unanswered:
            return Outcome.REFUSED  # nothing was posted
        form = hidden | fields | {"service_role": "existing", "timeout_duration_in_hours": "24"}
        form |= {"tags-TOTAL_FORMS": "0", "tags-INITIAL_FORMS": "0"} | ({"check_input": "on"} if check else {})
        with ThreadPoolExecutor(times) as pool:
            outcomes = list(pool.map(self._send, [form] * times))
        return next((each for each in (Outcome.ACCEPTED, Outcome.UNKNOWN) if each in outcomes), Outcome.REFUSED)

    def _send(self, form: dict[str, str]) -> Outcome:
        try:
            answer, was_lost = self.ask("POST", "local/jobs/create/", data=form)
        except Unanswered:
            return Outcome.UNKNOWN
        if answer.status_code == 302 and "/jobs/" in answer.headers["Location"]:
            return Outcome.ACCEPTED
        return Outcome.UNKNOWN if was_lost else Outcome.REFUSED

    def stop_many(self, keys: list[int]) -> Outcome:
        """Stop the jobs *keys* from the list."""
        chosen = {"job": [str(key) for key in keys]}
        try:
            hidden = self.open(f"local/jobs/stop/?{'&'.join(f'job={key}' for key in keys)}")
            answer, _ = self.ask("POST", "local/jobs/stop/", data=hidden | chosen)
        except Unanswered:
            return Outcome.UNKNOWN
        return Outcome.ACCEPTED if answer.status_code == 302 else Outcome.REFUSED
