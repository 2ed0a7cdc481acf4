"""What each user wants to be mailed, company by company; without a wish those get it whose work it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from app.domain.mail_addresses import listed
from app.domain.notices import Event
from app.models.connections import Book
from app.models.notices import NoticeWish
from app.models.people import NO_ROLE, User
from app.services.connections import books
from app.services.mail.letters import Words
from app.services.people import access, audit

#: From this role on both mails come without being asked for.
BY_DEFAULT = "bookkeeper"
KINDS = (Event.FAILURES, Event.DIGEST)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which mails about a company."""

    failures: bool
    digest: bool

    def has(self, event: Event) -> bool:
        return self.digest if event is Event.DIGEST else self.failures


def of(session: Session, user: User) -> list[tuple[Book, Wish]]:
    """Every company that the user may see, by name, and what comes about it."""
    roles = {} if user.role == "admin" else access.own(session, user.id or 0)
    stored = {row.book_id: row for row in session.exec(select(NoticeWish).where(NoticeWish.user_id == user.id))}
    return [
        (book, _wish(stored.get(book.id or 0), role))
        for book in session.exec(select(Book).order_by(col(Book.name), col(Book.id)))
        if (role := access.role_in(user.role, roles, book.id or 0)) != NO_ROLE
    ]


def _wish(row: NoticeWish | None, role: str) -> Wish:
    if row is not None:
        return Wish(row.failures, row.digest)
    usual = access.at_least(role, BY_DEFAULT)
    return Wish(usual, usual)


def store(session: Session, user: User, wanted: Mapping[int, Wish]) -> None:
    """Book → what the user wants from now on; others, and companies that may not be seen, stay as they are. Commits."""
    for book, old in of(session, user):
        new = wanted.get(book.id or 0, old)
        if new == old:
            continue
        row = session.exec(
            select(NoticeWish).where(NoticeWish.user_id == user.id, NoticeWish.book_id == book.id)
        ).first() or NoticeWish(user_id=user.id or 0, book_id=book.id or 0, failures=False, digest=False)
        row.failures, row.digest = new.failures, new.digest
        session.add(row)
        audit.record(
            session, user.email, "notices.wish", f"user:{user.email}", book=book.id, company=book.name,
            failures=new.failures, digest=new.digest,
        )  # fmt: skip
    session.commit()


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody without a log-in who is told of failures; ``key`` stands for the address in keys of mails."""

    to: str
    key: str

    def told(self, words: Words) -> Words:
        """The same, with why it comes."""
        return replace(
            words,
            closing="Your address stands in this company’s AutoSync settings; whoever runs it there can take it out.",
        )


def others(book: Book, users: Iterable[User]) -> list[Other]:
    """Addresses of the company’s settings that no such user has."""
    theirs = {user.email.casefold() for user in users}
    return [
        Other(address, f"x{hashlib.blake2b(address.casefold().encode(), digest_size=6).hexdigest()}")
        for address in listed(books.setting_of(book, "autosync.mail_to"))
        if address.casefold() not in theirs
    ]


def who(session: Session, book_id: int, event: Event) -> list[User]:
    """Everybody who may see the company now, can log in, and wants this."""
    found = []
    stored = {row.user_id: row for row in session.exec(select(NoticeWish).where(NoticeWish.book_id == book_id))}
    bookkeepers = {user.id for user in access.people_with(session, book_id, BY_DEFAULT)}
    for user in access.people_with(session, book_id, "viewer"):
        wish = _wish(stored.get(user.id or 0), BY_DEFAULT if user.id in bookkeepers else "viewer")
        if user.password_hash and wish.has(event):
            found.append(user)
    return found
