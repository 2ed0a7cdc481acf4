"""Stripe over HTTP: the key, the three calls, and what an answer means.

https://docs.stripe.com/api/errors
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from app.connectors.checkouts import NewPage, Opened, OpenOutcome, Page
from app.connectors.http import Answer, Http, NoAnswerError, UnreadableAnswerError
from app.connectors.protocols import ConnectionFailedError
from app.connectors.stripe import pages
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem

#: The version whose form of a session ``pages`` reads; an account's own default may be another.
VERSION = "2024-11-20.acacia"
#: A customer waits for the page.
PATIENCE = 20.0
LATER = 2.0
#: Sessions that one call lists.
MOST = 100
SESSIONS = "/v1/checkout/sessions"
#: What a look shows besides: whether the bank has said no, and what was given back.
DEEPER = {"expand[]": "payment_intent.latest_charge"}
#: Permissions of the restricted key, in the words of Stripe's page.
RIGHTS = "Checkout Sessions: write; PaymentIntents and Charges: read"


class StripeError(ConnectionFailedError):
    """Stripe itself said no."""

    def __init__(self, answer: Answer) -> None:
        problem = _problem(answer)
        systemic = answer.status in (401, 403)
        super().__init__(problem.message, problem.remedy, systemic=systemic, code=problem.code)
        self.status = answer.status


class Stripe:
    """One account, by its restricted key; ``api`` is scheme and host. May be used by several threads."""

    def __init__(self, http: Http, key: str, api: str) -> None:
        self._http = http
        self._key = key
        self._api = api

    def check(self) -> None:
        self._read(SESSIONS, {"limit": "1"})

    def open(self, new: NewPage) -> OpenOutcome:
        try:
            body = pages.form(new)
        except ValueError:
            return Refused(Problem("amount", "Stripe can’t take this amount.", "Pay it in another way."))
        try:
            answer = self._call("POST", SESSIONS, body=body, name=new.name)
        except NoAnswerError as error:
            return InDoubt(error.message)
        except ConnectionFailedError as error:
            return NotDone(error.message, LATER)
        return _opened(answer)

    def look(self, ident: str) -> Page | None:
        try:
            return _page(self._read(f"{SESSIONS}/{quote(ident, safe='')}", DEEPER))
        except StripeError as error:
            if error.status == 404:
                return None
            raise

    def ended_well(self, since: dt.datetime) -> Iterator[Page]:
        wanted = {"status": "complete", "limit": str(MOST), "created[gte]": str(int(since.timestamp()))}
        wanted |= {"expand[]": "data.payment_intent.latest_charge"}
        last = ""
        while True:
            found = self._read(SESSIONS, wanted | ({"starting_after": last} if last else {}))
            data = found.get("data")
            rows = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
            yield from (_page(row) for row in rows if pages.is_ours(row))
            before, last = last, str(rows[-1].get("id") or "") if rows else ""
            if not found.get("has_more") or last in ("", before):
                return

    def end(self, ident: str) -> bool:
        answer = self._call("POST", f"{SESSIONS}/{quote(ident, safe='')}/expire", body="")
        if answer.ok:
            return True
        page = self.look(ident) if answer.status in (400, 404) else None
        if page is None and answer.status != 404:
            raise StripeError(answer)
        return page is None or page.state == "expired"

    def _read(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        answer = self._call("GET", path, params=params)
        found = answer.json() if answer.ok else None
        if not isinstance(found, dict):
            raise StripeError(answer)
        return found

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: str | None = None,
        name: str = "",
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._key}", "Stripe-Version": VERSION, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if name:
            headers["Idempotency-Key"] = name
        url = f"{self._api}{path}"
        return self._http.call(method, url, headers=headers, params=params, body=body, read_timeout=PATIENCE)


def _page(session: Mapping[str, Any]) -> Page:
    try:
        return pages.to_page(session)
    except ValueError as error:
        raise ConnectionFailedError(
            f"Stripe’s answer has another form than expected: {error}.", "It is tried again.", code="shape"
        ) from error


def _opened(answer: Answer) -> OpenOutcome:
    """A page that could not be made has taken no money: a doubt is cheap, and the same name goes again."""
    if answer.ok:
        try:
            return Opened(_page(answer.json()))
        except ConnectionFailedError as error:
            return InDoubt(error.message, ended=True)
    problem = _problem(answer)
    if answer.status in (401, 403):
        return NotDone(problem.code, systemic=problem)
    if answer.status in (409, 429):
        return NotDone("throttled", answer.retry_after or LATER)
    return InDoubt(problem.message, ended=True) if answer.status >= 500 else Refused(problem)


def _problem(answer: Answer) -> Problem:
    """Stripe's own words never hold a whole key, and no request of ours."""
    try:
        told = answer.json()
    except UnreadableAnswerError:
        told = {}
    error = told.get("error") if isinstance(told, dict) else None
    error = error if isinstance(error, dict) else {}
    said = " ".join(str(error.get("message") or "").split())[:300]
    technical = {"status": answer.status, "code": str(error.get("code") or error.get("type") or "")[:80], "said": said}
    match answer.status:
        case 401:
            return Problem("stripe_key", "Stripe does not know the key.", "Enter a new one.", technical=technical)
        case 403:
            return Problem(
                "stripe_rights", "The key may not do what is needed.", f"Give it in Stripe: {RIGHTS}.",
                technical=technical,
            )  # fmt: skip
        case status if status >= 500 or status == 429:
            return Problem("stripe_busy", "Stripe does not answer as it should.", "Try again in a minute.",
                           technical=technical)  # fmt: skip
        case _:
            message = f"Stripe refused: {said or answer.status}"
            return Problem("stripe_refused", message, "Look into Stripe’s dashboard.", technical=technical)
