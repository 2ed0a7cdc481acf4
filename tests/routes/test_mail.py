"""Settings ▸ E-mail: the server, a test that shows its own words, and what became of every mail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import select

from app.database import Database
from app.models.mail import Mail
from tests.mail_server import Post, mail_server
from tests.routes.conftest import Browser, words


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as post:
        yield post


def form(post: Post, **changes: str) -> dict[str, str]:
    return {"host": "localhost", "port": str(post.port), "security": "none", "sender": "books@shop.test", **changes}


def test_the_test_button_sends_to_whoever_asks_and_shows_the_server_s_own_words(admin: Browser, post: Post) -> None:
    admin.get("/settings/mail")
    page = words(admin.post("/settings/mail", {**form(post), "test": "1"}))
    assert "The server took the test mail to admin@example.test" in page
    assert "250 2.0.0 Ok: queued as 4711" in page
    assert post.letters[0]["To"] == "admin@example.test"
    assert "http://books.test:8000" in post.texts[0]


def test_what_the_server_refuses_is_said_in_its_words_and_the_settings_stay(admin: Browser, post: Post) -> None:
    post.to_recipient = "550 5.7.1 Relaying <b>denied</b>"
    admin.get("/settings/mail")
    answer = admin.post("/settings/mail", {**form(post), "test": "1"})
    assert "550 5.7.1 Relaying <b>denied</b>" in words(answer)
    assert "<b>denied" not in answer.text
    assert f'value="{post.port}"' in admin.get("/settings/mail").text


def test_a_password_is_never_shown_again(admin: Browser, post: Post) -> None:
    admin.get("/settings/mail")
    saved = admin.post("/settings/mail", form(post, user="crossfoot", password="relay-secret-1"))
    typed = form(post, user="crossfoot", password="relay-secret-1", port="x")
    refused = admin.post("/settings/mail", typed, status=422)
    log = admin.get("/settings/audit")
    assert not [page for page in (saved, refused, log) if "relay-secret-1" in page.text]
    assert "is not a port" in words(refused)


def test_a_mail_in_doubt_waits_for_a_person_on_the_page(admin: Browser, post: Post, database: Database) -> None:
    post.hang_up = True
    admin.get("/settings/mail")
    page = words(admin.post("/settings/mail", {**form(post), "test": "1"}))
    assert "Nobody knows whether the test mail went out" in page
    with database.reading() as session:
        mail = session.exec(select(Mail)).one()
    admin.get("/settings/mail")
    assert "Settled." in words(admin.post(f"/settings/mail/{mail.id}/arrived"))
    assert "not in doubt" in words(admin.post(f"/settings/mail/{mail.id}/arrived", status=422))


def test_only_admins_see_and_change_it(bookkeeper: Browser, post: Post) -> None:
    bookkeeper.get("/settings/mail", status=403)
    assert bookkeeper.post("/settings/mail", form(post), status=403).status_code == 403


def test_mail_can_be_turned_off_again(admin: Browser, post: Post) -> None:
    admin.get("/settings/mail")
    admin.post("/settings/mail", form(post))
    assert "No mail is sent any more" in words(admin.post("/settings/mail/forget"))
    assert "Remove this server" not in words(admin.get("/settings/mail"))
