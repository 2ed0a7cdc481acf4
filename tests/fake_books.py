"""A ledger in memory: keeps documents by id, remembers request ids, knows its lists, and can misbehave.

Kept apart from tests/fakes.py for its length only; import it from there.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.connectors.protocols import (
    Body,
    Company,
    ConnectionFailedError,
    Created,
    CreationOutcome,
    NameTaken,
    OutgoingCall,
    Probe,
    RemovalOutcome,
    Removed,
    Slot,
    UntranslatableError,
    Wait,
)
from app.domain import links as linking
from app.domain.documents import Document, DocumentKind
from app.domain.links import Draft, Entry, LinkKind, Links, Rules
from app.domain.marks import Mark, marks_in
from app.domain.money import Money
from app.domain.outcomes import (
    Absent,
    CannotTell,
    Finding,
    Found,
    InDoubt,
    LooksAlike,
    NotDone,
    Outcome,
    Posted,
    Receipt,
    Refused,
    Several,
)
from app.domain.pictures import Named, Picture, PicturedLine
from app.domain.problems import Problem


class _Slot:
    def __init__(self) -> None:
        self._granted = time.monotonic()

    @property
    def age(self) -> float:
        return time.monotonic() - self._granted

    def release(self, *, sent: bool = True) -> None:
        """Nothing to give back."""


class FakeBooks:
    """A QuickBooks-like company.

    Words for ``next``, one per sending call: ``lose_after`` (booked, answer lost), ``lose_before`` (not booked, answer
    lost), ``throttle``, ``systemic``, ``cut`` (all booked, only the first member answered). Words for ``next_create``:
    the same without ``cut``. ``during`` is called in the middle of every sending call, after it was booked.

    Attributes:
        refuse: number -> Problem that the document with this number is refused with, finally.
        tax_off_by: added to the tax of every document booked, so that the answer differs from what was sent.
        honours_request_ids: False books a repeated call again.
        invisible: ids that queries don't show yet (query lag).
        blind: a reason makes every find() a CannotTell; ``down`` makes every read fail.
    """

    lanes = 2
    max_members = 10

    def __init__(self, name: str = "Demo MSP", ledger_id: str = "9341", *entries: Entry) -> None:
        self.name, self.ledger_id = name, ledger_id
        self.rules = Rules(tax_mode="manual")
        self.facts: dict[str, str] = {}
        self.findings: tuple[Problem, ...] = ()
        self.lists: list[Entry] = list(entries)
        self.documents: dict[str, Receipt] = {}
        self.kinds: dict[str, DocumentKind] = {}
        self.answered: dict[str, list[Outcome]] = {}
        self.created: dict[str, Entry] = {}
        self.calls: list[OutgoingCall] = []
        self.next: deque[str] = deque()
        self.next_create: deque[str] = deque()
        self.waits: deque[Wait] = deque()
        self.refuse: dict[str, Problem] = {}
        self.tax_off_by = Decimal(0)
        self.honours_request_ids = True
        self.invisible: set[str] = set()
        self.blind = self.down = ""
        self.during: Callable[[OutgoingCall], None] = lambda _: None
        self.revoked = False
        self.company_reads = self.list_reads = 0
        self._ids = iter(range(100, 100_000))

    # ── reads ──

    def company(self) -> Company:
        self._reachable()
        self.company_reads += 1
        return Company(self.name, self.ledger_id, "US", "USD", self.rules, self.facts, self.findings)

    def entries(self, kind: LinkKind) -> list[Entry]:
        self._reachable()
        self.list_reads += 1
        return [entry for entry in self.lists if entry.kind is kind]

    def names_taken(self) -> set[str]:
        self._reachable()
        return {e.name.lower() for e in self.lists if e.kind is LinkKind.CUSTOMERS}

    def find(self, probes: Sequence[Probe]) -> list[Finding]:
        self._reachable()
        return [CannotTell(self.blind) if self.blind else self._find(probe) for probe in probes]

    def read(self, kind: DocumentKind, ledger_id: str) -> Receipt | None:
        self._reachable()
        return self.documents.get(ledger_id)

    def url(self, kind: DocumentKind, ledger_id: str) -> str:
        return f"https://books.example/{kind}/{ledger_id}"

    def total_booked(self) -> Decimal:
        """Sum over all documents that are not void, credit memos negative."""
        signs = {DocumentKind.INVOICE: 1, DocumentKind.CREDIT_MEMO: -1}
        live = [(i, r) for i, r in self.documents.items() if not r.voided]
        return sum((signs[self.kinds[i]] * r.total.amount for i, r in live), Decimal(0))

    # ── documents ──

    def translate(self, document: Document, mark: Mark, links: Links, rules: Rules) -> Body:
        missing = [n for n in linking.needs(document, rules) if (n.kind, n.source_id) not in links]
        if missing:
            raise UntranslatableError([_not_linked(need) for need in missing])
        return Body(document.kind, json.dumps(_body(document, mark, links)))

    def picture(self, fields: Mapping[str, Any]) -> Picture:
        return Picture(
            party=Named(fields["party_id"]),
            number=fields["number"],
            date=dt.date.fromisoformat(fields["date"]),
            due_date=dt.date.fromisoformat(fields["due_date"]) if fields.get("due_date") else None,
            note=fields["note"],
            lines=tuple(PicturedLine("Managed services", Decimal(line["amount"])) for line in fields["lines"]),
            tax=Decimal(fields["tax"]),
            total=Decimal(fields["total"]),
        )

    def member(self, body: str, place: int) -> dict[str, Any] | None:
        return dict(json.loads(body)[place])

    def compose(self, bodies: Sequence[Body], request_id: str) -> OutgoingCall:
        members = [json.loads(body.text) for body in bodies]
        items = tuple(f"b{place}" for place in range(len(bodies)))
        return OutgoingCall(request_id, "batch", json.dumps(members), items, tuple(b.kind for b in bodies))

    def reserve(self, members: int) -> Slot | Wait:
        return self.waits.popleft() if self.waits else _Slot()

    def send(self, call: OutgoingCall, slot: Slot) -> list[Outcome]:
        self.calls.append(call)
        word = self.next.popleft() if self.next else ""
        count = len(call.item_ids)
        slot.release()
        if not_done := _not_done(word):
            return [not_done] * count
        outcomes = [] if word == "lose_before" else self._book(call)
        self.during(call)
        lost: list[Outcome] = [InDoubt("QuickBooks did not answer in time.", ended=True)] * count
        kept = {"lose_before": 0, "lose_after": 0, "cut": 1}.get(word, count)
        return outcomes[:kept] + lost[kept:]

    def _book(self, call: OutgoingCall) -> list[Outcome]:
        if self.honours_request_ids and call.request_id in self.answered:
            return self.answered[call.request_id]
        members = zip(json.loads(call.body), call.kinds, strict=True)
        self.answered[call.request_id] = [self._book_one(member, kind) for member, kind in members]
        return self.answered[call.request_id]

    def _book_one(self, member: dict[str, Any], kind: DocumentKind) -> Outcome:
        if problem := self.refuse.get(member["number"]):
            return Refused(problem, duplicate_number=problem.code == "duplicate_number")
        return Posted(self.type_in(member, kind))

    def type_in(self, member: dict[str, Any], kind: DocumentKind) -> Receipt:
        """Put a document into the books, as a call does or a person by hand (then without a mark in ``note``)."""
        receipt = self._receipt(str(next(self._ids)), member)
        self.documents[receipt.ledger_id], self.kinds[receipt.ledger_id] = receipt, kind
        return receipt

    def void(self, ledger_id: str) -> None:
        """A person voids a document in the books."""
        self.documents[ledger_id] = replace(self.documents[ledger_id], voided=True)

    def _receipt(self, ledger_id: str, member: dict[str, Any]) -> Receipt:
        currency = member["currency"]
        total, tax = (Decimal(member[name]) + self.tax_off_by for name in ("total", "tax"))
        return Receipt(
            ledger_id,
            member["number"],
            Money(total, currency),
            tax=Money(tax, currency),
            date=dt.date.fromisoformat(member["date"]),
            due_date=dt.date.fromisoformat(member["due_date"]) if member.get("due_date") else None,
            party_id=member["party_id"],
            note=member["note"],
            version="0",
            created_at=dt.datetime.now(dt.UTC),
            stored={"Id": ledger_id, **member, "total": str(total), "tax": str(tax)},
        )

    def _find(self, probe: Probe) -> Finding:
        seen = [r for i, r in self.documents.items() if self._shown(i, probe.kind)]
        ours = [r for r in seen if _carries(r.note, probe)]
        if ours:
            return Found(ours[0]) if len(ours) == 1 else Several(tuple(ours))
        alike = [r for r in seen if not marks_in(r.note) and _same(r, probe)] if probe.look_alikes else []
        return LooksAlike(tuple(alike)) if alike else Absent()

    def _shown(self, ledger_id: str, kind: DocumentKind) -> bool:
        receipt = self.documents[ledger_id]
        return self.kinds[ledger_id] is kind and not receipt.voided and ledger_id not in self.invisible

    # ── creations ──

    def draft_body(self, draft: Draft, name: str, links: Links, rules: Rules) -> str:
        account = links.get((LinkKind.ACCOUNTS, draft.account))
        if draft.kind is LinkKind.ITEMS and account is None:
            need = linking.Need(LinkKind.ACCOUNTS, draft.account, draft.account, "account")
            raise UntranslatableError([_not_linked(need)])
        account_id = account.ledger_id if account else ""
        return json.dumps({"name": name, "account_id": account_id, "due_days": draft.due_days})

    def valid_name(self, kind: LinkKind, name: str) -> str:
        return " ".join(name.replace(":", "-").split())[:100]

    def create(self, kind: LinkKind, body: str, request_id: str, slot: Slot) -> CreationOutcome:
        word = self.next_create.popleft() if self.next_create else ""
        slot.release()
        if not_done := _not_done(word):
            return not_done
        outcome = self._create(kind, json.loads(body), request_id) if word != "lose_before" else None
        return outcome if outcome and word != "lose_after" else InDoubt("QuickBooks did not answer.", ended=True)

    def _create(self, kind: LinkKind, fields: dict[str, Any], request_id: str) -> CreationOutcome:
        if self.honours_request_ids and request_id in self.created:
            return Created(self.created[request_id])
        if any(e.kind is kind and e.name.lower() == fields["name"].lower() for e in self.lists):
            return NameTaken(Problem("name_taken", f"The name “{fields['name']}” is taken.", "Choose another."))
        entry = Entry(
            kind, str(next(self._ids)), fields["name"], account_id=fields["account_id"], due_days=fields["due_days"]
        )
        self.lists.append(entry)
        self.created[request_id] = entry
        return Created(entry)

    # ── the connection ──

    def remove(self, kind: DocumentKind, receipt: Receipt, request_id: str, slot: Slot) -> RemovalOutcome:
        slot.release()
        word = self.next.popleft() if self.next else ""
        if word == "lose_before":
            return InDoubt("no answer")
        self.documents.pop(receipt.ledger_id, None)
        return InDoubt("no answer") if word == "lose_after" else Removed()

    def revoke(self) -> None:
        self._reachable()
        self.revoked = True

    def _reachable(self) -> None:
        if self.down:
            raise ConnectionFailedError(self.down, "Try again later.")


def _not_done(word: str) -> NotDone | None:
    if word == "throttle":
        return NotDone("QuickBooks is busy.", wait=0.01)
    if word == "systemic":
        gone = Problem("consent_gone", "QuickBooks no longer lets us in.", "Connect again.")
        return NotDone("Consent is gone.", systemic=gone)
    return None


def _not_linked(need: linking.Need) -> Problem:
    noun = linking.NOUNS[need.kind]
    return Problem(
        f"{noun.replace(' ', '_')}_not_linked",
        f"The {noun} “{need.name}” has no link.",
        "Link it.",
        field=need.field,
        subject=f"{need.kind}:{need.source_id}",
    )


def _body(document: Document, mark: Mark, links: Links) -> dict[str, Any]:
    return {
        "number": document.number,
        "date": document.date.isoformat(),
        "due_date": document.due_date.isoformat() if document.due_date else None,
        "party_id": links[LinkKind.CUSTOMERS, document.party.source_id].ledger_id,
        "currency": document.currency,
        "total": str(document.total.amount),
        "tax": str(document.tax.amount),
        "note": mark.note(document.number),
        "lines": [{"amount": str(line.amount.amount), "account": line.account} for line in document.lines],
    }


def _carries(note: str, probe: Probe) -> bool:
    stem, whole = probe.mark.stem, str(probe.mark)
    return any(found == whole if probe.exact else found.startswith(stem) for found in marks_in(note))


def _same(receipt: Receipt, probe: Probe) -> bool:
    same_sale = (receipt.party_id, receipt.date, receipt.total.amount) == (probe.party_id, probe.date, probe.total)
    return receipt.number == probe.number or same_sale
