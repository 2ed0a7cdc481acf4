"""The page of a batch, live and at the end, and the fixes it offers."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import time
import zipfile
from dataclasses import replace
from decimal import Decimal
from html import unescape

import pytest
from sqlmodel import select

from app.database import Database
from app.domain.links import LinkKind
from app.domain.money import Money
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Call, Posting, PostingProblem
from app.services.batches import rows as batch_rows
from tests.builders import BOLT, a_document, a_line
from tests.routes.conftest import HOST, Browser, Vendors, field, words
from tests.routes.test_run import ALL, chosen, submission
from tests.routes.world import World


@pytest.fixture
def world(database: Database, vendors: Vendors) -> World:
    return World(database, vendors)


@pytest.fixture
def submitted(bookkeeper: Browser, world: World) -> Browser:
    """All five are submitted, and no worker has begun."""
    chosen(bookkeeper, *ALL)
    bookkeeper.post("/run/invoices/submit", submission(bookkeeper))
    return bookkeeper


@pytest.fixture
def ended(submitted: Browser, world: World) -> Browser:
    """A worker has done what can be done: one is held for its account."""
    world.work()
    return submitted


def seen_of(browser: Browser) -> str:
    found = re.search(r"live\?seen=([\w.]+)", browser.get("/batches/1").text)
    assert found
    return found[1]


def test_a_queued_batch_says_so_and_can_be_stopped(submitted: Browser) -> None:
    said = words(submitted.get("/batches/1"))
    assert "Queued" in said
    assert "5 documents, $361.00, to Demo MSP" in said
    assert "You may close this tab." in said
    assert "Stopped" in words(submitted.post("/batches/1/stop"))
    assert "Queued" in words(submitted.post("/batches/1/resume")) or "Running" in words(submitted.get("/batches/1"))


def test_the_live_page_answers_204_while_nothing_changes(submitted: Browser) -> None:
    seen = seen_of(submitted)
    time.sleep(1.1)  # the forms' tokens are new every second, and that is no change
    assert submitted.get(f"/batches/1/live?seen={seen}", hx=True, status=204).text == ""


def test_at_the_end_the_live_page_sends_what_changed_and_stops_asking(submitted: Browser, world: World) -> None:
    seen = seen_of(submitted)
    world.work()
    answer = submitted.get(f"/batches/1/live?seen={seen}", hx=True, status=286)
    assert answer.headers["HX-Trigger"] == "rows-changed"
    for part in ("head", "sections", "foot", "problems"):
        assert f'id="{part}" hx-swap-oob="true"' in answer.text or f'id="{part}"' in answer.text
    assert "hx-trigger" not in answer.text.partition('id="head"')[0]
    assert 'id="drawer"' not in answer.text


def test_the_foot_adds_up_down_and_across(ended: Browser) -> None:
    said = words(ended.get("/batches/1"))
    assert "Completed with errors" in said
    assert "Total 361.00 5 adds up 311.00 4 50.00 1 311.00 4 agree 311.00 4 agree" in said


def test_every_document_stands_with_its_state_and_its_place_in_both_systems(ended: Browser) -> None:
    page = ended.get("/batches/1")
    assert "https://psa.example/invoices/39005" in page.text
    assert "CF-I-39005-g1" in page.text
    assert "Credit memo 10485" in words(page)
    assert "<script>alert" not in page.text


def test_rows_can_be_filtered_and_sorted_alone(ended: Browser) -> None:
    held = words(ended.get("/batches/1/rows?state=held", hx=True))
    assert "Bolt & Nut Co" in held
    assert "Acme Dental" not in held
    numbers = re.findall(r"\b104\d\d\b", words(ended.get("/batches/1/rows?sort=-number", hx=True)))
    assert numbers == sorted(numbers, reverse=True)


def test_one_row_is_retried_alone_and_the_table_stays_as_it_was_shown(ended: Browser, world: World) -> None:
    page = ended.get("/batches/1?state=held").text
    [action], [held] = (
        re.findall(pattern, page)
        for pattern in (r'<form id="again"[^>]* action="([^"]+)"', r'data-retry name="posting" value="(\d+)"')
    )
    action = action.replace("&amp;", "&")
    world.source.add(a_document("39007", party=BOLT, lines=(a_line("50.00"),), tax="0.00"))  # mended in the PSA
    other = next(posting.id for posting in postings(world) if posting.state == "closed")
    assert "0 documents go again." in words(ended.post(action, {"posting": other}))
    answer = ended.post(action, {"posting": held})
    assert "1 document goes again." in words(answer)
    assert answer.request.query_string == b"state=held&sort=number"
    world.work()
    assert {posting.state for posting in postings(world)} == {"closed"}
    assert "data-retry" not in ended.get("/batches/1").text


def test_the_tab_says_how_far_the_batch_is(ended: Browser, database: Database) -> None:
    assert re.search(r"<title>✓ [\w-]+ ·", ended.get("/batches/1/live?seen=0", hx=True, status=286).text)
    with database.session() as session:
        session.get_one(Batch, 1).ended_at = None
        session.get_one(Posting, 1).state = "ready"
        session.commit()
    assert re.search(r"<title>\(3 of 4\) [\w-]+ ·", ended.get("/batches/1/live?seen=0", hx=True).text)


def test_a_view_and_an_order_stay_while_the_table_is_sorted_paged_and_looked_at_anew(
    ended: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_rows, "PAGE", 2)
    page = ended.get("/batches/1/rows?state=closed&sort=-number", hx=True).text
    asked = {unescape(found) for found in re.findall(r'hx-get="/batches/1/rows([^"]*)"', page)}
    anew, following = "?state=closed&sort=-number", [one for one in asked if "after=" in one]
    assert {anew, "?state=closed&sort=party", "?state=closed&sort=number"} <= asked
    assert [one.startswith(anew) for one in following] == [True]
    assert "10482" in words(ended.get(f"/batches/1/rows{following[0]}", hx=True))


def test_the_drawer_offers_the_account_and_names_what_the_fix_solves(ended: Browser, world: World) -> None:
    key = "account_not_linked:accounts:4600"
    drawer = ended.get(f"/batches/1/problems/{key}")
    assert "4600 Security services Suggested: number 4600 matches" in words(drawer)
    assert "Link and retry 1 document, $50.00" in words(drawer)
    said = words(ended.post(f"/batches/1/problems/{key}", {"how": "link", "ledger_id": "91"}))
    assert "1 document goes again." in said
    world.work()
    assert "Completed successfully" in words(ended.get("/batches/1"))
    assert "was never there" in words(ended.get(f"/batches/1/problems/{key}", status=404))


def test_what_was_linked_elsewhere_goes_again_from_the_drawer_as_a_group(ended: Browser, world: World) -> None:
    ended.get("/mappings/1/accounts/link?source_id=4600")
    ended.post("/mappings/1/accounts", {"source_id": "4600", "ledger_id": "91"})
    key = "/batches/1/problems/account_not_linked:accounts:4600"
    assert "Retry only" in words(ended.get(key))
    assert "1 document goes again." in words(ended.post(key, {"how": "retry"}))
    world.work()
    assert {posting.state for posting in postings(world)} == {"closed"}


def test_an_unknown_account_is_refused_in_the_drawer(ended: Browser) -> None:
    answer = ended.post(
        "/batches/1/problems/account_not_linked:accounts:4600", {"how": "link", "ledger_id": "404"}, status=422
    )
    assert "QuickBooks has no account with the id “404”" in words(answer)


def test_the_drawer_searches_the_list_of_the_books(ended: Browser) -> None:
    found = words(ended.get("/batches/1/problems/account_not_linked:accounts:4600?q=hard", hx=True))
    assert "Hardware sales" in found
    assert "Security services" not in found


def test_the_drawer_of_hundreds_shows_the_first_and_counts_and_sums_all(ended: Browser, database: Database) -> None:
    key = "account_not_linked:accounts:4600"
    with database.session() as session:
        posting = session.exec(select(Posting).where(Posting.state == "held")).one()
        row = session.exec(select(PostingProblem).where(PostingProblem.posting_id == posting.id)).one()
        for number in range(250):
            own = {"id": 1000 + number, "number": f"X{number:03}"}
            session.add(Posting(**{**posting.model_dump(), **own}))
            session.add(PostingProblem(**{**row.model_dump(exclude={"id"}), "posting_id": own["id"]}))
        session.commit()
    drawer = ended.get(f"/batches/1/problems/{key}")
    assert "Link and retry 251 documents, $12,550.00" in words(drawer)
    assert "and 51 more" in words(drawer)
    assert drawer.text.count('<th scope="row" class="cut"') == 200
    assert "Skip 251 documents" in words(drawer)


def test_skipping_takes_the_document_out_and_says_so(ended: Browser) -> None:
    ended.get("/batches/1")
    form = {"key": "account_not_linked:accounts:4600", "record": "39007", "choice": "skip"}
    assert "1 document is skipped." in words(ended.post("/batches/1/decide", form))
    form["choice"] = "shred"
    assert "is not a decision" in words(ended.post("/batches/1/decide", {**form, "key": ""}, status=422))


def test_a_difference_can_be_kept_and_closed(bookkeeper: Browser, world: World) -> None:
    world.company.tax_off_by = Decimal("0.01")
    chosen(bookkeeper, "39005")
    bookkeeper.post("/run/invoices/submit", submission(bookkeeper))
    world.work()
    page = bookkeeper.get("/batches/1")
    link = re.search(r'href="(/batches/1/problems/[^"]+)"', page.text)
    assert link
    drawer = bookkeeper.get(link[1])
    assert "Keep and close 1 document, $214.00" in words(drawer)
    form = {"key": field(drawer, "key"), "all": field(drawer, "all"), "choice": "keep"}
    stale = words(bookkeeper.post("/batches/1/decide", {**form, "all": "0" * 16}, status=422))
    assert "other documents by now, so nothing was done" in stale
    assert "kept and closed" in words(bookkeeper.post("/batches/1/decide", form))
    world.work()
    assert "1 agree" in words(bookkeeper.get("/batches/1"))


def test_the_list_of_errors_holds_no_formula(ended: Browser, world: World) -> None:
    answer = ended.get("/batches/1/errors.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["number"], row["code"], row["total"]) for row in rows if row["severity"] == "error"] == [
        ("10484", "account_not_linked", "50.00")
    ]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]
    assert "attachment" in answer.headers["Content-Disposition"]


def test_all_that_is_known_of_a_company_goes_into_one_archive_without_secrets(ended: Browser, admin: Browser) -> None:
    assert "/settings/books/1/archive" in admin.get("/settings/books/1").text
    with admin.client.get("/settings/books/1/archive", base_url=HOST) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.data))
    files = {name: archive.read(name).decode() for name in archive.namelist()}
    rows = list(csv.DictReader(io.StringIO(files["documents.csv"])))
    assert [
        (row["number"], row["records"], row["state"], row["problems"]) for row in rows if row["state"] == "held"
    ] == [("10484", "39007", "held", "account_not_linked")]
    whole = [json.loads(line) for line in files["documents.jsonl"].splitlines()]
    assert len(rows) == len(whole) == len(ALL)
    assert {one["document"]["currency"] for one in whole if one["document"]} == {"USD"}
    assert "4100,4100,79" in files["links/accounts.csv"]
    assert "batch.post" in files["audit.csv"]
    assert "company.zone" in files["settings.toml"]
    for secret in ("access-first", "refresh-first", "private", "shh-secret"):
        assert not [name for name, text in files.items() if secret in text]
    ended.get("/settings/books/1/archive", status=403)
    assert "took all that is known of a company" in words(admin.get("/settings/audit?action=book.archive"))


def test_the_log_holds_no_secret(ended: Browser) -> None:
    text = ended.get("/batches/1/log").text
    assert "Batch 1" in text
    for secret in ("access-first", "refresh-first", "private", "shh-secret"):
        assert secret not in text


def test_the_history_lists_batches_with_status_and_money(ended: Browser) -> None:
    said = words(ended.get("/batches"))
    assert "Completed with errors Demo MSP Bookkeeper Person" in said
    assert "5 $361.00" in said
    yes = ("standing=person&kind=invoices&book=1", "q=bookkeeper")
    no = ("standing=fine", "standing=moving", "kind=payments", "q=%25", "before=1")
    for query in (*yes, *no):
        said = words(ended.get(f"/batches?{query}"))
        assert ("5 $361.00" in said, "No batch matches" in said) == (query in yes, query in no)


def test_what_wants_a_person_stands_on_the_dashboard(ended: Browser) -> None:
    said = words(ended.get("/"))
    assert "Needs attention All of it GL account 4600 is not linked to QuickBooks" in said
    assert "Stuck" in said


def test_links_made_by_the_batch_are_listed_under_mappings(ended: Browser) -> None:
    said = words(ended.get("/mappings/1/customers"))
    assert "Bolt & Nut Co 78 – Bolt & Nut Co · 2 same name Link" in said
    assert "created by Crossfoot" in said
    assert "4600" in words(ended.get("/mappings/1/accounts?view=unlinked"))


def test_a_link_can_be_changed_from_the_plain_list(ended: Browser) -> None:
    assert "Security services" in words(ended.get("/mappings/1/accounts/link?source_id=4600"))
    said = words(ended.post("/mappings/1/accounts", {"source_id": "4600", "ledger_id": "91"}))
    assert "Linked; it counts for every document from now on." in said
    assert "by a person" in said


def test_lists_and_kinds_that_do_not_exist_are_not_found(ended: Browser) -> None:
    ended.get("/mappings/1/unicorns", status=404)
    ended.get("/mappings/7/customers", status=404)
    assert {"customers", "items"} <= {str(kind) for kind in LinkKind}


def test_a_doubt_says_what_it_waits_for_and_when_it_is_looked_up_next(
    bookkeeper: Browser, world: World, database: Database
) -> None:
    chosen(bookkeeper, "39006")
    bookkeeper.post("/run/invoices/submit", submission(bookkeeper))
    world.work()
    with database.session() as session:
        posting, call = session.get_one(Posting, 1), session.get_one(Call, 1)
        posting.state, posting.ledger_id, call.state = "in_doubt", "", "in_doubt"
        call.due_at, call.ended_by = utcnow() + dt.timedelta(seconds=30), utcnow() + dt.timedelta(seconds=120)
        session.get_one(Batch, 1).ended_at = None
        session.commit()
    assert re.search(r"looked up by itself, next at \d\d:\d\d:\d\d", words(bookkeeper.get("/batches/1")))
    said = words(bookkeeper.get("/records/1/invoices/39006"))
    assert "QuickBooks has not said what became of it. It is looked up in QuickBooks by itself; next at" in said
    assert "nothing is sent again before QuickBooks says twice that it is not there" in said


def test_the_whole_batch_is_undone_after_a_page_says_what_goes_and_what_stays(ended: Browser, world: World) -> None:
    first = next(iter(world.company.documents.values()))
    world.company.documents[first.ledger_id] = replace(first, open=Money(Decimal(0), "USD"))
    said = words(ended.get("/batches/1/undo"))
    assert "Left as they are" in said
    assert "of it is paid in QuickBooks" in said
    assert "Undo 3 documents" in said
    seen = field(ended.get("/batches/1/undo"), "seen")
    assert "nothing was done" in words(ended.post("/batches/1/undo", {"seen": "of before a retry"}))
    assert "are being undone" in words(ended.post("/batches/1/undo", {"seen": seen}))
    world.work()
    states = [posting.state for posting in postings(world)]
    assert sorted(states) == ["closed", "held", "undone", "undone", "undone"]
    foot = words(ended.get("/batches/1")).partition("Does it add up?")[2].partition("In QuickBooks")[0]
    assert "Undone" in foot
    assert "Skipped" not in foot


def test_an_undo_can_be_asked_for_while_quickbooks_is_away(ended: Browser, world: World) -> None:
    world.company.down = "QuickBooks can’t be reached."
    assert "It can’t be said yet what would be refused" in words(ended.get("/batches/1/undo"))


def postings(world: World) -> list[Posting]:
    with world.database.reading() as session:
        return list(session.exec(select(Posting)))


def test_a_viewer_is_not_asked_to_undo(viewer: Browser, ended: Browser) -> None:
    assert "/batches/1/undo" not in viewer.get("/batches/1").text
    viewer.get("/batches/1/undo", status=403)


def test_a_rerun_shows_what_is_missing_before_it_posts_just_that(ended: Browser, world: World) -> None:
    gone = next(iter(world.company.documents.values()))
    del world.company.documents[gone.ledger_id]
    said = words(ended.get("/batches/1/rerun"))
    assert "3 documents" in said
    assert "still in QuickBooks" in said
    assert "Post 1 document" in said
    assert "1 document goes again" in words(ended.post("/batches/1/rerun"))
    world.work()
    assert [r.number for r in world.company.documents.values()].count(gone.number) == 1
    assert sorted(p.state for p in postings(world)) == ["closed"] * 4 + ["held"]
    assert "Nothing is missing" in words(ended.get("/batches/1/rerun"))


def test_creating_one_customer_in_its_drawer_lets_no_other_be_created_by_a_retry(
    bookkeeper: Browser, world: World
) -> None:
    chosen(bookkeeper, *ALL)
    bookkeeper.post("/run/invoices/submit", {**submission(bookkeeper), "accept": "no"})
    world.work()
    for key in ("item_not_linked:items:account:4100", "customer_not_linked:customers:77"):
        bookkeeper.post(f"/batches/1/problems/{key}", {"how": "create"})
        world.work()
    bookkeeper.post("/batches/1/retry")
    world.work()
    assert {entry.name for entry in world.company.created.values()} == {"Acme Dental", "Service-4100"}
    assert "is not linked to QuickBooks" in words(
        bookkeeper.get("/batches/1/problems/customer_not_linked:customers:79")
    )
