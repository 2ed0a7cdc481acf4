"""QuickBooks Online as a Destination: wiring only. Translation is pure, the client is only HTTP."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from app.connectors.files import LARGEST_PDF, pdf_of
from app.connectors.http import Answer, NoAnswerError
from app.connectors.ledger_changes import AttachOutcome, ChangeOutcome, Changes
from app.connectors.list_changes import EntryChangeOutcome, HeldEntry
from app.connectors.overviews import Held, HeldPage, LedgerChanges, Loose
from app.connectors.payments import LedgerNews
from app.connectors.protocols import (
    Body,
    Company,
    ConnectionFailedError,
    CreationOutcome,
    OutgoingCall,
    Probe,
    RemovalOutcome,
    Slot,
    Wait,
)
from app.connectors.quickbooks_online import (
    attachments,
    calls,
    changes,
    drafts,
    entry_changes,
    lists,
    overview,
    payments,
    received,
    translate,
)
from app.connectors.quickbooks_online import company as companies
from app.connectors.quickbooks_online.client import JSON, Client, FaultError
from app.connectors.quickbooks_online.exact_json import dumps
from app.connectors.quickbooks_online.find import find
from app.connectors.quickbooks_online.members import Members, amount_of, part, unreadable, whole
from app.connectors.quickbooks_online.pictures import to_picture
from app.connectors.quickbooks_online.queries import IN_LIST
from app.connectors.quickbooks_online.receipts import ENTITIES, to_receipt
from app.connectors.quickbooks_online.removals import removal
from app.connectors.quickbooks_online.settings import LANES, MAX_BATCH, SCREENS, App
from app.connectors.received_payments import ReceivedPayment, RecordOutcome
from app.connectors.throttle import used
from app.domain.documents import Document, DocumentKind
from app.domain.links import Draft, Entry, LinkKind, Links, Rules
from app.domain.marks import Mark
from app.domain.outcomes import CannotTell, Finding, InDoubt, NotDone, Outcome, Receipt
from app.domain.payments import LedgerPayment
from app.domain.pictures import Picture
from app.domain.problems import Problem

#: QuickBooks' own pages, where they are named otherwise than its entities.
PAGES = {
    **{kind: entity.lower() for kind, entity in ENTITIES.items()},
    DocumentKind.PURCHASE: "expense",
    DocumentKind.JOURNAL_ENTRY: "journal",
    DocumentKind.INVENTORY_ADJUSTMENT: "inventoryqtyadjustment",
}
#: Pause before a call that never left is tried again.
TRY_AGAIN = 5.0


class QuickBooksOnline:
    """One company."""

    lanes = LANES
    max_members = MAX_BATCH
    ids_a_call = IN_LIST
    voidable = changes.VOIDABLE

    def __init__(self, client: Client, app: App, home_currency: str = "USD") -> None:
        self._client = client
        self._environment = app.environment
        self._home_currency = home_currency
        self._our_numbers: bool | None = None

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/companyinfo
    def company(self) -> Company:
        answer = self._client.get(f"companyinfo/{quote(self._client.realm, safe='')}")
        info = whole(answer, "CompanyInfo", "the question for the company")
        preferences = self._preferences()
        mode = companies.tax_mode(preferences or {}, companies.country_of(info))
        codes = self.entries(LinkKind.TAX_CODES) if mode == "per_line" else []
        return companies.to_company(
            info,
            preferences,
            self._client.realm,
            self._environment,
            codes=codes,
            accounts=self.entries(LinkKind.ACCOUNTS),
        )

    def entries(self, kind: LinkKind) -> list[Entry]:
        return lists.entries(self._client.query, kind)

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/exchangerate
    def exchange_rate(self, currency: str, day: dt.date) -> Decimal | None:
        try:
            answer = self._client.get("exchangerate", sourcecurrencycode=currency, asofdate=day.isoformat())
        except FaultError as error:
            if error.status == 400:
                return None
            raise
        try:
            return amount_of(part(answer, "ExchangeRate").get("Rate")) or None
        except ValueError as error:
            raise unreadable("the question for an exchange rate") from error

    def names_taken(self) -> set[str]:
        return lists.names_taken(self._client.query)

    def translate(self, document: Document, mark: Mark, links: Links, rules: Rules) -> Body:
        return translate.to_quickbooks(document, mark, links, rules)

    def picture(self, fields: Mapping[str, Any]) -> Picture:
        return to_picture(fields)

    def member(self, body: str, place: int) -> dict[str, Any] | None:
        return calls.member(body, place)

    def compose(self, bodies: Sequence[Body], request_id: str) -> OutgoingCall:
        return calls.compose(bodies, request_id)

    def reserve(self, members: int) -> Slot | Wait:
        return self._client.reserve(batch=members > 1)

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/batch
    def send(self, call: OutgoingCall, slot: Slot) -> list[Outcome]:
        answer = self._write(call.target, call.request_id, call.body, slot)
        if not isinstance(answer, Answer):
            return [answer] * len(call.item_ids)
        outcomes = calls.outcomes(call, answer, self._home_currency)
        if answer.ok and any(isinstance(outcome, NotDone) and outcome.reason == "throttled" for outcome in outcomes):
            self._client.penalize()
        return outcomes

    def _write(
        self, target: str, request_id: str, body: str, slot: Slot, content_type: str = JSON
    ) -> Answer | NotDone | InDoubt:
        """One write and the end of its slot: the answer, or what became of it where there is none."""
        with used(slot):
            try:
                return self._client.write(target, request_id, body, slot, content_type)
            except ConnectionFailedError as error:
                return _not_answered(error, request_id)

    def find(self, probes: Sequence[Probe]) -> list[Finding]:
        try:
            our_numbers = self._send_numbers() if probes else True
        except ConnectionFailedError as error:
            return [CannotTell(error.message)] * len(probes)
        return find(self._client.rows, probes, self._home_currency, our_numbers=our_numbers)

    def read(self, kind: DocumentKind, ledger_id: str) -> Receipt | None:
        entity = ENTITIES[kind]
        try:
            found = part(self._client.get(f"{entity.lower()}/{quote(ledger_id, safe='')}"), entity)
        except FaultError as error:
            if "610" in error.codes:
                return None
            raise
        try:
            return to_receipt(found, self._home_currency)
        except ValueError as error:
            raise unreadable("the question for a document") from error

    def documents(self, kind: DocumentKind, first: dt.date, page: int) -> HeldPage:
        return overview.page(self._client, kind, first, page, self._home_currency)

    def documents_by_id(self, kind: DocumentKind, ids: Sequence[str]) -> list[Held]:
        return overview.by_id(self._client, kind, ids, self._home_currency)

    def changes_since(self, since: dt.datetime, kinds: Sequence[DocumentKind]) -> LedgerChanges | None:
        return overview.changes(self._client, since, kinds, self._home_currency, dt.datetime.now(dt.UTC))

    def loose(self, first: dt.date) -> list[Loose]:
        return overview.loose(self._client, first, self._home_currency)

    def can_follow(self, kind: DocumentKind) -> bool:
        return kind not in overview.NOT_FOLLOWED

    def _preferences(self) -> Members | None:
        """The company's settings; None where the person who connected may not read them."""
        try:
            return whole(self._client.get("preferences"), "Preferences", "the question for the company’s settings")
        except FaultError as error:
            if error.status != 403 and not {"120", "5020"} & set(error.codes):
                raise
            return None

    def _send_numbers(self) -> bool:
        """Whether documents carry the PSA's numbers; asked once, True where we may not know."""
        if self._our_numbers is None:
            preferences = self._preferences()
            self._our_numbers = preferences is None or companies.sends_numbers(preferences)
        return self._our_numbers

    def draft_body(self, draft: Draft, name: str, links: Links, rules: Rules) -> str:
        return drafts.draft_body(draft, name, links, rules)

    def valid_name(self, kind: LinkKind, name: str) -> str:
        return drafts.valid_name(kind, name)

    def create(self, kind: LinkKind, body: str, request_id: str, slot: Slot) -> CreationOutcome:
        answer = self._write(drafts.ENTITIES[kind].lower(), request_id, body, slot)
        return drafts.outcome(kind, answer, request_id) if isinstance(answer, Answer) else answer

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#delete-an-invoice
    def remove(self, kind: DocumentKind, receipt: Receipt, request_id: str, slot: Slot) -> RemovalOutcome:
        target = f"{ENTITIES[kind].lower()}?operation=delete"
        body = dumps({"Id": receipt.ledger_id, "SyncToken": receipt.version})
        answer = self._write(target, request_id, body, slot)
        return removal(answer, request_id) if isinstance(answer, Answer) else answer

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#void-an-invoice
    def void(self, kind: DocumentKind, receipt: Receipt, request_id: str, slot: Slot) -> RemovalOutcome:
        if kind not in changes.VOIDABLE:
            raise ValueError(f"QuickBooks voids no {kind}: it can only be deleted.")
        target = f"{ENTITIES[kind].lower()}?operation=update&include=void"
        answer = self._write(target, request_id, changes.void_body(receipt), slot)
        return changes.voided(kind, answer, request_id) if isinstance(answer, Answer) else answer

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/bill#full-update-a-bill
    def update(self, kind: DocumentKind, receipt: Receipt, new: Changes, request_id: str, slot: Slot) -> ChangeOutcome:
        body = changes.update_body(kind, receipt, new)
        answer = self._write(ENTITIES[kind].lower(), request_id, body, slot)
        return changes.changed(kind, answer, request_id, self._home_currency) if isinstance(answer, Answer) else answer

    def held_entries(self, kind: LinkKind) -> list[HeldEntry]:
        return entry_changes.everything(self._client.query, kind)

    def held_entry(self, kind: LinkKind, ledger_id: str) -> HeldEntry | None:
        return entry_changes.one(self._client, kind, ledger_id)

    def entry_body(self, kind: LinkKind, held: HeldEntry, new: Mapping[str, Any]) -> str:
        return entry_changes.body(kind, held, new)

    def change_entry(self, kind: LinkKind, body: str, request_id: str, slot: Slot) -> EntryChangeOutcome:
        answer = self._write(entry_changes.ENTITIES[kind].lower(), request_id, body, slot)
        return entry_changes.outcome(kind, answer, request_id) if isinstance(answer, Answer) else answer

    def payments_since(self, since: dt.datetime) -> LedgerNews:
        return payments.since(self._client, since, self._home_currency, dt.datetime.now(dt.UTC))

    def payments(self, ledger_ids: Sequence[str]) -> list[LedgerPayment]:
        today = dt.datetime.now(dt.UTC).date()
        return payments.by_id(self._client, ledger_ids, self._home_currency, today)

    def payments_of(self, invoices: Sequence[str]) -> dict[str, tuple[str, ...]]:
        return payments.linked(self._client, invoices)

    def payment_body(self, new: ReceivedPayment) -> str:
        return received.body(new, self._home_currency)

    def record_payment(self, body: str, request_id: str, slot: Slot) -> RecordOutcome:
        answer = self._write("payment", request_id, body, slot)
        return received.outcome(answer, request_id, self._home_currency) if isinstance(answer, Answer) else answer

    def payments_marked(self, stem: str, party_id: str, since: dt.datetime) -> list[LedgerPayment]:
        return received.marked(self._client.query, stem, party_id, since, self._home_currency)

    def attachment(self, kind: DocumentKind, ledger_id: str, name: str) -> str | None:
        return attachments.found(self._client.query, ENTITIES[kind], ledger_id, name)

    def attach(self, kind: DocumentKind, ledger_id: str, name: str, content: bytes, slot: Slot) -> AttachOutcome:
        body = attachments.upload(ENTITIES[kind], ledger_id, name, content)
        request_id = secrets.token_hex(16)
        answer = self._write("upload", request_id, body, slot, attachments.CONTENT_TYPE)
        return attachments.outcome(answer) if isinstance(answer, Answer) else answer

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#get-an-invoice-as-pdf
    def pdf(self, kind: DocumentKind, ledger_id: str) -> bytes:
        path = f"{ENTITIES[kind].lower()}/{quote(ledger_id, safe='')}/pdf"
        return pdf_of(self._client.file(path, LARGEST_PDF), "QuickBooks")

    def mail_address(self, party_id: str) -> str:
        found = part(self._client.get(f"customer/{quote(party_id, safe='')}"), "Customer")
        return str(part(found, "PrimaryEmailAddr").get("Address") or "")

    # https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice (InvoiceLink)
    def pay_link(self, ledger_id: str) -> str:
        answer = self._client.get(f"invoice/{quote(ledger_id, safe='')}", include="invoiceLink")
        link = str(part(answer, "Invoice").get("InvoiceLink") or "")
        return link if link.startswith("https://") else ""

    def url(self, kind: DocumentKind, ledger_id: str) -> str:
        return f"{SCREENS[self._environment]}/app/{PAGES[kind]}?txnId={quote(ledger_id, safe='')}"

    def revoke(self) -> None:
        self._client.revoke()


def _not_answered(error: ConnectionFailedError, request_id: str) -> NotDone | InDoubt:
    """A call without a whole answer: in doubt when it may have arrived, else not done."""
    if isinstance(error, NoAnswerError):
        return InDoubt(error.message, technical={"request_id": request_id, "timed_out": error.timed_out})
    systemic = Problem(error.code, error.message, error.remedy) if error.systemic else None
    return NotDone(error.code, 0 if error.code == "late" else TRY_AGAIN, systemic=systemic)
