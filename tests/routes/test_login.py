"""Coming in and going out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from app.database import Database
from app.services.people import users
from tests.routes.conftest import HOST, PASSWORD, Browser, words


def test_a_fresh_installation_leads_to_the_set_up(stranger: Browser) -> None:
    assert "The first admin" in words(stranger.get("/login"))


def test_the_one_time_code_makes_the_first_admin_once(stranger: Browser, database: Database) -> None:
    with database.session() as session:
        code = users.setup_code(session)
    stranger.get("/setup")
    form = {"code": code, "email": "Owner@Shop.local", "password": PASSWORD, "again": PASSWORD, "name": "Olive Owner"}
    assert "Olive Owner · admin" in words(stranger.post("/setup", form))
    assert "Dashboard" in words(stranger.get("/setup"))
    with database.session() as session:
        assert users.setup_code(session) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "0000-0000-0000-0000"}, "The code is not right."),
        ({"password": "short", "again": "short"}, "at least 12 characters"),
        ({"password": "password1234", "again": "password1234"}, "one of the commonest"),
        ({"again": "another-password-12"}, "The two passwords are not the same."),
        ({"email": "nobody"}, "is not an e-mail address"),
    ],
)
def test_the_set_up_says_what_it_cannot_take_and_keeps_the_code(
    stranger: Browser, database: Database, changes: dict[str, str], said: str
) -> None:
    with database.session() as session:
        code = users.setup_code(session)
    stranger.get("/setup")
    form = {"code": code, "email": "owner@shop.test", "password": PASSWORD, "again": PASSWORD}
    assert said in words(stranger.post("/setup", {**form, **changes}, status=422))
    with database.session() as session:
        assert users.setup_code(session) == code


def test_a_wrong_password_says_how_many_tries_are_left_and_then_pauses(stranger: Browser, admin: Browser) -> None:
    said = [words(stranger.log_in("admin@example.test", "wrong", status=422)) for _ in range(5)]
    assert "don’t match. 4 tries left" in said[0]
    assert "1 try left" in said[3]
    stranger.get("/login")
    answer = stranger.post("/login", {"email": "admin@example.test", "password": PASSWORD}, status=429)
    assert "Too many tries" in words(answer)
    assert answer.headers["Retry-After"] == "300"


def test_right_passwords_are_never_throttled(stranger: Browser, admin: Browser) -> None:
    for _ in range(7):
        assert "Admin Person" in words(stranger.log_in("ADMIN@example.test"))
        stranger.get("/me")
        stranger.post("/logout")


def test_a_link_alone_logs_nobody_out(admin: Browser) -> None:
    assert "Batches go on without you" in words(admin.get("/logout"))
    assert "Dashboard" in words(admin.get("/"))


def test_a_new_password_ends_every_other_session(app: Flask, admin: Browser) -> None:
    other = Browser(app.test_client())
    other.log_in("admin@example.test")
    admin.get("/me")
    form = {"old": PASSWORD, "password": "another good pass phrase", "again": "another good pass phrase"}
    assert "other browsers are logged out" in words(admin.post("/me/password", form))
    assert "Log in" in words(other.get("/batches"))


def test_a_one_time_link_lets_a_new_user_in_once(app: Flask, admin: Browser) -> None:
    admin.get("/settings/users")
    page = admin.post("/settings/users", {"email": "bea@shop.test", "role": "bookkeeper"})
    link = re.search(r"/welcome/[\w-]+", page.text)
    assert link
    guest = Browser(app.test_client())
    assert "bea@shop.test, bookkeeper" in words(guest.get(link[0]))
    form = {"password": "harbour crane tern", "again": "harbour crane tern", "name": "Bea"}
    assert "Bea · bookkeeper" in words(guest.post(link[0], form))
    assert "used or has expired" in words(Browser(app.test_client()).get(link[0], status=404))


def test_the_last_admin_stays(admin: Browser) -> None:
    page = admin.get("/settings/users")
    ident = re.search(r"/settings/users/(\d+)\"", page.text)
    assert ident
    answer = admin.post(f"/settings/users/{ident[1]}/role", {"role": "viewer"}, status=422)
    assert "is the only admin" in words(answer)


def test_a_disabled_user_is_out_at_once(admin: Browser, bookkeeper: Browser) -> None:
    page = admin.get("/settings/users")
    ident = re.search(r"/settings/users/(\d+)\">bookkeeper@", page.text)
    assert ident
    admin.post(f"/settings/users/{ident[1]}/disable")
    assert "Log in" in words(bookkeeper.get("/batches"))


def test_a_form_without_the_session_s_token_changes_nothing_and_says_so(admin: Browser) -> None:
    answer = admin.client.post("/me", base_url=HOST, data={"name": "Mallory", "csrf_token": "old"})
    assert answer.status_code == 400
    assert "This page is older than your session; nothing was changed." in words(answer)
    assert "Mallory" not in words(admin.get("/me"))


def test_a_stale_fragment_says_the_same_in_its_place(admin: Browser) -> None:
    answer = admin.client.post("/run/invoices/tick", base_url=HOST, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (400, "#notices")
    assert "nothing was changed" in words(answer)


def test_the_theme_of_the_user_is_pinned(admin: Browser) -> None:
    admin.get("/me")
    form: dict[str, Any] = {"name": "Ann Beam", "theme": "dark"}
    assert 'data-bs-theme="dark"' in admin.post("/me", form).text
    assert re.search("changed a name – .* became → Ann Beam", words(admin.get("/settings/audit")))
    assert "Choose light, dark" in words(admin.post("/me", {"theme": "<b>"}, status=422))
