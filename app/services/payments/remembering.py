"""What is remembered of the ledger's payments, and which documents they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.domain import codec
from app.domain.codec import to_json
from app.domain.documents import DocumentKind
from app.domain.payments import Applied, Charge, LedgerPayment
from app.models.payments import AppliedLine, LedgerPaymentRow
from app.models.postings import Posting
from app.services.payments.one_run import CHUNK

#: Before the version of a payment that only a dry run has read: it is still news to the next run.
LOOKED_AT = "dry:"


def same(one: LedgerPayment, other: LedgerPayment) -> bool:
    """Whether two readings of a payment say the same about money, whatever its version."""
    return _money(one) == _money(other)


def _money(payment: LedgerPayment) -> tuple[object, ...]:
    return (payment.gone, payment.total, payment.unapplied, payment.date, frozenset(payment.lines))


def documents_of(payment: LedgerPayment) -> set[str]:
    """Ids of the invoices, credit memos and others that it names."""
    return {line.ledger_id for line in payment.lines}


def is_news(before: LedgerPayment | None, now: LedgerPayment) -> bool:
    """Whether a payment differs from what is remembered of it."""
    return before is None or before.version.startswith(LOOKED_AT) or not same(before, now)


def remembered(session: Session, book_id: int, ledger_ids: Iterable[str]) -> dict[str, LedgerPayment]:
    """Those of the payments that we know."""
    wanted, found = list(dict.fromkeys(ledger_ids)), {}
    for start in range(0, len(wanted), CHUNK):
        query = select(LedgerPaymentRow).where(LedgerPaymentRow.book_id == book_id)
        for row in session.exec(query.where(col(LedgerPaymentRow.ledger_id).in_(wanted[start : start + CHUNK]))):
            found[row.ledger_id] = to_payment(row)
    return found


def paying(session: Session, book_id: int, invoices: list[str]) -> list[LedgerPayment]:
    """Every payment that names one of these invoices (at most CHUNK)."""
    theirs = _naming(book_id, col(AppliedLine.ledger_id).in_(invoices))
    query = select(LedgerPaymentRow).where(col(LedgerPaymentRow.id).in_(theirs))
    return [to_payment(row) for row in session.exec(query)]


def to_payment(row: LedgerPaymentRow) -> LedgerPayment:
    """The row in domain form."""
    lines = tuple(codec.from_json(Applied, line) for line in row.lines)
    return LedgerPayment(
        row.ledger_id, row.party_id, row.date, row.currency, row.total, row.unapplied, lines, row.reference,
        row.method, row.version, None, row.gone,
    )  # fmt: skip


def naming(session: Session, book_id: int, documents: Iterable[str]) -> dict[str, set[str]]:
    """Document → payments that name it, as far as we know."""
    found: dict[str, set[str]] = {}
    wanted = sorted(documents)
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(AppliedLine.ledger_id, LedgerPaymentRow.ledger_id)
            .join(LedgerPaymentRow, col(LedgerPaymentRow.id) == AppliedLine.payment_id)
            .where(AppliedLine.book_id == book_id, col(LedgerPaymentRow.gone).is_(False))
            .where(col(AppliedLine.ledger_id).in_(wanted[start : start + CHUNK]))
        )
        for document, payment in session.exec(query):
            found.setdefault(document, set()).add(payment)
    return found


def together(session: Session, book_id: int, touched: Set[str]) -> set[str]:
    """These documents, and those of which a rule decided at once with one of them.

    Where one of our credit memos meets several invoices in a payment, a rule says which it pays. Looked at alone after
    the rule has changed, one invoice would draw what another one keeps.
    """
    memos = select(Posting.ledger_id).where(
        Posting.book_id == book_id, Posting.kind == DocumentKind.CREDIT_MEMO, Posting.ledger_id != ""
    )
    drawing = _naming(book_id, col(AppliedLine.ledger_id).in_(memos))
    found, reached = set(touched), sorted(touched)
    while reached:
        near = set[str]()
        for start in range(0, len(reached), CHUNK):
            theirs = _naming(book_id, col(AppliedLine.ledger_id).in_(reached[start : start + CHUNK]))
            rows = session.exec(
                select(LedgerPaymentRow)
                .where(col(LedgerPaymentRow.id).in_(theirs), col(LedgerPaymentRow.id).in_(drawing))
                .where(col(LedgerPaymentRow.gone).is_(False))
            )
            near.update(*(documents_of(payment) for payment in map(to_payment, rows) if _leaves_a_choice(payment)))
        reached = sorted(near - found)
        found |= near
    return found


def _naming(book_id: int, documents: ColumnElement[bool]) -> SelectOfScalar[int]:
    """SQL: ids of the Book's payments with a line of one of these documents."""
    return select(AppliedLine.payment_id).where(AppliedLine.book_id == book_id, documents)


def _leaves_a_choice(payment: LedgerPayment) -> bool:
    return sum(line.to is Charge.INVOICE for line in payment.lines) > 1


def remember(session: Session, book_id: int, changed: Iterable[LedgerPayment], *, dry: bool) -> None:
    """Write down payments as they are now, in place of what was known of them; the caller commits."""
    payments_ = {payment.ledger_id: payment for payment in changed}
    wanted = sorted(payments_)
    for start in range(0, len(wanted), CHUNK):
        some = {ledger_id: payments_[ledger_id] for ledger_id in wanted[start : start + CHUNK]}
        _remember_some(session, book_id, some, dry=dry)


def _remember_some(session: Session, book_id: int, payments_: Mapping[str, LedgerPayment], *, dry: bool) -> None:
    """As values, not as objects: a first sync has thousands."""
    query = select(LedgerPaymentRow.ledger_id, LedgerPaymentRow.id).where(LedgerPaymentRow.book_id == book_id)
    idents = dict(session.exec(query.where(col(LedgerPaymentRow.ledger_id).in_(payments_))).all())
    session.exec(delete(AppliedLine).where(col(AppliedLine.payment_id).in_(list(idents.values()))))
    before = LOOKED_AT if dry else ""
    rows = {ledger_id: _values(payment, before) for ledger_id, payment in payments_.items()}
    if known := [{"id": idents[ledger_id], **values} for ledger_id, values in rows.items() if ledger_id in idents]:
        session.execute(update(LedgerPaymentRow), known)
    if new := [ledger_id for ledger_id in rows if ledger_id not in idents]:
        made = [{"book_id": book_id, "ledger_id": ledger_id, **rows[ledger_id]} for ledger_id in new]
        ids = insert(LedgerPaymentRow).returning(col(LedgerPaymentRow.id), sort_by_parameter_order=True)
        idents.update(zip(new, session.scalars(ids, made), strict=True))
    lines = [
        {"book_id": book_id, "payment_id": idents[ledger_id], "ledger_id": document}
        for ledger_id, payment in payments_.items()
        for document in sorted(documents_of(payment))
    ]
    if lines:
        session.execute(insert(AppliedLine), lines)


def _values(payment: LedgerPayment, before: str) -> dict[str, Any]:
    """Columns of its row; ``before`` stands at the head of its version."""
    names = ("party_id", "date", "currency", "total", "unapplied", "reference", "method", "gone")
    version = f"{before}{payment.version}"[:40]
    return {**{name: getattr(payment, name) for name in names}, "version": version, "lines": to_json(payment.lines)}
