"""Nobody gets in who may not: every address names the role it asks for."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, Rule

from app.models.people import ROLES
from app.routes.guard import MARK, PUBLIC
from tests.routes.conftest import HOST, Browser, words

#: Everything that is answered without log-in. A new one is added here on purpose.
OPEN = {
    "assets.favicon", "assets.show",
    "login.ask_code", "login.ask_for_link", "login.ask_to_leave",
    "login.come_in", "login.take_code",
    "login.enter", "login.leave", "login.mail_link", "login.make_admin", "login.set_up",
    "login.show", "login.welcome",
    "pay.back", "pay.begin", "pay.cancelled", "pay.show",  # by the link's token
    "system.healthz", "system.metrics", "system.readyz",
    "webhooks.quickbooks_online", "webhooks.stripe",  # by its signature, and absent until there is a token
}  # fmt: skip


def test_every_address_names_its_role_or_is_listed_as_public(app: Flask) -> None:
    marks = {endpoint: getattr(view, MARK, None) for endpoint, view in app.view_functions.items()}
    assert {endpoint for endpoint, mark in marks.items() if mark == PUBLIC} == OPEN
    assert {endpoint for endpoint, mark in marks.items() if mark not in (*ROLES, PUBLIC)} == set()


def test_every_address_behind_a_role_sends_a_stranger_to_the_log_in(
    app: Flask, stranger: Browser, admin: Browser
) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in OPEN and "GET" in (rule.methods or ())]
    for rule in rules:
        path = rule.build(_any(rule))[1]  # type: ignore[index]  # it has all arguments
        answer = stranger.client.get(path, base_url=HOST)
        assert (answer.status_code, answer.headers["Location"][:6]) == (302, "/login"), path


def _any(rule: Rule) -> dict[str, object]:
    """Something that the address takes, in each of its places."""
    words = ("kind", "key", "side", "token", "name")
    return {
        name: max(converter.items) if isinstance(converter, AnyConverter) else "customers" if name in words else 1
        for name, converter in rule._converters.items()
    }


@pytest.mark.parametrize("path", ["/settings/users", "/settings/audit", "/settings/connections/connectwise"])
def test_a_bookkeeper_is_told_that_the_role_does_not_allow_it(bookkeeper: Browser, path: str) -> None:
    assert "Your role does not allow this" in words(bookkeeper.get(path, status=403))


def test_a_viewer_sees_but_cannot_select(viewer: Browser) -> None:
    viewer.get("/run/invoices")
    assert "Nothing was changed" in words(viewer.post("/run/invoices/select", {"select": "match"}, status=403))


def test_a_fragment_sends_the_whole_page_to_the_log_in(app: Flask, stranger: Browser, admin: Browser) -> None:
    answer = stranger.client.get(
        "/fragments/banners", base_url=HOST, headers={"HX-Request": "true", "HX-Current-URL": f"{HOST}/batches/7"}
    )
    assert answer.headers["HX-Redirect"] == "/login?next=/batches/7"


def test_after_the_log_in_it_goes_on_where_it_was_but_never_elsewhere(stranger: Browser, admin: Browser) -> None:
    stranger.get("/login")
    for wanted, reached in (
        ("/batches", "/batches"), ("//evil.example", "/"), ("https://evil.example/x", "/"), ("/\n//evil.example", "/"),
    ):  # fmt: skip
        answer = stranger.post(
            "/login",
            {"email": "admin@example.test", "password": "Ledger-Harbor-4417-tern", "next": wanted},
            status=303,
            follow=False,
        )
        assert answer.headers["Location"] == reached
        stranger.get("/logout")
        stranger.post("/logout")
        stranger.get("/login")
