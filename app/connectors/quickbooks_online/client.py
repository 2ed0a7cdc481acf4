"""HTTP with QuickBooks Online and nothing else: addresses, token, throttle, retries of reads.

Reads wait for the throttle and are repeated; a write is one request within the caller's slot, repeated only after a
401, when it was provably not executed.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from app.connectors.http import Answer, Http, NoAnswerError, NotSentError
from app.connectors.protocols import SLOT_SECONDS, ConnectionFailedError, Contact, Slot, Wait
from app.connectors.quickbooks_online import faults, queries
from app.connectors.quickbooks_online.access import Access
from app.connectors.quickbooks_online.members import unreadable
from app.connectors.quickbooks_online.settings import MINOR_VERSION
from app.connectors.throttle import GrantedSlot, RedisGoneError, Throttle, used

log = logging.getLogger(__name__)

#: What one call uses of which limit (settings.LIMITS).
ONE = {"requests": 1, "second": 1}
BATCH = {**ONE, "batch": 1}
#: Longer statements go by POST: addresses of more than some 2,000 characters get lost on the way.
LONGEST_QUERY_ADDRESS = 1200
TRIES = 3
JSON = "application/json"


class LateError(NotSentError):
    """The slot is too old: its intent may have been given up by somebody else. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__("The call came too late for its slot, so it was not made.", code="late")


class FaultError(ConnectionFailedError):
    """QuickBooks refused a read. ``codes`` are its fault codes."""

    def __init__(self, answer: Answer) -> None:
        found = faults.faults_of(answer)
        outcome = faults.outcome_of_answer(answer)
        problem = getattr(outcome, "systemic", None) or (faults.problem_of(found[0]) if found else None)
        super().__init__(
            problem.message if problem else f"QuickBooks answered with an error (HTTP {answer.status}).",
            problem.remedy if problem else "Try again; if it stays, see Intuit’s status page.",
            systemic=getattr(outcome, "systemic", None) is not None,
            code=problem.code if problem else "no_answer",
        )
        self.status = answer.status
        self.codes = tuple(fault.code for fault in found)
        self.tid = faults.tid_of(answer)


class Client:
    """One company (realm). May be used by several threads."""

    def __init__(
        self,
        http: Http,
        access: Access,
        throttle: Throttle,
        contact: Contact,
        *,
        base_url: str,
        realm: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.realm = realm
        self._http = http
        self._access = access
        self._throttle = throttle
        self._contact = contact
        self._base = f"{base_url}/v3/company/{quote(realm, safe='')}"
        self._sleep = sleep

    def reserve(self, *, batch: bool) -> GrantedSlot | Wait:
        """Leave for one writing call."""
        return self._throttle.try_acquire(BATCH if batch else ONE)

    def revoke(self) -> None:
        """End the consent. Raises ConnectionFailedError."""
        self._access.revoke()

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """One object or answer. Raises FaultError, ConnectionFailedError."""
        return self._read("GET", path, params)

    def file(self, path: str, largest: int) -> Answer:
        """A PDF of at most so many bytes. Raises FaultError, ConnectionFailedError."""
        answer = self._repeatedly("GET", path, {}, largest=largest)
        if not answer.ok:
            raise FaultError(answer)
        return answer

    def query(self, statement: str) -> list[dict[str, Any]]:
        """All rows of a statement. Raises FaultError, ConnectionFailedError."""
        return list(self.rows(statement))

    def rows(self, statement: str) -> Iterator[dict[str, Any]]:
        """The same, a page in memory at a time."""
        before: list[dict[str, Any]] = []
        for page in range(10_000):
            found = self.page(statement, page)
            if page and found == before:
                return  # the same page again: paging is not understood, and would never end
            yield from found
            if len(found) < queries.PAGE:
                return
            before = found

    def write(self, target: str, request_id: str, body: str, slot: Slot, content_type: str = JSON) -> Answer:
        """One write within its slot; ``target`` may carry a query.

        Raises:
            NotSentError: not executed (unreachable, slot too old, no token).
            NoAnswerError: perhaps executed.
        """
        token = self._access.token()
        answer = self._send(target, request_id, body, slot, token, content_type)
        if answer.status == 401:
            answer = self._send(target, request_id, body, slot, self._access.token(refused=token), content_type)
        if faults.is_throttled(answer):
            self.penalize(answer.retry_after)
        return answer

    def penalize(self, seconds: float | None = None) -> None:
        """QuickBooks has said 429: nobody calls for a while."""
        try:
            self._throttle.penalize(seconds or faults.THROTTLE_SECONDS)
        except RedisGoneError:
            # The answer in hand matters more; without Redis nobody gets a slot anyway.
            log.warning("QuickBooks asked us to slow down, and Redis is gone.")

    def changes(self, entities: Sequence[str], since: dt.datetime) -> dict[str, Any]:
        """Change data capture, one call. Raises FaultError, ConnectionFailedError."""
        moment = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        return self._read("GET", "cdc", {"entities": ",".join(entities), "changedSince": moment})

    def page(self, statement: str, page: int) -> list[dict[str, Any]]:
        """One page (from 0) of a statement, one call. Raises FaultError, ConnectionFailedError."""
        return self.ask(queries.paged(statement, page))[1]

    def ask(self, statement: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A whole statement, one call: the answer, and its rows. Raises FaultError, ConnectionFailedError."""
        if len(statement) <= LONGEST_QUERY_ADDRESS:
            body = self._read("GET", "query", {"query": statement})
        else:
            body = self._read("POST", "query", {}, statement)
        answer = body.get("QueryResponse")
        if not isinstance(answer, dict):
            raise unreadable("a query")
        found = next((rows for rows in answer.values() if isinstance(rows, list)), [])
        if not all(isinstance(row, dict) for row in found):
            raise unreadable("a query")
        return body, found

    def _send(self, target: str, request_id: str, body: str, slot: Slot, token: str, content_type: str) -> Answer:
        if slot.age > SLOT_SECONDS:
            raise LateError
        self._contact.touch()
        headers = {**_headers(token), "Content-Type": content_type}
        params = {"requestid": request_id, "minorversion": MINOR_VERSION}
        return self._http.call("POST", f"{self._base}/{target}", headers=headers, params=params, body=body)

    def _read(self, method: str, path: str, params: Mapping[str, str], body: str | None = None) -> dict[str, Any]:
        answer = self._repeatedly(method, path, params, body=body)
        parsed = answer.json() if answer.ok else None
        if not isinstance(parsed, dict) or faults.faults_in(parsed):
            raise FaultError(answer)
        return parsed

    def _repeatedly(self, method: str, path: str, params: Mapping[str, str], **rest: Any) -> Answer:
        for left in reversed(range(TRIES)):
            try:
                answer = self._authorized(method, path, params, **rest)
            except NoAnswerError:
                if not left:
                    raise
                self._sleep(1)
                continue
            if not left or not (faults.is_throttled(answer) or answer.status >= 500):
                break
            if answer.status >= 500:
                self._sleep(1)
        return answer

    def _authorized(self, method: str, path: str, params: Mapping[str, str], **rest: Any) -> Answer:
        token = self._access.token()
        answer = self._once(method, path, params, token, **rest)
        if answer.status == 401:
            answer = self._once(method, path, params, self._access.token(refused=token), **rest)
        if faults.is_throttled(answer):
            self.penalize(answer.retry_after)
        return answer

    def _once(
        self, method: str, path: str, params: Mapping[str, str], token: str, body: str | None = None, largest: int = 0
    ) -> Answer:
        headers = {**_headers(token), **({"Content-Type": "application/text"} if body else {})}
        if largest:
            headers["Accept"] = "application/pdf"
        with used(self._throttle.acquire(ONE, sleep=self._sleep)):
            self._contact.touch()
            everything = {**params, "minorversion": MINOR_VERSION}
            address = f"{self._base}/{path}"
            return self._http.call(method, address, headers=headers, params=everything, body=body, largest=largest)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}
