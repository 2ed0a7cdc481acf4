"""Sessions: seen by their owner and by admins, and ended from elsewhere."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from flask import Flask
from sqlmodel import select, update

from app.database import Database
from app.models.columns import utcnow
from app.models.logins import LoginSession
from app.models.people import User
from app.services.people.sessions import LAG, LIFE, device
from tests.routes.conftest import Browser, words


def other_browser(app: Flask, email: str = "admin@example.test") -> Browser:
    browser = Browser(app.test_client())
    browser.log_in(email)
    return browser


def newest(database: Database) -> LoginSession:
    with database.reading() as session:
        return session.exec(select(LoginSession).order_by(LoginSession.id)).all()[-1]  # type: ignore[arg-type]  # SQLModel's columns


def test_one_sees_where_one_is_logged_in_and_ends_one_session(app: Flask, admin: Browser, database: Database) -> None:
    other = other_browser(app)
    page = admin.get("/me")
    assert len(re.findall(r"/me/sessions/\d+/end", page.text)) == 2
    admin.post(f"/me/sessions/{newest(database).id}/end")
    assert "Log in" in words(other.get("/batches"))
    assert "Batches" in words(admin.get("/batches"))


def test_all_others_end_at_once(app: Flask, admin: Browser) -> None:
    others = [other_browser(app), other_browser(app)]
    admin.get("/me")
    assert "Logged out of 2 other browsers" in words(admin.post("/me/sessions/end-others"))
    assert all("Log in" in words(other.get("/batches")) for other in others)
    assert "Batches" in words(admin.get("/batches"))


def test_nobody_ends_somebody_else_s_but_admins_do(
    app: Flask, admin: Browser, viewer: Browser, database: Database
) -> None:
    with database.reading() as session:
        admins = session.exec(select(LoginSession.id).where(LoginSession.user_id == 1)).one()
        viewers = session.exec(select(LoginSession.id).where(LoginSession.user_id == 2)).one()
    viewer.get("/me")
    viewer.post(f"/me/sessions/{admins}/end", status=404)
    viewer.post(f"/settings/sessions/{admins}/end", status=403)
    viewer.get("/settings/sessions", status=403)
    assert "Viewer Person" in words(admin.get("/settings/sessions"))
    admin.post(f"/settings/sessions/{viewers}/end")
    assert "Log in" in words(viewer.get("/batches"))


def test_an_admin_logs_somebody_out_everywhere(app: Flask, admin: Browser, viewer: Browser, database: Database) -> None:
    with database.reading() as session:
        ident = session.exec(select(User.id).where(User.email == "viewer@example.test")).one()
    admin.get(f"/settings/users/{ident}")
    assert "logged out of 1 browser." in words(admin.post(f"/settings/users/{ident}/end-sessions"))
    assert "Log in" in words(viewer.get("/batches"))


def test_a_cookie_that_was_copied_before_the_log_out_is_worthless(app: Flask, admin: Browser) -> None:
    thief = Browser(app.test_client())
    cookie = admin.client.get_cookie("crossfoot", domain="books.test")
    assert cookie
    thief.client.set_cookie("crossfoot", cookie.value, domain="books.test")
    assert "Batches" in words(thief.get("/batches"))
    admin.get("/me")
    admin.post("/logout")
    assert "Log in" in words(thief.get("/batches"))


def test_a_session_ends_after_half_a_day_without_a_page(admin: Browser, database: Database) -> None:
    with database.session() as session:
        session.exec(update(LoginSession).values(seen_at=utcnow() - LIFE - LAG))
        session.commit()
    assert "Log in" in words(admin.get("/batches"))


def test_what_a_page_asks_by_itself_does_not_count_as_being_there(admin: Browser, database: Database) -> None:
    long_ago = utcnow() - dt.timedelta(hours=1)
    with database.session() as session:
        session.exec(update(LoginSession).values(seen_at=long_ago))
        session.commit()
    admin.get("/fragments/banners", hx=True)
    assert newest(database).seen_at == long_ago
    admin.get("/batches")
    assert newest(database).seen_at > long_ago


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140 Safari/537.36 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("curl/8.5", "another program"),
    ],
)
def test_a_browser_is_named_as_far_as_it_says_itself(agent: str, said: str) -> None:
    assert device(agent) == said
