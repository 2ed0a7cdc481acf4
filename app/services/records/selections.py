"""Selections: a person's draft of a batch, kept in the database so that it survives refresh, paging and time-outs."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from app.domain import grouping
from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.records import Selection, UnpostedRow
from app.services.batches import batches
from app.services.connections import books
from app.services.records import records
from app.services.records.records import Brief, Filter, Sum


@dataclass(frozen=True, slots=True)
class Chosen:
    """What would be posted: record ids, their sum, and how much of it is credit."""

    records: list[str]
    sum: Sum
    credits: Sum

    @property
    def fingerprint(self) -> str:
        """Says in short what a person saw: other records of the same total are another one."""
        return records.fingerprint(self.records, self.sum)


def current(session: Session, user_id: int, kind: RecordKind) -> Selection:
    """The user's draft; made and committed where there is none yet. Its Book may be None: none is connected."""
    selection = session.exec(select(Selection).where(Selection.user_id == user_id, Selection.kind == kind)).first()
    book = session.get(Book, selection.book_id) if selection and selection.book_id else None
    if selection is None or book is None:
        selection = selection or Selection(user_id=user_id, kind=kind, token=secrets.token_urlsafe(16))
        book = books.default_book(session)
        selection.book_id = book.id if book else None
        _keep(session, selection)
    return selection


def _keep(session: Session, selection: Selection) -> None:
    selection.changed_at = utcnow()
    session.add(selection)
    session.commit()


def choose_book(session: Session, selection: Selection, book: Book) -> None:
    """Another company: location and summary become its defaults, nothing stays ticked."""
    selection.book_id, selection.options, selection.records = book.id, {}, []
    _keep(session, selection)


def set_options(session: Session, selection: Selection, **values: Any) -> None:
    """Remember what the person set: ``location``, ``through`` (ISO, or empty for all), ``summary``, ``name``.

    Raises ValidationError for an unknown summary level.
    """
    if values.get("summary", "default") not in batches.SUMMARIES:
        raise ValidationError(f"“{values['summary']}” is not a summary level.", "Choose one of those on the page.")
    selection.options = {**selection.options, **values}
    _keep(session, selection)


def location(selection: Selection, book: Book) -> str:
    """The location's id: what was chosen, else the Book's default; empty for all."""
    return str(selection.options.get("location", books.setting_of(book, "company.default_location")))


def summary(selection: Selection, book: Book) -> str:
    """The summary level: what other settings of the Book need, else what was chosen, else the Book's."""
    own = books.summary_of(book)
    return own if books.detailed_because(book) else str(selection.options.get("summary", own))


def through(selection: Selection, today: dt.date) -> dt.date | None:
    """The last date to be taken: what was chosen, else today; None for all."""
    text = selection.options.get("through", today.isoformat())
    return dt.date.fromisoformat(text) if text else None


def wanted(selection: Selection, book: Book, today: dt.date) -> Filter:
    """What the options let through; words of a search narrow only what is shown."""
    return Filter(location=location(selection, book), through=through(selection, today))


def set_ticks(session: Session, selection: Selection, shown: Iterable[str], ticked: Iterable[str]) -> None:
    """Take over the ticks of one shown page; what is not on it stays as it is."""
    on = list(dict.fromkeys(ticked))
    kept = [record for record in selection.records if record not in set(shown)]
    set_records(session, selection, [*kept, *on])


def set_records(session: Session, selection: Selection, chosen: Sequence[str]) -> None:
    """Exactly these are ticked."""
    selection.records = list(dict.fromkeys(chosen))
    _keep(session, selection)


def chosen(selection: Selection, offered: Iterable[Brief]) -> Chosen:
    """Those ticked that are still unposted and that the options let through: ``offered`` are all that are."""
    ticked = set(selection.records)
    on = [row for row in offered if row.record in ticked]
    credit = [row for row in on if row.cents < 0 or row.psa_type == "CreditMemo"]
    return Chosen([row.record for row in on], records.sum_of(on), records.sum_of(credit))


def documents(session: Session, book: Book, source_id: int, kind: RecordKind, idents: Sequence[str]) -> int:
    """How many documents some records become: expenses and receipts may be put together (``purchases.group``)."""
    if kind is RecordKind.INVOICES:
        return len(idents)
    rules, keys = books.rules_of(book), set[str]()
    own = UnpostedRow
    wanted = (
        own.record, own.party_id, own.date, own.currency, own.total, own.tax, own.tax_code_id, own.facts,
    )  # fmt: skip
    query = columns(*map(col, wanted)).where(col(UnpostedRow.source_id) == source_id, col(UnpostedRow.kind) == kind)
    for start in range(0, len(idents), 500):
        found = session.execute(query.where(col(UnpostedRow.record).in_(idents[start : start + 500])))
        keys |= {grouping.key(kind, row, rules) for row in found}
    return len(keys)


def tried(session: Session, selection: Selection) -> None:
    """A dry run of the draft is made: the draft stays as it is, ready for the real Submit or another try."""
    selection.token = secrets.token_urlsafe(16)
    _keep(session, selection)


def submitted(session: Session, selection: Selection) -> None:
    """The batch is made: the draft begins anew, with a new token; company, location and summary stay."""
    kept = {name: value for name, value in selection.options.items() if name in ("location", "summary")}
    selection.options, selection.records, selection.token = kept, [], secrets.token_urlsafe(16)
    _keep(session, selection)
