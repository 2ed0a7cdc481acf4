"""From QuickBooks' faults to outcomes: refused for good, not done, or in doubt.

Two shapes are met: ``Fault.Error[]`` of the service (also inside an answer of 200) and the gateway's ``fault.error[]``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.connectors.http import Answer, UnreadableAnswerError
from app.connectors.quickbooks_online import fault_catalogue as catalogue
from app.connectors.quickbooks_online.fault_catalogue import Entry, Meaning
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem

#: Intuit's instruction after a 429, where no Retry-After says otherwise.
THROTTLE_SECONDS = 60.0
MAINTENANCE_SECONDS = 300.0
LOCK_SECONDS = 2.0

_UNKNOWN = Entry(Meaning.UNKNOWN)
_FIELDS = {
    "customerref": "party",
    "vendorref": "party",
    "entityref": "party",
    "accountref": "account",
    "apaccountref": "account",
    "adjustaccountref": "account",
    "departmentref": "location",
    "classref": "class",
    "txndate": "date",
    "duedate": "due_date",
    "docnumber": "number",
    "salestermref": "terms",
    "currencyref": "currency",
    "taxcoderef": "tax",
    "txntaxdetail": "tax",
    "txntaxcoderef": "tax",
    "privatenote": "memo",
    "line": "lines",
    "itemref": "lines",
    "description": "lines",
    "displayname": "name",
    "name": "name",
}
_BY_TEXT = (
    (re.compile(r"clos(ed|ing) (books|period|date)|books? (are|is|has been|have been) closed", re.I), catalogue.CLOSED),
    (re.compile(r"\block(ed|ing)?\b|being edited|another user", re.I), catalogue.LOCKED),
    (re.compile(r"currenc", re.I), catalogue.CURRENCY),
    (re.compile(r"\btax", re.I), catalogue.TAX),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of a fault, in either shape."""

    code: str
    message: str = ""
    detail: str = ""
    element: str = ""

    @property
    def said(self) -> str:
        """QuickBooks' own words on one line, shortened."""
        return re.sub(r"\s+", " ", self.detail or self.message).strip()[:300]

    @property
    def entry(self) -> Entry:
        """What the catalogue says about it; an unlisted code is unknown."""
        if self.code == "6000":
            return next((entry for words, entry in _BY_TEXT if words.search(self.said)), catalogue.RULE)
        return catalogue.CATALOGUE.get(self.code, _UNKNOWN)


def faults_in(body: Any) -> list[Fault]:
    """The errors that an answer or a batch item carries; empty where it carries none."""
    if not isinstance(body, dict):
        return []
    fault = body.get("Fault") or body.get("fault")
    errors = (fault.get("Error") or fault.get("error") or []) if isinstance(fault, dict) else []
    return [_fault(error) for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def problem_of(fault: Fault, tid: str = "", request_id: str = "") -> Problem:
    """The fault as a person reads it. ``tid`` is Intuit's transaction id, the line that its support asks for."""
    entry = fault.entry
    technical = {"code": fault.code, "element": fault.element, "intuit_tid": tid, "request_id": request_id}
    return Problem(
        code=entry.code or "unknown_fault",
        message=(entry.message or "QuickBooks reported an error: {detail}").replace("{detail}", fault.said or "—"),
        remedy=entry.remedy or "Look the document up in QuickBooks, then decide.",
        field=entry.field or _FIELDS.get(fault.element.rpartition(".")[2].lower(), ""),
        technical={**{key: value for key, value in technical.items() if value}, "said": fault.said},
    )


def outcome_of(faults: Sequence[Fault], tid: str = "", request_id: str = "") -> Refused | NotDone | InDoubt:
    """What a fault means for the document. Of several errors the most careful reading holds."""
    meanings = {fault.entry.meaning for fault in faults}
    if not faults or Meaning.UNKNOWN in meanings:
        return _in_doubt(faults, tid, request_id)
    decisive = next(fault for fault in faults if fault.entry.meaning == _decisive(meanings))
    problem = problem_of(decisive, tid, request_id)
    match decisive.entry.meaning:
        case Meaning.STOP:
            return NotDone(problem.code, systemic=problem)
        case Meaning.THROTTLED:
            return NotDone("throttled", THROTTLE_SECONDS)
        case Meaning.LATER:
            return NotDone("maintenance", MAINTENANCE_SECONDS)
        case Meaning.LOCKED:
            return NotDone("locked", LOCK_SECONDS)
        case _:
            return Refused(problem, duplicate_number=any(fault.code == "6140" for fault in faults))


def outcome_of_answer(answer: Answer, request_id: str = "") -> Refused | NotDone | InDoubt:
    """What an answer means that is not the success that was hoped for, as a whole."""
    tid = tid_of(answer)
    faults = faults_of(answer)
    if is_throttled(answer):
        return NotDone("throttled", answer.retry_after or THROTTLE_SECONDS)
    if answer.status in (401, 403):
        return stopped(faults, tid)
    outcome = outcome_of(faults, tid, request_id)
    if isinstance(outcome, Refused) and answer.status >= 500:
        outcome = _in_doubt(faults, tid, request_id)
    if isinstance(outcome, InDoubt):
        # A gateway may give up on a service that still works; an error of the service itself is its last word.
        last_word = answer.status < 500 or (answer.status == 500 and bool(faults))
        return dataclasses.replace(outcome, ended=last_word and all(fault.code != "600" for fault in faults))
    return outcome


def is_throttled(answer: Answer) -> bool:
    """429, or its older form: a 403 with the same code."""
    return answer.status == 429 or (answer.status == 403 and any(fault.code == "3001" for fault in faults_of(answer)))


def stopped(faults: Sequence[Fault], tid: str) -> NotDone:
    """401 after a refresh, or 403: nothing was done and nothing else will be."""
    fault = next((fault for fault in faults if fault.entry.meaning is Meaning.STOP), Fault("3100"))
    problem = problem_of(fault, tid)
    return NotDone(problem.code, systemic=problem)


def faults_of(answer: Answer) -> list[Fault]:
    """The errors of an answer; none where it can't be read."""
    try:
        return faults_in(answer.json())
    except UnreadableAnswerError:
        return []


def tid_of(answer: Answer) -> str:
    """Intuit's transaction id of an answer."""
    return answer.headers.get("intuit_tid", "")


def _fault(error: dict[str, Any]) -> Fault:
    def text(*names: str) -> str:
        return next((str(error[name]) for name in names if error.get(name) is not None), "")

    code = text("code").lstrip("0") or text("code")
    return Fault(code, text("Message", "message"), text("Detail", "detail"), text("element"))


def _decisive(meanings: set[Meaning]) -> Meaning:
    order = (Meaning.STOP, Meaning.FINAL, Meaning.LATER, Meaning.THROTTLED, Meaning.LOCKED)
    return next(meaning for meaning in order if meaning in meanings)


def _in_doubt(faults: Sequence[Fault], tid: str, request_id: str) -> InDoubt:
    said = "; ".join(f"{fault.code} {fault.said}" for fault in faults)
    technical = {"said": said, "intuit_tid": tid, "request_id": request_id}
    reason = f"QuickBooks reported a failure that leaves open whether it was booked: {said}" if said else ""
    return InDoubt(
        reason or "QuickBooks’ answer does not say what became of it.",
        ended=bool(faults) and all(fault.code != "600" for fault in faults),
        technical={key: value for key, value in technical.items() if value},
    )
