"""Harbor Point IT, a believable MSP with a day's work of unposted invoices, most of them ordinary and some not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sandbox.connectwise.site import Site
from sandbox.demo_psa.customers import fill_customers
from sandbox.demo_psa.generate import close_more
from sandbox.demo_psa.invoicing import bill, labor
from sandbox.demo_psa.ordinary import ORDINARY
from sandbox.demo_psa.special import SPECIAL
from sandbox.demo_psa.spending import fill_expenses
from sandbox.demo_psa.stock import fill_stock
from sandbox.demo_psa.tables import fill_tables
from sandbox.demo_psa.unusual import FIRST, UNUSUAL

if TYPE_CHECKING:
    from sandbox.connectwise.model import Invoice


def demo_site(today: date | None = None) -> Site:
    """The site with its tables, customers and unposted documents; dates run back from `today`."""
    site = empty_site(today)
    fill_customers(site)
    by_name = {each.name: each for each in site.companies.values()}
    for name, kind, days, lines, more in (*FIRST, *UNUSUAL, *ORDINARY):
        bill(site, by_name[name], kind=kind, day=site.today - timedelta(days=days), lines=lines, **more)
    _same_customer(site)
    fill_expenses(site)
    fill_stock(site)
    site.drafts = SPECIAL
    site.close_more = lambda count: close_more(site, count)
    return site


def empty_site(today: date | None = None) -> Site:
    """The site with its set-up tables and nothing to bill."""
    site = Site(today=today)
    fill_tables(site)
    site.close_more = lambda count: close_more(site, count)
    return site


def _same_customer(site: Site) -> list[Invoice]:
    """Five invoices of one customer on consecutive days."""
    acme = next(each for each in site.companies.values() if each.name == "Acme Dental")
    days = [site.today - timedelta(days=2 + index) for index in range(5)]
    hours = ["1", "1.25", "1.5", "1.75", "2"]
    return [
        bill(site, acme, kind="Standard", day=day, lines=[labor(48400 + index, hours[index])])
        for index, day in enumerate(days)
    ]
