"""Whatever stands in an address or a form, the answer is a page or one sentence: never a failure, never half a deed."""

from __future__ import annotations

import pytest
from sqlmodel import func, select

from app.database import Database
from app.models.batches import Batch
from app.models.connections import Link
from app.models.postings import Posting
from tests.routes.conftest import HOST, Browser, Vendors
from tests.routes.world import World
from tests.thorough import sampled

NONSENSE = sampled(("", "abc", "99999999999999999999", "-1", "\x00💥", "a|b", "2026-13-45|x"), 2)
#: Addresses with every query that pages make of them.
LISTS = {
    "/run/invoices": ("view", "q", "sort", "after"),
    "/run/expenses": ("view", "q", "sort", "after"),
    "/run/inventory/why": ("number",),
    "/run/invoices?sort=total": ("after",),
    "/run/invoices?sort=date": ("after",),
    "/run/invoices?sort=-party": ("after",),
    "/batches": ("before",),
    "/batches/1": ("state", "sort", "after"),
    "/batches/1?sort=total": ("after",),
    "/batches/1/live": ("seen", "counts", "state", "sort", "after"),
    "/batches/1/rows": ("state", "sort", "after"),
    "/mappings/1/customers": ("q", "view", "after"),
    "/mappings/1/accounts/link": ("source_id", "q", "back"),
    "/settings/connections/connectwise": ("source",),
    "/settings/audit": ("q", "before", "after", "action", "who"),
    "/connections/quickbooks-online/connect": ("book", "confirm"),
    "/oauth/quickbooks-online/callback": ("state", "code", "realmId", "error"),
    "/records/1/invoices/39005": ("back", "q"),
}
PLACES = (
    "/batches/{}", "/batches/{}/live", "/batches/1/problems/{}", "/mappings/{}/customers", "/mappings/1/{}",
    "/settings/books/{}", "/records/{}/invoices/39005", "/records/1/{}/39005", "/records/1/invoices/{}", "/welcome/{}",
)  # fmt: skip
FORMS = {
    "/run/invoices/options": ("book", "location", "through", "summary", "name"),
    "/run/invoices/tick": ("shown", "record"),
    "/run/invoices/select": ("select", "view", "q", "shown"),
    "/run/invoices": ("action", "through", "book"),
    "/run/invoices/submit": ("token", "seen", "accept"),
    "/batches/1/retry": ("posting",),
    "/batches/1/decide": ("record", "choice", "key", "all"),
    "/batches/1/problems/account_not_linked:accounts:4600": ("how", "ledger_id"),
    "/batches/1/problems/account_not_linked:nothing:4600": ("how", "ledger_id"),
    "/mappings/1/accounts": ("source_id", "ledger_id", "back"),
    "/mappings/1/customers/policy": ("policy",),
    "/settings/books/1": ("company.default_location", "company.zone", "company.validation"),
    "/settings/books/1/sales": ("sales.summary", "sales.line_text", "links.terms.missing"),
    "/settings/books/1/taxes": ("taxes.exempt_code", "taxes.levels"),
    "/settings/books/1/own": ("key", "setting", "customer", "text"),
    "/settings/books/1/try?key=sales.line_text": ("sales.line_text",),
    "/settings/users": ("email", "role", "name"),
    "/settings/users/2/role": ("role",),
    "/settings/connections/intuit": ("client_id", "client_secret"),
    "/me": ("name", "theme", "shortcuts"),
    "/me/password": ("old", "password"),
    "/records/1/invoices/39005/hold": ("reason",),
    "/records/1/invoices/39005/decide": ("choice", "ledger_id"),
}


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    return World(database, vendors)


@pytest.fixture
def ended(admin: Browser, world: World) -> Browser:
    """An admin, and a batch in which something is held."""
    admin.get("/run/invoices")
    records = ["39005", "39007"]
    admin.post("/run/invoices/tick", {"shown": records, "record": records})
    page = admin.post("/run/invoices", {"action": "submit"}).text
    hidden = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("token", "seen")}
    admin.post("/run/invoices/submit", {**hidden, "accept": "yes"})
    world.work()
    return admin


def failed(browser: Browser, method: str, path: str, values: dict[str, str]) -> bool:
    """Whether the answer is a failure of ours; a vendor that can't be reached would be 502 and is none."""
    token = {"csrf_token": browser._token} if method == "post" else {}
    path = path.partition("?")[0]
    where = {"data": {**values, **token}} if method == "post" else {"query_string": values}
    answer = getattr(browser.client, method)(path, base_url=HOST, **where)
    return answer.status_code in (500, 501)


def test_nonsense_in_addresses_is_answered(ended: Browser) -> None:
    wrong = [
        f"{path} {name}={value!r:.40}"
        for path, names in LISTS.items()
        for name in names
        for value in NONSENSE
        if failed(ended, "get", path, {**_query(path), name: value})
    ]
    wrong += [
        f"{place} {value!r:.40}"
        for place in PLACES
        for value in NONSENSE[1:]
        if failed(ended, "get", place.format(value), {})
    ]
    assert not wrong


def _query(path: str) -> dict[str, str]:
    """What the address has already: query_string replaces it."""
    return dict([path.partition("?")[2].split("=")]) if "?" in path else {}


def test_nonsense_in_forms_is_answered_and_does_nothing(ended: Browser, database: Database) -> None:
    before = _deeds(database)
    wrong = [
        f"{path} {name}={value!r:.40}"
        for path, names in FORMS.items()
        for name in names
        for value in NONSENSE
        if failed(ended, "post", path, {name: value})
    ]
    assert not wrong
    assert _deeds(database) == before


def _deeds(database: Database) -> tuple[int, ...]:
    """How many batches, documents and links there are."""
    with database.reading() as session:
        tables = (Batch, Posting, Link)
        return tuple(session.exec(select(func.count()).select_from(table)).one() for table in tables)
