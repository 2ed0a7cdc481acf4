"""People and their passwords."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlmodel import Session, select

from app.domain.problems import NotFoundError, ValidationError
from app.models.columns import utcnow
from app.models.people import Audit
from app.services.people import audit, passwords, users

GOOD = "Ledger-Harbor-4417-tern"


@pytest.mark.parametrize(
    "password", [GOOD, "correct horse battery staple", "tern-harbor-42", "ключ под ковриком у двери"]
)
def test_any_password_that_is_long_and_not_common_is_taken(password: str) -> None:
    passwords.check(password, "ann@shop.test")
    assert len(password) >= passwords.SHORTEST


@pytest.mark.parametrize(
    "password",
    ["password1234", "P@ssw0rd2026!!", "123456789012", "qwertyuiop12", "aaaaaaaaaaaa", "abcabcabcabc", "letmein12345",
     "Summer2026!!", "iloveyou1234", "zaq12wsxcde3", "11/25/2026 17:30"],
)  # fmt: skip
def test_the_commonest_and_mere_patterns_are_refused(password: str) -> None:
    with pytest.raises(ValidationError, match="commonest"):
        passwords.check(password)


@pytest.mark.parametrize(("password", "said"), [("eleven-char", "at least 12"), ("x7" * 65, "at most 128")])
def test_too_short_and_too_long_are_said(password: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        passwords.check(password)


def test_one_s_own_address_is_no_password() -> None:
    with pytest.raises(ValidationError):
        passwords.check("annabel-lee@shop.test", "annabel-lee@shop.test")


@pytest.mark.parametrize("email", ["Ann@Shop.local", "owner@example.test", "a.b+c@host"])
def test_any_name_at_host_is_an_address_whatever_its_case(session: Session, email: str) -> None:
    user = users.create_user(session, email=email, role="admin", by="test")
    assert users.find(session, email.upper()).id == user.id


@pytest.mark.parametrize("email", ["", "ann", "ann@", "@shop", "a b@shop.test"])
def test_what_is_no_address_is_refused(session: Session, email: str) -> None:
    with pytest.raises(ValidationError, match="not an e-mail address"):
        users.create_user(session, email=email, role="admin", by="test")


def test_an_address_is_taken_once(session: Session) -> None:
    users.create_user(session, email="ann@shop.test", role="admin", by="test")
    with pytest.raises(ValidationError, match="already"):
        users.create_user(session, email="ANN@shop.test", role="viewer", by="test")


def test_only_the_right_password_of_an_active_user_logs_in(session: Session) -> None:
    users.create_user(session, email="boss@shop.test", role="admin", by="test")
    ann = users.create_user(session, email="ann@shop.test", role="viewer", by="test", password=GOOD)
    assert users.authenticate(session, "Ann@shop.test", GOOD) is not None
    assert users.authenticate(session, "ann@shop.test", GOOD + "x") is None
    assert users.authenticate(session, "nobody@shop.test", GOOD) is None
    assert users.authenticate(session, "boss@shop.test", "") is None
    refused = session.exec(select(Audit.subject).where(Audit.action == "user.refused", Audit.actor == audit.STRANGER))
    assert list(refused) == ["user:ann@shop.test", "user:nobody@shop.test", "user:boss@shop.test"]
    users.disable(session, ann, "test")
    assert users.authenticate(session, "ann@shop.test", GOOD) is None


def test_a_ticket_works_once_and_for_three_days(session: Session) -> None:
    ann = users.create_user(session, email="ann@shop.test", role="viewer", by="test")
    old = users.issue_ticket(session, ann)
    token = users.issue_ticket(session, ann)
    with pytest.raises(NotFoundError):
        users.ticket_holder(session, old)
    with pytest.raises(NotFoundError):
        users.ticket_holder(session, token, now=utcnow() + dt.timedelta(days=3, seconds=1))
    users.redeem_ticket(session, token, GOOD)
    with pytest.raises(NotFoundError):
        users.redeem_ticket(session, token, GOOD)
    assert token not in (ann.ticket_hash, old)


def test_the_set_up_code_is_the_same_until_it_is_used(session: Session) -> None:
    code = users.setup_code(session)
    assert users.setup_code(session) == code
    users.set_up(session, code=code.upper(), email="owner@shop.test", password=GOOD)
    assert users.setup_code(session) == ""
    with pytest.raises(ValidationError, match="admin already"):
        users.set_up(session, code=code, email="second@shop.test", password=GOOD)
