"""Customers that are created, under their parent or another name that a person gave; and entries that are gone."""

from __future__ import annotations

from typing import Any

import requests

from app.domain.links import LinkKind
from app.models.connections import Book, Link
from app.services.batches import renaming
from app.services.connections.connections import open_destination
from app.services.mapping import links, lists
from sandbox.quickbooks_online.chart import place
from tests import engine
from tests.engine import Engine
from tests.services.test_cogs import refuse, retry, sell, settle

CUSTOMERS = LinkKind.CUSTOMERS


def told(batch: dict[str, Any]) -> list[str]:
    return [" ".join([p["state"], *(q["code"] for q in p["problems"])]) for p in batch["postings"]]


def customer(working: Engine, path: str) -> dict[str, Any]:
    [found] = [row for row in working.company.visible("Customer") if row["FullyQualifiedName"] == path]
    return found


def sell_to(working: Engine, name: str) -> str:
    return sell(working, company={"name": name})


def test_a_sub_customer_goes_under_the_parent_that_its_name_or_the_psas_link_says(working: Engine) -> None:
    settle(working, contacts__sub_customers="yes")
    held = working.post(sell_to(working, "Tidewater: Pier 9"))
    assert told(held) == ["held parent_not_found"]
    place(working.company, "Customer", {"DisplayName": "Tidewater"})
    assert told(retry(working, held)) == ["closed"]
    pier = customer(working, "Tidewater:Pier 9")
    assert (pier["DisplayName"], pier["Job"]) == ("Pier 9", True)
    # One level deeper, and a parent that is created in the same batch, after its child was sold to.
    both = working.post(
        sell_to(working, "Tidewater:Pier 9:Berth 2"),
        sell_to(working, "Quay:North"),
        sell_to(working, "Quay"),
        sell_to(working, "Quay:South"),
    )
    assert told(both) == ["closed"] * 4
    assert customer(working, "Tidewater:Pier 9:Berth 2")["ParentRef"]["value"] == pier["Id"]
    for leaf in ("North", "South"):
        assert customer(working, f"Quay:{leaf}")["ParentRef"]["value"] == customer(working, "Quay")["Id"]
    # The parent has another name in QuickBooks, where the PSA's is linked to it.
    other = place(working.company, "Customer", {"DisplayName": "Harborside Holding"})
    lists.refresh(working.database, open_destination(working.database, working.connectors, working.book_id),
                  working.book_id, max_age=lists.FRESH * 0)  # fmt: skip
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        session.add(Link(book_id=working.book_id, kind=CUSTOMERS, source_id="9001", source_name="Harborside"))
        session.commit()
        links.set_link(session, book, CUSTOMERS, "9001", other["Id"], by=engine.BY)
    assert told(working.post(sell_to(working, "Harborside:Annex"))) == ["closed"]
    assert customer(working, "Harborside Holding:Annex")["ParentRef"]["value"] == other["Id"]
    working.assert_exactly_once()


def test_a_name_that_a_person_gives_is_taken_and_a_retry_names_what_quickbooks_calls_gone(working: Engine) -> None:
    refuse(working, "Customer", times=1)
    held = working.post(sell_to(working, "Tidewater Marine"))
    assert told(held)[0].startswith("held")
    source_id = str(max(working.site.companies))
    with working.database.session() as session:
        book = session.get_one(Book, working.book_id)
        renaming.rename(session, book, CUSTOMERS, source_id, "Tidewater (Marine)", by=engine.BY)
        session.commit()
    assert told(retry(working, held)) == ["closed"]
    made = customer(working, "Tidewater (Marine)")
    with working.database.reading() as session:
        assert links.Index.load(session, working.book_id).linked(CUSTOMERS, source_id) == made["Id"]
    # Sold to again, of what is inactive by now: the lists are less than a minute old.
    edit = {"entity": "Item", "id": item_id(working, "DOCK-TB4"), "operation": "inactivate"}
    batch = working.submit(sell(working, company="Tidewater Marine"))
    assert requests.post(f"{working.both.quickbooks_online.url}/_edit", json=edit, timeout=10).ok
    refused = working.run(batch)
    assert told(refused) == ["refused reference_gone"]
    assert told(retry(working, refused)) == ["held item_inactive"]
    assert not [row for row in working.company.visible("Customer") if row["DisplayName"] == "Tidewater Marine"]


def item_id(working: Engine, name: str) -> str:
    return str(next(row["Id"] for row in working.company.visible("Item") if row["Name"] == name))
