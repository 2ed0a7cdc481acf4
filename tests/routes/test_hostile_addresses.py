"""Every address of the app, whatever is put into its path, its query and its form: never a failure of ours."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, Rule

from app.database import Database
from tests.routes.conftest import HOST, Browser, Vendors
from tests.routes.test_unknown_values import _deeds
from tests.routes.world import World

NONSENSE = ("99999999999999999999", "\x00💥²", "9999-12-31")
FIELDS = (
    "q", "view", "sort", "after", "before", "state", "book", "location", "through", "summary", "name", "record",
    "shown", "posting", "choice", "ledger_id", "source_id", "key", "back", "next", "reason", "email", "role",
    "code", "token", "seen", "action", "policy", "how", "select", "kind", "source", "site", "realmId", "error",
    "zone",
)  # fmt: skip
#: Ends the session that the walk needs, or goes to a vendor's own page.
LEFT_OUT = ("static", "login.leave", "login.enter", "system.")


def addresses(app: Flask, method: str, value: str) -> list[str]:
    """Every address that takes the method, with the value in each of its places (where it fits)."""
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]
    wanted = [rule for rule in rules if not rule.endpoint.startswith(LEFT_OUT)]
    return sorted({path for rule in wanted if (path := _built(rule, value))})


def _built(rule: Rule, value: str) -> str:
    filled: dict[str, Any] = dict.fromkeys(rule.arguments, value)
    for name, converter in rule._converters.items():
        if type(converter).__name__ == "IntegerConverter":
            filled[name] = int(value) if value.isascii() and value.isdigit() else 1
        if isinstance(converter, AnyConverter):
            filled[name] = max(converter.items)  # “invoices” where it is a kind: the world has some
    built = rule.build(filled)
    return built[1] if built else ""


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_address_fails_and_nothing_is_posted_whatever_it_is_given(
    method: str, app: Flask, admin: Browser, database: Database, vendors: Vendors
) -> None:
    World(database, vendors)
    admin.get("/run/invoices")
    before = _deeds(database)
    failed = []
    for value in NONSENSE:
        for path in addresses(app, method, value):
            status = _status(admin, method, path, value)
            if status >= 500 and status != 502:
                failed.append(f"{status} {path:.80}")
    assert not failed
    assert _deeds(database) == before


def _status(admin: Browser, method: str, path: str, value: str) -> int:
    given: dict[str, Any] = dict.fromkeys(FIELDS, value)
    form = {**given, "csrf_token": admin._token}
    where: dict[str, Any] = {"query_string": given} if method == "GET" else {"data": form}
    return admin.client.open(path, method=method, base_url=HOST, **where).status_code
