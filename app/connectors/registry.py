"""Finds connectors by kind: dotted paths, imported on first use (implements protocols.Connectors).

A new vendor adds one line here and a package beside the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import redis

from app.connectors.checkouts import Checkouts
from app.connectors.http import Http, NetRules
from app.connectors.ledger_events import ReadsNotices
from app.connectors.protocols import Contact, Destination, Source
from app.connectors.quickbooks_online.settings import App
from app.connectors.tokens import TokenStore
from app.domain.problems import NotFoundError
from app.settings import STRIPE_API

if TYPE_CHECKING:
    from app.connectors.quickbooks_online.consent import Consent

SOURCES = {"connectwise": "app.connectors.connectwise.opening:open_source"}
DESTINATIONS = {"quickbooks_online": "app.connectors.quickbooks_online.opening:open_destination"}
CONSENTS = {"quickbooks_online": "app.connectors.quickbooks_online.consent:open_consent"}
CHECKOUTS = {"stripe": "app.connectors.stripe.connector:Stripe"}
NOTICES = {"quickbooks_online": "app.connectors.quickbooks_online.webhooks:events"}
VENDORS = {"connectwise": "ConnectWise", "quickbooks_online": "QuickBooks", "stripe": "Stripe"}


class Registry:
    """Opens connectors over one Redis, one set of address rules and one pool of connections per vendor.

    ``intuit`` gives the app keys of now: they may be changed under Settings while we run. ``stripe`` is the address of
    its API.
    """

    def __init__(
        self,
        server: redis.Redis,
        rules: NetRules,
        intuit: Callable[[], App],
        *,
        speed: float = 1.0,
        stripe: str = STRIPE_API,
    ) -> None:
        self._server = server
        self._rules = rules
        self._intuit = intuit
        self._speed = speed
        self._stripe = stripe
        self._https: dict[str, Http] = {}

    def source(self, kind: str, settings: Mapping[str, Any], secrets: Mapping[str, str], contact: Contact) -> Source:
        opened = _find(SOURCES, kind)(
            settings, secrets, contact, server=self._server, http=self._http(kind), speed=self._speed
        )
        return cast("Source", opened)

    def destination(self, kind: str, settings: Mapping[str, Any], tokens: TokenStore, contact: Contact) -> Destination:
        opened = _find(DESTINATIONS, kind)(
            settings, tokens, contact, server=self._server, http=self._http(kind), app=self._intuit(), speed=self._speed
        )
        return cast("Destination", opened)

    def consent(self, kind: str) -> Consent:
        """OAuth for connecting a company: ``authorize_url``, ``exchange``, ``refresh``, ``revoke``."""
        return cast("Consent", _find(CONSENTS, kind)(http=self._http(kind), app=self._intuit()))

    def checkouts(self, key: str) -> Checkouts:
        return cast("Checkouts", _find(CHECKOUTS, "stripe")(self._http("stripe"), key, self._stripe))

    def notices(self, kind: str) -> ReadsNotices:
        """Checks and reads deliveries of the vendor's webhooks."""
        return cast("ReadsNotices", _find(NOTICES, kind))

    def _http(self, kind: str) -> Http:
        return self._https.setdefault(kind, Http(VENDORS[kind], self._rules))


def _find(paths: Mapping[str, str], kind: str) -> Callable[..., Any]:
    if kind not in paths:
        raise NotFoundError(f"There is no connector “{kind}”.", f"Known: {', '.join(sorted(paths))}.")
    module, _, name = paths[kind].partition(":")
    return cast("Callable[..., Any]", getattr(import_module(module), name))
