"""An installation in the middle of a month: connected, linked, with a batch that left something to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, expect
from sqlmodel import col, select

from app.database import Database
from app.domain.links import LinkKind
from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail
from app.models.postings import Posting
from app.models.records import UnpostedRow
from app.models.rounds import AutoSync, Round, RoundBatch
from app.services.batches import approving, batches
from app.services.mapping import links
from app.services.paying import pay_links
from sandbox.quickbooks_online import people
from tests.journeys.installation import Installation
from tests.journeys.person import EMAIL, ENDED, Person


@dataclass
class Furnished:
    """The installation, and the cookies of its admin."""

    at: Installation
    browser: Browser
    cookies: Any

    def context(self, *, dark: bool = False, width: int = 1440, **more: Any) -> BrowserContext:
        """A profile that is logged in already."""
        scheme: Any = "dark" if dark else "light"
        return self.browser.new_context(
            storage_state=self.cookies, color_scheme=scheme, viewport={"width": width, "height": 900}, **more
        )


def furnish(at: Installation, browser: Browser) -> Furnished:
    """Connect by the pages, link by the services, and run a batch by the pages."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    her = Person(context.new_page(), at)
    her.set_up()
    her.connect_connectwise()
    her.connect_quickbooks()
    her.open("/run/invoices")
    her.wait_until_looked_at(74)
    _link(at)
    _tick(her, "acme", "10404", "10414", "10425", "10460")
    her.press(re.compile("^Post 10 documents"))
    her.press(re.compile(r"post \d+ documents", re.IGNORECASE))
    expect(her.page.locator("#head .cf-st")).to_have_text(ENDED, timeout=60_000)
    _sync_payments(at, her)
    for kind, count in (("expenses", 14), ("inventory", 12)):
        her.open(f"/run/{kind}")
        her.wait_until_looked_at(count)
    her.open("/reconcile/1")
    her.press("Look now")
    expect(her.page.get_by_role("heading", name="Month-end tie-out")).to_be_visible(timeout=60_000)
    cookies = context.storage_state()
    context.close()
    return Furnished(at, browser, cookies)


def _sync_payments(at: Installation, her: Person) -> None:
    """One invoice is paid in part, and what a sync would write has been looked at."""
    company = at.both.quickbooks_online.company
    ours = [d["Id"] for d in at.in_books() if d["type"] == "Invoice" and "CF-" in (d["PrivateNote"] or "")]
    people.edit(company, {"entity": "Invoice", "id": ours[-1], "operation": "pay", "amount": "10.00"})
    her.open("/run/payments")
    her.press("See what would change")
    expect(her.page.locator("#head .cf-st")).to_have_text(ENDED, timeout=60_000)
    expect(her.page.get_by_role("button", name="Write this: 1 invoice, $10.00")).to_be_visible()


def database_of(at: Installation) -> Database:
    """Its database, opened beside the running processes."""
    key = Path(at.folder / "encryption.key").read_text().strip()
    return Database(f"sqlite:///{at.folder / 'crossfoot.db'}", (key,))


def _link(at: Installation) -> None:
    database = database_of(at)
    with database.session() as session:
        book = session.exec(select(Book)).one()
        for kind, name in (
            (LinkKind.ACCOUNTS, "account_links"),
            (LinkKind.ACCOUNTS, "other_account_links"),
            (LinkKind.TAX_CODES, "tax_code_links"),
        ):
            for source_id, ledger_id in at.both.credentials[name].items():
                links.set_link(session, book, kind, source_id, ledger_id, by=EMAIL)
    database.dispose()


def _tick(her: Person, *searches: str) -> None:
    """Tick all that each search shows."""
    for words in searches:
        her.open(f"/run/invoices?q={words}")
        with her.page.expect_response("**/run/invoices/tick"):
            her.page.get_by_label("Select this page").check()


def link_to_pay(at: Installation) -> str:
    """The path of a link to pay one of the posted invoices."""
    database = database_of(at)
    with database.session() as session:
        posted = select(Posting).where(Posting.kind == "invoice", Posting.state == "closed").order_by(col(Posting.id))
        token, link = pay_links.new(session.exec(posted.limit(1)).one(), 1)
        session.add(link)
        session.commit()
    database.dispose()
    return f"/pay/{token}"


@contextmanager
def paused(at: Installation) -> Iterator[None]:
    """AutoSync has run once, with the batch there is, and is paused as long as the block lasts."""
    database = database_of(at)
    with database.session() as session:
        problem = {"code": "psa_key_refused", "message": "ConnectWise refuses the key.", "remedy": "Enter a new one."}
        session.merge(AutoSync(book_id=1, enabled=True, paused=problem, paused_at=utcnow()))
        found = {"invoices": {"taken": True, "parked": 2}, "expenses": {"problem": problem}}
        made = Round(id=1, book_id=1, due_at=utcnow(), auto=True, by="AutoSync", found=found, ended_at=utcnow())
        made.state, made.status = "ended", "completed_with_errors"
        session.merge(made)
        session.flush()
        session.merge(RoundBatch(batch_id=1, round_id=1))
        session.commit()
    yield
    with database.session() as session:
        session.delete(session.get_one(AutoSync, 1))
        session.commit()
    database.dispose()


@contextmanager
def asked(at: Installation, number: str) -> Iterator[tuple[str, str]]:
    """Paths of what waits for a person: another one's batch of one invoice to approve, and a mail that failed."""
    database = database_of(at)
    with database.session() as session:
        record = session.exec(select(UnpostedRow.record).where(UnpostedRow.number == number)).one()
        book = session.exec(select(Book)).one()
        batch = batches.submit(
            session, book, kind=RecordKind.INVOICES, wanted=[record], by="clerk@harborpoint.example", approval=True
        )
        closed = select(Posting.id).where(Posting.kind == "invoice", Posting.state == "closed")
        mail = Mail(
            key="asked", kind="invoice", to="ap@acme.example", subject="Invoice 38990 from Harbor Point IT LLC",
            message_name="asked", state="failed", problem="The server does not know this address.", ended_at=utcnow(),
            said="550 5.1.1 No such user here", book_id=1, posting_id=session.exec(closed.limit(1)).one(),
        )  # fmt: skip
        session.add(mail)
        session.commit()
        paths = (f"/batches/{batch.id}/approval", f"/mail/1/{mail.id}")
    yield paths
    with database.session() as session:
        session.delete(session.get_one(Mail, mail.id))
        approving.reject(session, session.get_one(Batch, batch.id), by=EMAIL, reason="Only looked at.")
        session.commit()
    database.dispose()


def fill_up(at: Installation, count: int) -> None:
    """So many more unposted records, as if the PSA had listed them."""
    database = database_of(at)
    with database.session() as session:
        pattern = session.exec(select(UnpostedRow).where(UnpostedRow.number == "10394")).one().model_dump()
        for index in range(count):
            own = {"id": None, "record": f"x{index}", "number": f"X{index:05}", "looked_at": ""}
            session.add(UnpostedRow(**{**pattern, **own}))
        session.commit()
    database.dispose()
