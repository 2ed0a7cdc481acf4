"""A company's account at Stripe: its restricted key and the secret of its webhooks, encrypted, never shown again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from app.connectors.protocols import ConnectionFailedError, Connectors
from app.database import Database
from app.domain.problems import ValidationError
from app.models.connections import Book, InstallationSetting
from app.services.connections import books
from app.services.people import audit

#: ``rk_live_…`` moves real money, ``rk_test_…`` none.
KEY = re.compile(r"rk_(live|test)_[0-9A-Za-z_]{8,250}")
SECRET = re.compile(r"whsec_[!-~]{8,250}")
#: What stands in the place of a QuickBooks company that is no real one.
MODES = {"production": "live"}


@dataclass(frozen=True, slots=True)
class Keys:
    """``webhook`` is empty where no webhooks are taken; ``broken`` says why Stripe no longer takes the key."""

    key: str = field(repr=False)
    webhook: str = field(default="", repr=False)
    broken: str = ""

    @property
    def hint(self) -> str:
        """Enough to tell one key from another."""
        return f"{self.key[:8]}…{self.key[-4:]}"


def keys(session: Session, book_id: int) -> Keys | None:
    """None while there is no key."""
    row = session.get(InstallationSetting, _name(book_id))
    return (
        Keys(row.value["key"], row.value.get("webhook", ""), row.value.get("broken", "")) if row and row.value else None
    )


def accounts(session: Session) -> list[tuple[Book, Keys]]:
    """Every company that has a key."""
    found = session.exec(select(Book).order_by(Book.name, col(Book.id)))
    return [(book, held) for book in found if (held := keys(session, book.id or 0)) is not None]


def recheck(database: Database, connectors: Connectors, book: Book, held: Keys) -> None:
    """Try a stored key again, and keep whether it is taken. Raises ConnectionFailedError."""
    try:
        connectors.checkouts(held.key).check()
    except ConnectionFailedError as error:
        heard(database, book.id or 0, f"{error.message} {error.remedy}" if error.systemic else held.broken)
        raise
    heard(database, book.id or 0)


def is_on(session: Session, book: Book) -> bool:
    """Whether the company's customers may pay by Stripe now."""
    return books.setting_of(book, "payments.stripe") == "yes" and keys(session, book.id or 0) is not None


def store(database: Database, connectors: Connectors, book_id: int, key: str, webhook: str, by: str) -> None:
    """Try a key and keep it; what is empty stays as it is. Without a secret no webhooks are taken.

    Raises ValidationError; ConnectionFailedError where Stripe does not take the key. Nothing is stored then.
    """
    with database.reading() as session:
        book, old = session.get_one(Book, book_id), keys(session, book_id)
    key = key.strip() or (old.key if old else "")
    webhook = webhook.strip() or (old.webhook if old else "")
    _check(book, key, webhook)
    connectors.checkouts(key).check()
    with database.session() as session:
        row = session.get(InstallationSetting, _name(book_id)) or InstallationSetting(key=_name(book_id))
        row.value = {"key": key, "webhook": webhook}
        session.add(row)
        told = {"key": Keys(key).hint, "webhooks": bool(webhook)}
        audit.record(session, by, "stripe.key", f"book:{book_id}", **told)
        session.commit()


def heard(database: Database, book_id: int, broken: str = "") -> None:
    """Stripe took the key, or why it does not any more: an admin must enter another one."""
    with database.reading() as session:
        known = keys(session, book_id)
    if known is None or known.broken == broken:
        return
    with database.session() as session:
        row = session.get_one(InstallationSetting, _name(book_id))
        row.value = {**row.value, "broken": broken}
        session.add(row)
        session.commit()


def broken(session: Session) -> list[tuple[Book, str]]:
    """Companies whose key is no longer taken, and why."""
    rows = session.exec(select(InstallationSetting).where(col(InstallationSetting.key).startswith(_name(""))))
    why = {row.key: row.value["broken"] for row in rows if row.value and row.value.get("broken")}
    found = session.exec(select(Book).order_by(Book.name)) if why else ()
    return [(book, why[name]) for book in found if (name := _name(book.id or 0)) in why]


def _check(book: Book, key: str, webhook: str) -> None:
    match = KEY.fullmatch(key)
    if not match:
        raise ValidationError(
            "That is no restricted key of Stripe.",
            "Make one in Stripe’s dashboard under Developers ▸ API keys; it begins with rk_live_ or rk_test_.",
        )
    mode = MODES.get(book.environment, "test")
    if match[1] != mode:
        what = "real books, and the key is one of Stripe’s test mode" if mode == "live" else "no real books"
        raise ValidationError(f"{book.name} are {what}.", f"Give a key that begins with rk_{mode}_.")
    if webhook and not SECRET.fullmatch(webhook):
        raise ValidationError("That is no signing secret.", "It begins with whsec_; Stripe shows it with the webhook.")


def forget(session: Session, book_id: int, by: str) -> None:
    """No key any more, so nobody can pay by Stripe; commits. Pages that are open are not looked at any more."""
    if drop(session, book_id):
        audit.record(session, by, "stripe.forget", f"book:{book_id}")
        session.commit()


def drop(session: Session, book_id: int) -> bool:
    """Whether there was a key; it goes with the caller's commit."""
    row = session.get(InstallationSetting, _name(book_id))
    if row is not None:
        session.delete(row)
    return row is not None


def _name(book_id: int | str) -> str:
    return f"stripe:{book_id}"
