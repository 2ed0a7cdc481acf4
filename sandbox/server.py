"""The vendors' stand-ins in one process, and the credentials that a program needs to reach them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.connectwise import server as connectwise
from sandbox.demo_psa.demo import demo_site
from sandbox.quickbooks_online import demo as demo_books
from sandbox.quickbooks_online import server as quickbooks_online
from sandbox.stripe import server as stripe

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site
    from sandbox.quickbooks_online.company import Company

# What a bookkeeper of the demo would link. Account 4600, security services, is left for the newcomer: it is 91.
ACCOUNT_LINKS = {
    "4000": "80",
    "4010": "82",
    "4100": "79",
    "4200": "83",
    "4300": "84",
    "4400": "85",
    "4500": "86",
    "2300": "87",
}
# The same for expenses and stock. Account 2110, the fuel card, is in no chart yet.
OTHER_ACCOUNT_LINKS = {
    "1300": "81",
    "2000": "33",
    "2100": "42",
    "2200": "89",
    "5000": "88",
    "5100": "97",
    "5900": "100",
    "6050": "8",
    "6200": "11",
    "6250": "12",
    "6300": "13",
    "6800": "18",
}
TAX_CODE_LINKS = {"21": "3", "22": "4", "23": "5"}


@dataclass(frozen=True)
class Both:
    """PSA and ledger, and beside them Stripe, where customers pay; up until `stop`."""

    connectwise: connectwise.Running
    quickbooks_online: quickbooks_online.Running
    stripe: stripe.Running

    @property
    def credentials(self) -> dict[str, Any]:
        """Addresses, keys and links, in the shape of the first line that `python -m sandbox` prints."""
        return {
            "connectwise": _connectwise_keys(self.connectwise),
            "quickbooks_online": self.quickbooks_online.settings(),
            "stripe": self.stripe.settings(),
            "account_links": dict(ACCOUNT_LINKS),
            "other_account_links": dict(OTHER_ACCOUNT_LINKS),
            "tax_code_links": dict(TAX_CODE_LINKS),
        }

    def stop(self) -> None:
        """Hang up on everybody and free the ports."""
        self.connectwise.stop()
        self.quickbooks_online.stop()
        self.stripe.stop()


def start_both(
    site: Site | None = None, company: Company | None = None, *others: Company, port: int = 0, qbo_port: int = 0
) -> Both:
    """Serve a site and a company, the demo's unless given, and perhaps other companies; port 0 takes any free one."""
    psa = connectwise.start(site or demo_site(), port)
    try:
        books = quickbooks_online.start(company or demo_books.demo_company(), *others, port=qbo_port)
    except (OSError, SystemExit):  # Werkzeug exits where a port is taken
        psa.stop()
        raise
    return Both(psa, books, stripe.start())


def _connectwise_keys(running: connectwise.Running) -> dict[str, str]:
    keys = running.site.credentials
    return {
        "url": running.url,
        "company_id": keys.company_id,
        "public_key": keys.public_key,
        "private_key": keys.private_key,
        "client_id": keys.client_id,
    }
