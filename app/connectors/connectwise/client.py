"""HTTP with ConnectWise PSA: finding the codebase, signing, paging, waiting, and repeating what may be repeated."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

from app.connectors.connectwise import answers
from app.connectors.connectwise.settings import Settings
from app.connectors.http import Answer, Http, NoAnswerError, NotSentError, UnreadableAnswerError
from app.connectors.protocols import ConnectionFailedError, Contact, Wait
from app.connectors.throttle import GrantedSlot, RedisGoneError, Throttle, used

Row = dict[str, Any]

#: Largest page (Developer Guide, "Pagination").
PAGE_SIZE = 1000
#: ConnectWise takes addresses up to 2,000 characters (Developer Guide, "Conditions").
LONGEST_QUERY = 1600
#: ``v2026_1``: one part of an address, and nothing that would lead elsewhere.
CODEBASE = re.compile(r"[A-Za-z0-9_.-]{1,50}")
#: How often a read is made before its failure is believed; and how often it may be sent back by a 429 besides.
ATTEMPTS, THROTTLED = 4, 5


class Client:
    """One API member's calls. Reads wait for the throttle and are repeated; writes are made once, in a slot."""

    def __init__(
        self,
        settings: Settings,
        http: Http,
        throttle: Throttle,
        contact: Contact,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._http = http
        self._throttle = throttle
        self._contact = contact
        self._sleep = sleep
        self._codebase = ""

    # ── finding the way ──────────────────────────────────────────────────────────────────────────────────────────

    def discover(self, *, again: bool = False) -> bool:
        """Learn the codebase of the site's API; True when it is another one than before.

        Upgrades of cloud sites change it (Developer Guide, "Cloud URL formatting").
        """
        if self._codebase and not again:
            return False
        before, self._codebase = self._codebase, self._found_codebase()
        return before != self._codebase

    def _found_codebase(self) -> str:
        """Ask the site itself. Raises ConnectionFailedError ``wrong_site`` or ``wrong_company``."""
        company = quote(self.settings.company_id, safe="")
        try:
            answer = self._patiently("GET", f"{self.settings.api_origin}/login/companyinfo/{company}", headers={})
            info = answer.json() if answer.ok else None
        except UnreadableAnswerError:
            raise _wrong_site(self.settings) from None
        if answer.status >= 500 or answer.status == 429:
            raise answers.failure(answer, "its log-in page")
        if not answer.ok and not answers.cannot_route(answer):
            raise _wrong_site(self.settings)
        if not isinstance(info, dict):
            raise answers.PsaError(
                f"ConnectWise at {self.settings.host} does not know the company “{self.settings.company_id}”.",
                "Check the company id: the one that is entered on ConnectWise’s log-in page.",
                code="wrong_company",
                status=answer.status,
                systemic=True,
            )
        codebase = str(info.get("Codebase") or "").strip("/ ")
        return codebase if CODEBASE.fullmatch(codebase) else "v4_6_release"

    def _address(self, path: str) -> str:
        return f"{self.settings.api_origin}/{self._codebase}/apis/3.0{path}"

    # ── reads ────────────────────────────────────────────────────────────────────────────────────────────────────

    def read(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: Any = None,
        attempts: int = ATTEMPTS,
        largest: int = 0,
    ) -> Answer:
        """A successful answer to a GET, or to a POST that changes nothing (with a body).

        ``largest``: it is a file, of so many bytes at most.
        Raises ConnectionFailedError (PsaError where ConnectWise itself said no).
        """
        self.discover()
        answer = self._once_more(path, params, body, attempts, largest)
        if (answer.status == 404 or answers.cannot_route(answer)) and self.discover(again=True):
            answer = self._once_more(path, params, body, attempts, largest)
        if answer.ok:
            return answer
        raise answers.failure(answer, path)

    def _once_more(self, path: str, params: Mapping[str, str] | None, body: Any, attempts: int, largest: int) -> Answer:
        headers = self.settings.headers()
        return self._patiently(
            "GET" if body is None else "POST",
            self._address(path),
            headers={**headers, "Accept": f"application/pdf, image/*, {headers['Accept']}, */*;q=0.1"}
            if largest
            else headers,
            params=params,
            body=None if body is None else json.dumps(body),
            attempts=attempts,
            largest=largest,
        )

    def _patiently(self, method: str, url: str, *, attempts: int = ATTEMPTS, **rest: Any) -> Answer:
        """Repeated on 429, 5xx and broken connections, with growing, jittered pauses."""
        failures = throttled = 0
        while True:
            try:
                answer = self._counted(method, url, **rest)
            except (NoAnswerError, NotSentError) as error:
                failures += 1
                if error.systemic or failures >= attempts:
                    raise
            else:
                if answer.status == 429 and throttled < THROTTLED:
                    throttled += 1
                    self._throttle.penalize(answers.wait_of(answer))
                    continue
                failures += 1
                if answer.status < 500 or failures >= attempts:
                    return answer
            self._sleep(2 ** (failures - 1) * random.uniform(0.3, 0.7))  # noqa: S311 -- jitter, not a secret

    def _counted(self, method: str, url: str, **rest: Any) -> Answer:
        with used(self._throttle.acquire()):
            self._contact.touch()
            return self._http.call(method, url, **rest)

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> list[Row]:
        """Every row of a list. Rows that are no objects are left out; a page that comes again ends the list."""
        rows: list[Row] = []
        page, before = 1, None
        while True:
            asked = {**(params or {}), "pageSize": str(PAGE_SIZE), "page": str(page)}
            answer, found = self.page(path, asked)
            if not found or found == before:
                return rows
            rows += [row for row in found if isinstance(row, dict)]
            if not _has_next(answer, len(found)):
                return rows
            page, before = page + 1, found

    def page(self, path: str, params: Mapping[str, str]) -> tuple[Answer, list[Any]]:
        """One page of a list, as it came."""
        answer = self.read(path, params)
        found = answer.json()
        if not isinstance(found, list):
            raise UnreadableAnswerError(
                f"ConnectWise answered {path} with something that is no list.",
                "Check that the site is ConnectWise’s API.",
                code="unreadable_answer",
            )
        return answer, found

    def rows_in(
        self, path: str, field: str, values: Sequence[str], params: Mapping[str, str] | None = None
    ) -> list[Row]:
        """Rows whose field is one of the values (numbers, or texts in quotes), in as few calls as addresses allow."""
        rows: list[Row] = []
        for chunk in chunks(values, LONGEST_QUERY - len(urlencode(params or {}))):
            rows += self.pages(path, {**(params or {}), "conditions": f"{field} in ({','.join(chunk)})"})
        return rows

    def optional_rows(self, path: str, field: str, values: Sequence[str]) -> list[Row]:
        """The same for what only completes a document: nothing where the role or this version doesn't offer it."""
        try:
            return self.rows_in(path, field, values)
        except answers.PsaError as error:
            if error.code in {"role_too_weak", "not_found", "bad_request"}:
                return []
            raise

    def count(self, path: str, conditions: str = "") -> int:
        """How many rows a list has."""
        answer = self.read(f"{path}/count", {"conditions": conditions} if conditions else None).json()
        found = answer.get("count") if isinstance(answer, dict) else None
        return found if isinstance(found, int) else 0

    # ── writes ───────────────────────────────────────────────────────────────────────────────────────────────────

    def reserve(self) -> GrantedSlot | Wait:
        """Leave for one write. The codebase is learnt before, so that no time of the slot goes into it."""
        self.discover()
        return self._throttle.try_acquire()

    def write(self, method: str, path: str, body: Any = None) -> Answer:
        """One call, whatever its status; never repeated. Raises NotSentError or NoAnswerError."""
        text = None if body is None else json.dumps(body)
        self._contact.touch()
        answer = self._http.call(method, self._address(path), headers=self.settings.headers(), body=text)
        if answer.status == 429:
            with suppress(RedisGoneError):  # the answer in hand matters more
                self._throttle.penalize(answers.wait_of(answer))
        return answer

    def moved(self) -> bool:
        """Whether the site has another codebase now; the next call then goes there."""
        try:
            return self.discover(again=True)
        except ConnectionFailedError:
            return False


def chunks(values: Iterable[str], longest: int) -> list[list[str]]:
    """The values in groups whose percent-encoded, comma-separated text is short enough for an address."""
    groups: list[list[str]] = []
    room = 0
    for value in values:
        size = len(urlencode({"": value})) + 2
        if size > room or not groups:
            groups.append([])
            room = longest - 100
        groups[-1].append(value)
        room -= size
    return groups


def _has_next(answer: Answer, found: int) -> bool:
    """By the Link header; by a full page where there is none."""
    link = answer.headers.get("Link", "")
    return 'rel="next"' in link if link else found >= PAGE_SIZE


def _wrong_site(settings: Settings) -> ConnectionFailedError:
    return ConnectionFailedError(
        f"{settings.host} does not answer like a ConnectWise site.",
        "Enter the site as people open it, such as na.myconnectwise.net, without a path.",
        systemic=True,
        code="wrong_site",
    )
