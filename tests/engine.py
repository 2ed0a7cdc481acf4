"""The whole engine over real HTTP: both stand-ins, a real Redis, a real database, and short waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis
import requests
from cryptography.fernet import Fernet
from sqlmodel import col, select

from app.connectors.addresses import NetRules
from app.connectors.protocols import Connectors
from app.connectors.quickbooks_online.settings import App
from app.connectors.registry import Registry
from app.connectors.tokens import Tokens
from app.database import Database
from app.domain.links import LinkKind
from app.domain.marks import Mark
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import Book, SourceRow
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.models.records import UnpostedRow
from app.services.batches import as_json, batches
from app.services.connections import connections
from app.services.mapping import links, lists
from app.services.posting import running
from app.services.records import records
from app.settings import Endpoints, Secret, Waits
from sandbox.connectwise.site import Site
from sandbox.quickbooks_online.company import Company
from sandbox.server import OTHER_ACCOUNT_LINKS, Both, start_both
from tests import template

ALLOW = "127.0.0.1:*,localhost:*"
#: Vendors' limits are scaled by this, ours and the stand-ins' alike.
SPEED = 20
SHORT = Waits(running=1.5, between=0.3, lease=2.0)
KIND = RecordKind.INVOICES
BY = "owner@example.com"
#: Encrypts the tests' databases; another process can open them with it.
KEY = Fernet.generate_key().decode()
ACCOUNTS = {
    "4000": "80",
    "4010": "82",
    "4100": "79",
    "4200": "83",
    "4300": "84",
    "4400": "85",
    "4500": "86",
    "2300": "87",
}
#: Of expenses, procurement and stock.
OTHER_ACCOUNTS = OTHER_ACCOUNT_LINKS
TAX_CODES = {"21": "3", "22": "4", "23": "5"}


@dataclass
class Engine:
    """Everything connected and linked as a bookkeeper would have it."""

    database: Database
    connectors: Connectors
    both: Both
    book_id: int
    source_id: int
    waits: Waits = SHORT

    @property
    def site(self) -> Site:
        return self.both.connectwise.site

    @property
    def company(self) -> Company:
        return self.both.quickbooks_online.company

    def refresh(self, kind: RecordKind = KIND) -> None:
        source = connections.open_source(self.database, self.connectors, self.source_id)
        records.refresh(self.database, source, self.source_id, kind)

    def submit(self, *wanted: str, accept: bool = True, kind: RecordKind = KIND, **options: Any) -> int:
        """A batch of some numbers, or of everything listed; answers its id."""
        self.refresh(kind)
        with self.database.session() as session:
            book = session.get_one(Book, self.book_id)
            offered = {row.record for row in records.listed(session, self.source_id, kind, records.Filter())}
            rows = session.exec(select(UnpostedRow).where(UnpostedRow.kind == kind)).all()
            chosen = [row.record for row in rows if row.number in wanted or (not wanted and row.record in offered)]
            batch = batches.submit(
                session, book, kind=kind, wanted=chosen, by=BY, initials="OW", accept=accept, **options
            )
            assert batch.id is not None
            return batch.id

    def run(self, batch_id: int, *, until_ended: bool = True) -> dict[str, Any]:
        """Run it here, again and again while it waits for something; answers its JSON."""
        for _ in range(400):
            running.run(self.database, self.connectors, batch_id, self.waits)
            if not until_ended or not self.batch(batch_id).wake_at:
                break
            with self.database.session() as session:
                batch = session.get_one(Batch, batch_id)
                batch.wake_at = None
                session.add(batch)
                session.commit()
        return self.json(batch_id)

    def post(self, *wanted: str, accept: bool = True, **options: Any) -> dict[str, Any]:
        return self.run(self.submit(*wanted, accept=accept, **options))

    def batch(self, batch_id: int) -> Batch:
        with self.database.reading() as session:
            return session.get_one(Batch, batch_id)

    def json(self, batch_id: int) -> dict[str, Any]:
        with self.database.reading() as session:
            return as_json.batch_json(session, session.get_one(Batch, batch_id))

    def posting(self, number: str) -> Posting:
        with self.database.reading() as session:
            return session.exec(select(Posting).where(Posting.number == number).order_by(col(Posting.id).desc())).one()

    def problems(self, number: str) -> list[str]:
        with self.database.reading() as session:
            query = select(PostingProblem.code).join(Posting, col(Posting.id) == PostingProblem.posting_id)
            return list(session.exec(query.where(Posting.number == number)))

    # ── what the systems themselves say ──

    def in_books(self) -> Counter[str]:
        """How often each mark is in the books, voided and deleted ones not counted."""
        url = self.both.quickbooks_online.url
        found = requests.get(f"{url}/_documents", timeout=30).json()
        live = [
            d
            for d in found
            if d.get("status", "") not in ("Deleted", "Voided") and "CF-" in (d.get("PrivateNote") or "")
        ]
        return Counter(d["PrivateNote"].split(" · ")[1].split()[0] for d in live)

    def unposted(self, kind: RecordKind = KIND) -> set[str]:
        """Numbers that the PSA still lists."""
        self.refresh(kind)
        with self.database.reading() as session:
            return {row.number for row in records.listed(session, self.source_id, kind, records.Filter())}

    def assert_exactly_once(self) -> None:
        """Every document once in the books, every posted one closed by our own batch, nothing stuck unseen."""
        doubled = {mark: count for mark, count in self.in_books().items() if count != 1}
        assert not doubled, f"in the books more than once: {doubled}"
        with self.database.reading() as session:
            postings = session.exec(
                select(Posting, PostingRecord).join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
            ).all()
            stuck = [
                p.number
                for p, _ in postings
                if p.state in ("ready", "sending")
                or (
                    p.state in ("held", "refused", "in_doubt", "posted")
                    and not session.exec(select(PostingProblem.id).where(PostingProblem.posting_id == p.id)).first()
                )
            ]
        assert not stuck, f"stuck without a problem: {stuck}"
        marks: dict[int, str] = {}  # of the first record where several became one document
        for posting, link in postings:
            mark = str(Mark(RecordKind(link.kind), link.record, posting.generation, role=link.role))
            if posting.state == "closed":
                marks[posting.id or 0] = min(marks.get(posting.id or 0, mark), mark)
        assert set(marks.values()) <= set(self.in_books())


def consent(connectors: Registry, both: Both, realm: str = "") -> Tokens:
    """Tokens by the real OAuth round trip: a person who agrees at once, and perhaps chooses a company."""
    redirect = "http://localhost:8000/oauth/quickbooks-online/callback"
    intuit = connectors.consent("quickbooks_online")
    chosen = f"&realm={realm}" if realm else ""
    answer = requests.get(intuit.authorize_url(redirect, "state") + chosen, allow_redirects=False, timeout=10)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    return intuit.exchange(redirect, code)


def make(
    folder: Path,
    server: redis.Redis,
    *,
    site: Site | None = None,
    company: Company | None = None,
    waits: Waits = SHORT,
    database: Database | None = None,
    others: Sequence[Company] = (),
) -> Engine:
    """Start both stand-ins, connect them through the services, link accounts and tax codes.

    ``others`` are served beside the company, and connected by ``connect_book``.
    """
    both = start_both(site, company, *others)
    for served in (both.quickbooks_online.company, *others):
        served.throttle.scale(1 / SPEED)
    both.connectwise.gate.throttle.scale(1 / SPEED)
    if database is None:
        database = template.migrated(folder / "crossfoot.db", KEY)
    else:
        database.migrate()
    qbo, psa = both.credentials["quickbooks_online"], both.credentials["connectwise"]
    endpoints = Endpoints(qbo["api_url"], qbo["authorize_url"], qbo["token_url"], qbo["revoke_url"])
    keys = App(qbo["client_id"], qbo["client_secret"], endpoints, "sandbox")
    connectors = Registry(server, NetRules.parse(ALLOW), lambda: keys, speed=SPEED, stripe=both.stripe.url)
    connections.connect_source(
        database,
        connectors,
        settings={"site": psa["url"], **{k: psa[k] for k in ("company_id", "public_key", "client_id")}},
        secrets={"private_key": Secret(psa["private_key"])},
        by=BY,
    )
    book_id = connect_book(database, connectors, both, both.quickbooks_online.company.realm)
    with database.reading() as session:
        source_id = session.exec(select(SourceRow.id)).one()
    assert source_id is not None
    return Engine(database, connectors, both, book_id, source_id, waits)


def connect_book(database: Database, connectors: Registry, both: Both, realm: str) -> int:
    """Connect a company that the stand-in serves, and link its accounts and tax codes; answers the Book's id."""
    held = consent(connectors, both, realm)
    book = connections.confirm_book(database, connectors, realm=realm, held=held, environment="sandbox", by=BY)
    assert book.id is not None
    destination = connections.open_destination(database, connectors, book.id)
    lists.refresh(database, destination, book.id)
    with database.session() as session:
        for kind, wanted in ((LinkKind.ACCOUNTS, ACCOUNTS | OTHER_ACCOUNTS), (LinkKind.TAX_CODES, TAX_CODES)):
            for source_id, ledger_id in wanted.items():
                links.set_link(session, book, kind, source_id, ledger_id, by=BY)
    return book.id
