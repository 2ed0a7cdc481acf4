"""The demo MSP is as described: enough of everything, and the same every time."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

from sandbox.connectwise.site import Site
from sandbox.demo_psa.demo import demo_site, empty_site
from sandbox.demo_psa.generate import generate
from sandbox.demo_psa.generate_costs import generate_expenses, generate_purchases

TODAY = date(2026, 11, 25)


def totals(site: Site) -> dict[str, Decimal]:
    return {each.number: each.total for each in site.unposted()}


def test_the_same_day_makes_the_same_site() -> None:
    assert totals(demo_site(TODAY)) == totals(demo_site(TODAY))


def test_every_type_and_every_location_has_unposted_invoices() -> None:
    unposted = demo_site(TODAY).unposted()
    assert len(unposted) >= 64
    assert {each.location_id for each in unposted} == {2, 3, 4}
    assert {each.type for each in unposted} == {
        "Standard",
        "Agreement",
        "Progress",
        "Miscellaneous",
        "DownPayment",
        "CreditMemo",
    }


def test_the_odd_ones_are_there() -> None:
    unposted = demo_site(TODAY).unposted()
    assert any(each.type == "Standard" and each.total < 0 for each in unposted)
    assert any(each.total == 0 for each in unposted)
    assert any(not each.mapped for each in unposted)
    assert any(each.date > TODAY for each in unposted)
    assert any((TODAY - each.date).days > 400 for each in unposted)
    assert any(not each.company.account_number for each in unposted)
    assert any(each.term.name == "Net 21" for each in unposted)
    assert any(len(line.text) > 6000 for each in unposted for line in each.lines)


def test_the_invoice_that_is_in_quickbooks_already() -> None:
    (found,) = [each for each in demo_site(TODAY).unposted() if each.number == "10404"]
    assert (found.company.name, str(found.total), str(found.tax)) == ("Whitaker Family Trust", "437.30", "17.30")


def test_only_accounts_that_the_books_can_link_are_used() -> None:
    accounts = {line.account for each in demo_site(TODAY).unposted() for line in each.lines}
    assert accounts == {"4000", "4010", "4100", "4200", "4300", "4400", "4500", "4600", "2300"}


def test_terms_from_the_end_of_the_month_run_from_its_last_day() -> None:
    found = next(each for each in demo_site(TODAY).unposted() if each.term.name == "Net 10 EOM")
    assert found.due_date.day == 10
    assert found.due_date.month != found.date.month


def test_five_thousand_invoices_are_made_in_seconds() -> None:
    site = empty_site(TODAY)
    start = time.monotonic()
    made = generate(site, invoices=5000, customers=300, lines=4)
    assert time.monotonic() - start < 10
    assert len(site.unposted()) == len({each.number for each in made}) == 5000
    assert len({each.company.name for each in made}) == 300


def test_a_thousand_expenses_and_purchases_are_made_in_seconds() -> None:
    site = demo_site(TODAY)
    start, expenses, goods = time.monotonic(), len(site.unposted_expenses()), len(site.unposted_goods())
    generate_expenses(site, 1000)
    generate_purchases(site, 1000)
    assert time.monotonic() - start < 10
    assert (len(site.unposted_expenses()), len(site.unposted_goods())) == (expenses + 1000, goods + 1000)


def test_expenses_and_stock_of_the_demo_are_as_described() -> None:
    site = demo_site(TODAY)
    assert {each.id for each in site.unposted_expenses()} == set(range(9001, 9017)) - {9015}
    assert {each.classification for each in site.unposted_expenses()} == {"Reimbursable", "NonReimbursable", "Personal"}
    assert len(site.unposted_goods()) == 12
    assert all(each.number < "1100" for each in site.orders.values())


def test_an_empty_site_has_its_tables_and_nothing_to_bill() -> None:
    site = empty_site(TODAY)
    assert site.unposted() == []
    assert len(site.tax_codes) == 3
