"""The audit log's page and its file."""

from __future__ import annotations

import csv
import io

from app.database import Database
from app.services.people import audit
from tests.routes.conftest import Browser, Vendors, words
from tests.routes.world import World


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_setting_shows_who_from_where_old_and_new(admin: Browser, database: Database, vendors: Vendors) -> None:
    World(database, vendors)
    admin.get("/settings/books/1/sales")
    admin.post("/settings/books/1/sales", {"sales.summary": "condensed"})
    page = words(admin.get("/settings/audit?action=book.settings"))
    assert "127.0.0.1 changed settings Demo MSP" in page
    assert "Default became → Condensed" in page
    assert "nothing here is changed or deleted" in page


def test_filters_narrow_the_page_and_the_file_alike(admin: Browser, database: Database) -> None:
    with database.session() as session:
        audit.record(session, "olive@x.test", "batch.stop", "batch:7")
        audit.record(session, "command line", "record.hold", "invoices:1", reason="=1+1")
        session.commit()
    assert "stopped a batch" not in words(admin.get("/settings/audit?who=command+line", hx=True))
    assert [line["act"] for line in lines(admin.get("/settings/audit.csv?who=olive@x.test").text)] == ["batch.stop"]
    assert lines(admin.get("/settings/audit.csv?from=2999-01-01").text) == []
    assert "Nothing matches" in words(admin.get("/settings/audit?through=2000-01-01&book=1"))
    assert lines(admin.get("/settings/audit.csv?q=1%2B1").text)[0]["detail"] == "reason: =1+1"


def test_older_rows_are_a_page_away_with_the_same_filter(admin: Browser, database: Database) -> None:
    with database.session() as session:
        for number in range(102):
            audit.record(session, "olive@x.test", "user.role", f"user:{number}@x.test", old="viewer", new="admin")
        session.commit()
    first = admin.get("/settings/audit?who=olive@x.test")
    older = admin.get(f"/settings/audit?who=olive@x.test&before={3 + 2}")
    assert "100 rows" in words(first)
    assert "who=olive%40x.test&amp;before=" in first.text
    assert "Newest" in words(older)


def test_only_admins_may_take_the_file(bookkeeper: Browser) -> None:
    assert bookkeeper.get("/settings/audit.csv", status=403).mimetype == "text/html"
