"""Invitations and new passwords by mail: one-time links go to their holder, and to nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlmodel import select

from app.composition import mailer_of
from app.database import Database
from app.models.people import Audit, User
from app.services.mail import mail_settings, outbox
from app.settings import Settings
from tests.mail_server import Post, mail_server
from tests.routes.conftest import HOST, PASSWORD, Browser, words

NEW = "harbour crane tern"


@pytest.fixture
def post(database: Database) -> Iterator[Post]:
    """A mail server that is set up."""
    with mail_server() as post, database.session() as session:
        form = {"host": "localhost", "port": str(post.port), "security": "none", "sender": "books@shop.test"}
        mail_settings.store(session, form, "test")
        yield post


@pytest.fixture
def worker(database: Database, settings: Settings) -> Worker:
    return Worker(database, settings)


class Worker:
    """What a worker does when it is rung."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.mailer = database, mailer_of(settings)

    def work(self) -> None:
        for ident in outbox.due(self.database):
            outbox.deliver(self.database, self.mailer, ident)


def link_in(text: str) -> str:
    found = re.search(re.escape(HOST) + r"(/welcome/[\w-]+)", text)
    assert found
    return found[1]


def test_an_invitation_goes_by_mail_and_its_link_is_on_no_page(
    app: Flask, admin: Browser, post: Post, worker: Worker
) -> None:
    admin.get("/settings/users")
    page = admin.post("/settings/users", {"email": "bea@shop.test", "role": "bookkeeper"})
    assert "on its way to bea@shop.test" in words(page)
    assert "/welcome/" not in page.text
    worker.work()
    assert "Admin Person has made you an account" in post.texts[0]
    assert "mailed" in words(admin.get("/settings/users"))
    guest = Browser(app.test_client())
    guest.get(link_in(post.texts[0]))
    form = {"password": NEW, "again": NEW, "name": "Bea"}
    assert "Bea · bookkeeper" in words(guest.post(link_in(post.texts[0]), form))


def test_who_never_came_is_invited_again_and_not_told_of_a_reset(
    admin: Browser, post: Post, worker: Worker, database: Database
) -> None:
    admin.get("/settings/users")
    admin.post("/settings/users", {"email": "bea@shop.test", "role": "bookkeeper"})
    worker.work()
    with database.reading() as session:
        ident = session.exec(select(User.id).where(User.email == "bea@shop.test")).one()
    assert "Mail the invitation again" in words(admin.get(f"/settings/users/{ident}"))
    admin.post(f"/settings/users/{ident}/reset")
    worker.work()
    assert "Admin Person has made you an account" in post.texts[1]
    assert link_in(post.texts[0]) != link_in(post.texts[1])


def test_a_link_can_be_shown_instead(admin: Browser, post: Post, worker: Worker) -> None:
    admin.get("/settings/users")
    page = admin.post("/settings/users", {"email": "bea@shop.test", "role": "viewer", "show_link": "1"})
    assert link_in(page.text)
    worker.work()
    assert not post.letters


def test_links_begin_with_the_public_address_whatever_host_the_request_names(
    app: Flask, admin: Browser, post: Post, worker: Worker
) -> None:
    stranger = app.test_client()
    answer = stranger.post("/forgot", base_url="http://evil.example", data={"email": "admin@example.test"})
    assert answer.status_code == 400
    worker.work()
    assert not post.letters


def test_who_forgot_gets_a_link_and_everybody_else_the_same_answer(
    app: Flask, admin: Browser, stranger: Browser, post: Post, worker: Worker
) -> None:
    stranger.get("/forgot")
    known = words(stranger.post("/forgot", {"email": "Admin@example.test"}))
    stranger.get("/forgot")
    unknown = words(stranger.post("/forgot", {"email": "nobody@example.test"}))
    assert known.replace("Admin@", "nobody@") == unknown
    worker.work()
    assert [letter["To"] for letter in post.letters] == ["admin@example.test"]
    assert "Dashboard" in words(admin.get("/"))  # nothing has ended yet
    guest = Browser(app.test_client())
    guest.get(link_in(post.texts[0]))
    guest.post(link_in(post.texts[0]), {"password": NEW, "again": NEW})
    assert "Log in" in words(admin.get("/batches"))
    assert "don’t match" in words(Browser(app.test_client()).log_in("admin@example.test", PASSWORD, status=422))


def test_asking_again_and_again_sends_one_mail_and_then_pauses(
    admin: Browser, stranger: Browser, post: Post, worker: Worker
) -> None:
    for status in (200, 200, 200, 429):
        stranger.get("/forgot")
        stranger.post("/forgot", {"email": "admin@example.test"}, status=status)
    worker.work()
    assert len(post.letters) == 1


def test_nobody_without_a_password_or_disabled_gets_one_by_asking(
    admin: Browser, viewer: Browser, stranger: Browser, post: Post, worker: Worker, database: Database
) -> None:
    with database.session() as session:
        viewer_row = session.exec(select(User).where(User.email == "viewer@example.test")).one()
        viewer_row.active = False
        session.add(viewer_row)
        session.commit()
    stranger.get("/forgot")
    stranger.post("/forgot", {"email": "viewer@example.test"})
    worker.work()
    assert not post.letters


def test_a_reset_by_an_admin_is_mailed_and_ends_the_old_password(
    admin: Browser, bookkeeper: Browser, post: Post, worker: Worker, database: Database
) -> None:
    with database.reading() as session:
        ident = session.exec(select(User.id).where(User.email == "bookkeeper@example.test")).one()
    admin.get(f"/settings/users/{ident}")
    assert "on its way to bookkeeper@example.test" in words(admin.post(f"/settings/users/{ident}/reset"))
    assert "Log in" in words(bookkeeper.get("/batches"))
    worker.work()
    assert "Admin Person has reset your password" in post.texts[0]


def test_no_one_time_link_stands_in_a_log(
    admin: Browser,
    stranger: Browser,
    post: Post,
    worker: Worker,
    caplog: pytest.LogCaptureFixture,
    database: Database,
) -> None:
    stranger.get("/forgot")
    stranger.post("/forgot", {"email": "admin@example.test"})
    worker.work()
    stranger.get(link_in(post.texts[0]))
    token = link_in(post.texts[0]).rpartition("/")[2]
    assert "/welcome/…" in caplog.text
    assert token not in caplog.text
    with database.reading() as session:
        assert token not in "".join(str(row) for row in session.exec(select(Audit)))
