"""Two-factor log-in: confirmed before it counts, asked for at every door, and no code works twice."""

from __future__ import annotations

import datetime as dt
import re

import pyotp
import pytest
from flask import Flask
from sqlmodel import select

from app.database import Database
from app.models.columns import utcnow
from app.models.logins import RecoveryCode, SecondFactor
from app.models.people import Audit, User
from app.services.people import two_factor, users
from tests.routes.conftest import PASSWORD, Browser, words


def begun(browser: Browser) -> str:
    """The secret, as the page shows it."""
    browser.get("/me/two-factor")
    page = browser.post("/me/two-factor/begin", {"password": PASSWORD})
    assert "<svg" in page.text
    found = re.search(r'cf-secret">([A-Z2-7 ]+)<', page.text)
    assert found
    return found[1].replace(" ", "")


def turned_on(browser: Browser, database: Database) -> tuple[str, list[str]]:
    """Secret and recovery codes; the clock may be taken to have gone on since."""
    secret = begun(browser)
    page = browser.post("/me/two-factor/confirm", {"code": pyotp.TOTP(secret).now()})
    forget_steps(database)
    return secret, re.findall(r"<li>([a-z0-9-]{14})</li>", page.text)


def forget_steps(database: Database) -> None:
    """As if the next half minute had begun."""
    with database.session() as session:
        row = session.exec(select(SecondFactor)).one()
        row.last_step = 0
        session.add(row)
        session.commit()


def half_in(app: Flask) -> Browser:
    browser = Browser(app.test_client())
    assert "One more step" in words(browser.log_in("admin@example.test"))
    return browser


def test_the_log_in_asks_for_the_code_and_nothing_is_open_before(
    app: Flask, admin: Browser, database: Database
) -> None:
    secret, codes = turned_on(admin, database)
    assert len(codes) == 10
    browser = half_in(app)
    assert "Log in" in words(browser.get("/batches"))
    browser = half_in(app)
    assert "Dashboard" in words(browser.post("/login/code", {"code": pyotp.TOTP(secret).now()}))


def test_nothing_is_on_before_a_code_confirmed_it(app: Flask, admin: Browser) -> None:
    begun(admin)
    assert "not right" in words(admin.post("/me/two-factor/confirm", {"code": "000000"}, status=422))
    assert "Dashboard" in words(Browser(app.test_client()).log_in("admin@example.test"))


def test_it_cannot_be_turned_on_without_the_password(admin: Browser) -> None:
    admin.get("/me/two-factor")
    page = admin.post("/me/two-factor/begin", {"password": "not it"}, status=422)
    assert "The password is not right" in words(page)
    assert "cf-qr" not in page.text


def test_a_code_works_once(app: Flask, admin: Browser, database: Database) -> None:
    secret, _ = turned_on(admin, database)
    code = pyotp.TOTP(secret).now()
    half_in(app).post("/login/code", {"code": code})
    assert "used already" in words(half_in(app).post("/login/code", {"code": code}, status=422))


def test_turning_it_on_uses_its_code_up_too(app: Flask, admin: Browser) -> None:
    code = pyotp.TOTP(begun(admin)).now()
    admin.post("/me/two-factor/confirm", {"code": code})
    assert "used already" in words(half_in(app).post("/login/code", {"code": code}, status=422))


@pytest.mark.parametrize(("steps", "status"), [(-1, 200), (1, 200), (-3, 422), (3, 422)])
def test_a_clock_may_be_half_a_minute_off_and_not_more(
    app: Flask, admin: Browser, database: Database, monkeypatch: pytest.MonkeyPatch, steps: int, status: int
) -> None:
    secret, _ = turned_on(admin, database)
    now = utcnow()
    monkeypatch.setattr(two_factor, "utcnow", lambda: now)
    code = pyotp.TOTP(secret).at(now + dt.timedelta(seconds=30 * steps))
    answer = half_in(app).post("/login/code", {"code": code}, status=status)
    assert ("not right" in words(answer)) is (status == 422)


def test_a_recovery_code_works_once(app: Flask, admin: Browser, database: Database) -> None:
    _, codes = turned_on(admin, database)
    assert "Dashboard" in words(half_in(app).post("/login/code", {"code": codes[0].upper()}))
    half_in(app).post("/login/code", {"code": codes[0]}, status=422)
    assert "9 codes left" in words(admin.get("/me/two-factor"))


def test_guessing_pauses_after_five_tries_even_with_the_right_password(
    app: Flask, admin: Browser, database: Database
) -> None:
    secret, _ = turned_on(admin, database)
    browser = half_in(app)
    said = [words(browser.post("/login/code", {"code": "12345"}, status=422)) for _ in range(5)]
    assert "4 tries left" in said[0]
    half_in(app).post("/login/code", {"code": pyotp.TOTP(secret).now()}, status=429)


def test_it_is_turned_off_only_by_password_and_code(app: Flask, admin: Browser, database: Database) -> None:
    secret, codes = turned_on(admin, database)
    admin.get("/me/two-factor")
    admin.post("/me/two-factor/off", {"password": PASSWORD, "code": "000000"}, status=422)
    admin.post("/me/two-factor/off", {"password": "no", "code": codes[0]}, status=422)
    page = admin.post("/me/two-factor/off", {"password": PASSWORD, "code": pyotp.TOTP(secret).now()})
    assert "Two-factor log-in is off" in words(page)
    assert "Dashboard" in words(Browser(app.test_client()).log_in("admin@example.test"))


def test_new_recovery_codes_make_the_old_ones_worthless(app: Flask, admin: Browser, database: Database) -> None:
    secret, codes = turned_on(admin, database)
    admin.get("/me/two-factor")
    page = admin.post("/me/two-factor/codes", {"code": pyotp.TOTP(secret).now()})
    assert codes[1] not in page.text
    half_in(app).post("/login/code", {"code": codes[1]}, status=422)


def test_a_one_time_link_does_not_pass_by_the_second_factor(app: Flask, admin: Browser, database: Database) -> None:
    turned_on(admin, database)
    with database.session() as session:
        token = users.issue_ticket(session, users.find(session, "admin@example.test"))
    guest = Browser(app.test_client())
    guest.get(f"/welcome/{token}")
    form = {"password": "harbour crane tern", "again": "harbour crane tern"}
    assert "One more step" in words(guest.post(f"/welcome/{token}", form))


def test_an_admin_can_reset_somebody_s(app: Flask, admin: Browser, bookkeeper: Browser, database: Database) -> None:
    turned_on(bookkeeper, database)
    with database.reading() as session:
        ident = session.exec(select(User.id).where(User.email == "bookkeeper@example.test")).one()
    assert "Two-factor log-in is on" in words(admin.get(f"/settings/users/{ident}"))
    assert "logs in with the password alone" in words(admin.post(f"/settings/users/{ident}/two-factor/reset"))
    assert "Log in" in words(bookkeeper.get("/batches"))
    assert "Dashboard" in words(Browser(app.test_client()).log_in("bookkeeper@example.test"))


def test_secrets_and_codes_are_neither_logged_nor_stored_in_the_clear(
    app: Flask, admin: Browser, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    secret, codes = turned_on(admin, database)
    code = pyotp.TOTP(secret).now()
    half_in(app).post("/login/code", {"code": code})
    with database.reading() as session:
        stored = session.connection().exec_driver_sql("SELECT secret FROM second_factors").scalar_one()
        told = [str(row.detail) for row in session.exec(select(Audit))]
        digests = [row.digest for row in session.exec(select(RecoveryCode))]
        acts = [row.action for row in session.exec(select(Audit))]
    everywhere = "".join([stored, *told, *digests, caplog.text])
    assert not [word for word in (secret, codes[0], codes[0].replace("-", "")) if word in everywhere]
    assert f"'{code}'" not in everywhere
    assert {"two_factor.on", "user.login"} <= set(acts)


def test_the_page_with_the_secret_is_kept_by_no_browser(admin: Browser) -> None:
    begun(admin)
    assert admin.get("/me/two-factor").headers["Cache-Control"] == "no-store"
