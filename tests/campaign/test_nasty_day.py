"""A nasty day in a real browser: twenty different problems, each mended from its row; and books that were restored."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, expect
from sqlmodel import Session, select

from app.domain.links import LinkKind
from app.domain.states import RecordKind
from app.models.connections import Book, Link
from app.models.records import UnpostedRow
from app.services.connections import books
from app.services.mapping import links, proposals
from tests.journeys.conftest import context, installation, page
from tests.journeys.furnished import database_of
from tests.journeys.installation import ROOT, Installation
from tests.journeys.person import EMAIL, ENDED, Person
from tests.services.test_rerun import KEPT

__all__ = ["context", "installation", "page"]

LEFT_UNLINKED = {
    *(("accounts", account) for account in ("4010", "4300", "4400", "4500", "4600")),
    *(("tax_codes", code) for code in ("22", "23")),
}


@contextmanager
def its_rows(at: Installation) -> Iterator[Session]:
    """The installation's own database, beside the running processes."""
    database = database_of(at)
    with database.session() as session:
        yield session
    database.dispose()


def in_psa(at: Installation, action: str, **more: Any) -> None:
    answer = requests.post(f"{at.both.connectwise.url}/_edit", json={"action": action, **more}, timeout=10)
    assert answer.ok, answer.text


def in_quickbooks(at: Installation, **order: Any) -> None:
    answer = requests.post(f"{at.both.quickbooks_online.url}/_edit", json=order, timeout=10)
    assert answer.ok, answer.text


def command(at: Installation, *arguments: str) -> Any:
    """A command of the installation; answers its JSON."""
    done = subprocess.run(
        [str(ROOT / "crossfoot"), *arguments, "--json"],
        env=at.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr[-800:] + done.stdout[-400:]
    return json.loads(done.stdout)


def connected(her: Person) -> None:
    """Both sides, and links for nearly everything; vendors are never created without being asked."""
    her.set_up()
    her.connect_connectwise()
    her.connect_quickbooks()
    at = her.at
    command(at, "mappings", "read", "--book", "1")
    with its_rows(at) as session:
        book = session.get_one(Book, 1)
        for kind, name in (
            ("accounts", "account_links"),
            ("accounts", "other_account_links"),
            ("tax_codes", "tax_code_links"),
        ):
            for source_id, ledger_id in at.both.credentials[name].items():
                if (kind, source_id) not in LEFT_UNLINKED:
                    links.set_link(session, book, LinkKind(kind), source_id, ledger_id, by=EMAIL)
        for kind in (LinkKind.CUSTOMERS, LinkKind.TERMS):
            for group in proposals.groups(session, book, kind):
                if group.exact:
                    proposals.accept(session, book, kind, group.key, group.seen, by=EMAIL)
        settings = {"links.vendors.missing": "never", "inventory.without_invoice": "hold"}
        books.set_settings(session, book, settings, EMAIL)


def spoil(at: Installation) -> None:
    """What goes wrong on such a day beside what is wrong in the demo's own records."""
    at.both.quickbooks_online.company.switches.book_close_date = "2026-10-31"
    with its_rows(at) as session:
        used = select(UnpostedRow.party_id).where(UnpostedRow.kind == RecordKind.INVOICES)
        query = select(Link.ledger_id).where(Link.kind == LinkKind.CUSTOMERS, Link.ledger_id != "")
        asleep = session.exec(query.where(Link.source_id.in_(used))).first()  # type: ignore[attr-defined]  # a column
    assert asleep
    in_quickbooks(at, entity="Customer", id=asleep, operation="inactivate")


#: What a person does about a problem in its drawer.
Fix = Callable[[Installation, Locator], None]


def press(name: str) -> Fix:
    return lambda _, drawer: drawer.get_by_role("button", name=re.compile(name)).first.click()


def choose(at: Installation, drawer: Locator, ledger_id: str) -> None:
    drawer.locator(f"input[name=ledger_id][value='{ledger_id}']").check()
    drawer.get_by_role("button", name=re.compile("^Link and retry")).click()


def link_first(_: Installation, drawer: Locator) -> None:
    drawer.locator("input[name=ledger_id]").first.check()
    drawer.get_by_role("button", name=re.compile("^Link and retry")).click()


def link_known(at: Installation, drawer: Locator) -> None:
    """An account or a tax code: to the one that a bookkeeper would choose, else to the first."""
    known = {name: at.both.credentials[name] for name in ("account_links", "other_account_links", "tax_code_links")}
    kind, _, source_id = (drawer.get_attribute("data-key") or "").partition(":")[2].partition(":")
    names = ("tax_code_links",) if kind == "tax_codes" else ("account_links", "other_account_links")
    wanted = next((known[name][source_id] for name in names if source_id in known[name]), "")
    if wanted and drawer.locator(f"input[name=ledger_id][value='{wanted}']").count():
        choose(at, drawer, wanted)
    else:
        link_first(at, drawer)


def hold(_: Installation, drawer: Locator) -> None:
    drawer.locator("summary", has_text="Put on hold").click()
    drawer.get_by_label(re.compile("^Reason")).fill("asked the office")
    drawer.get_by_role("button", name="Hold until released").click()


FIXES: dict[str, Fix] = {
    "account_not_linked": link_known,
    "tax_code_not_linked": link_known,
    "vendor_not_linked": link_first,
    "customer_inactive": press("^Make .* active and retry"),
    "period_closed": press("^Post as of this date"),
    "looks_already_posted": press("^Link: it is the same"),
    "does_not_crossfoot": press("^Skip"),
    "freight_account_missing": hold,
    "waiting_on_bill": hold,
    "not_approved": hold,
    "no_gl_entries": hold,
}


#: What the page says after a fix.
SAID = re.compile(r"go(es)? again|on hold; nothing posts|(is|are) (linked|skipped|posted anyway|kept)")


def mend(her: Person, seen: set[str], failed: dict[str, str]) -> bool:
    """The first group under Needs Attention that a row can mend; False where nothing is left."""
    page = her.page
    her.open("/attention")
    for link in page.locator("a[data-fix]").all():
        key = (link.get_attribute("href") or "").split("/")[-1].replace("%3A", ":")
        fix = FIXES.get(key.split(":")[0])
        if fix is None or key in seen or key in failed:
            continue
        link.click()
        expect(page.locator("#drawer-h")).to_be_focused()
        try:
            fix(her.at, page.locator("#drawer"))
            expect(page.get_by_text(SAID).first).to_be_visible(timeout=30_000)
            seen.add(key)
        except (PlaywrightError, AssertionError) as error:
            failed[key] = f"{error} {page.locator('#drawer').inner_text()[:600]}"
        return True
    return False


def test_a_nasty_day(page: Page, installation: Installation) -> None:
    her = Person(page, installation)
    connected(her)
    for kind in RecordKind:
        command(installation, "unposted", "--book", "1", "--kind", str(kind))
    spoil(installation)
    for kind in RecordKind:
        command(installation, "batch", "run", "--book", "1", "--kind", str(kind), "--all", "--accept", "--wait")
    seen, failed = set[str](), dict[str, str]()
    for _ in range(60):
        if not mend(her, seen, failed):
            break
        page.wait_for_timeout(3000)  # workers take the next turn
    codes = {key.split(":")[0] for key in seen}
    assert not failed
    assert len(seen) >= 20, sorted(seen)
    assert len(codes) >= 8, sorted(codes)
    assert_once(installation)


def assert_once(at: Installation) -> None:
    """No mark stands twice in the books."""
    live = [d for d in at.in_books() if d.get("status", "") not in ("Deleted", "Voided")]
    marks = [m[0] for d in live if (m := re.search(r"CF-\S+", d.get("PrivateNote") or ""))]
    assert marks
    assert len(marks) == len(set(marks))


def test_a_rerun_after_the_books_were_restored(page: Page, installation: Installation) -> None:
    her = Person(page, installation)
    connected(her)
    company = installation.both.quickbooks_online.company
    with company.lock:
        kept = copy.deepcopy({name: getattr(company, name) for name in KEPT})
    records = [
        row["record"] for row in command(installation, "unposted", "--book", "1", "--kind", "invoices")["records"]
    ]
    chosen = [part for record in records[:12] for part in ("--record", record)]
    command(installation, "batch", "run", "--book", "1", "--kind", "invoices", *chosen, "--accept", "--wait")
    before = len([d for d in installation.in_books() if "CF-" in (d.get("PrivateNote") or "")])
    assert before > 5
    with company.lock:
        vars(company).update(kept)
    assert not [d for d in installation.in_books() if "CF-" in (d.get("PrivateNote") or "")]
    her.open("/batches/1/rerun")
    her.press(re.compile("again$"))
    expect(page.locator("#head .cf-st")).to_have_text(ENDED, timeout=240_000)
    assert_once(installation)
    after_it = [d for d in installation.in_books() if "CF-" in (d.get("PrivateNote") or "")]
    assert len(after_it) == before
