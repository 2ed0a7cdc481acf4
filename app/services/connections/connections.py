"""Connections: opening what is connected, connecting a PSA or a QuickBooks company, checking, disconnecting.

A connection is checked before it is stored, and no transaction is open while a vendor is being asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select, update

from app.connectors.protocols import Check, Company, ConnectionFailedError, Connectors, Destination, Source
from app.connectors.tokens import Tokens
from app.database import Database
from app.domain import codec
from app.domain.problems import CrossfootError, NotFoundError, Problem, Severity, ValidationError
from app.models.columns import utcnow
from app.models.connections import Book, SourceRow
from app.models.people import Audit
from app.services.connections import tokens
from app.services.connections.contacts import NoContact, RowContact
from app.services.connections.zones import is_zone, local_zone
from app.services.people import audit

# ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────


def open_source(database: Database, connectors: Connectors, source_id: int) -> Source:
    """The PSA. Raises NotFoundError; ConnectionFailedError where its settings can't be used."""
    with database.reading() as session:
        row = _source(session, source_id)
    return connectors.source(row.kind, row.settings, row.secrets, RowContact(database, SourceRow, source_id))


def open_destination(database: Database, connectors: Connectors, book_id: int) -> Destination:
    """The ledger behind a Book. Raises NotFoundError; ConnectionFailedError where it is not connected."""
    with database.reading() as session:
        book = _book(session, book_id)
    store = tokens.BookTokens(database, book_id)
    store.load()
    settings = tokens.opening_settings(book.ledger_id, book.environment)
    return connectors.destination(book.kind, settings, store, RowContact(database, Book, book_id))


def _source(session: Session, source_id: int) -> SourceRow:
    row = session.get(SourceRow, source_id)
    if row is None:
        raise NotFoundError(f"There is no PSA connection {source_id}.", "Look under Settings ▸ Connections.")
    return row


def _book(session: Session, book_id: int) -> Book:
    book = session.get(Book, book_id)
    if book is None:
        raise NotFoundError(f"There is no QuickBooks company {book_id}.", "Look under Settings ▸ Connections.")
    return book


# ── the PSA ──────────────────────────────────────────────────────────────────────────────────────────────────────


def connects(check: Check) -> bool:
    """Whether a check found nothing that keeps the connection from working."""
    return all(finding.severity is not Severity.ERROR for finding in check.findings)


def connect_source(
    database: Database,
    connectors: Connectors,
    *,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    by: str,
    kind: str = "connectwise",
) -> Check:
    """Check a PSA and store it if it ``connects``; the same site and company again get the new keys.

    Raises ConnectionFailedError or ValidationError; nothing is stored then.
    """
    with database.reading() as session:
        twin = _same_source(session, settings)
    contact = RowContact(database, SourceRow, twin.id) if twin and twin.id else NoContact()
    check = connectors.source(kind, settings, secrets, contact).check()
    if connects(check):
        with database.session() as session:
            row = _same_source(session, settings)
            deed = "source.keys" if row else "source.connect"
            row = row or SourceRow(kind=kind, name=check.name, code=_next_code(session))
            row.settings, row.secrets = dict(settings), dict(secrets)
            _store_source(session, row, check)
            site = str(settings.get("site", ""))
            audit.record(session, by, deed, f"source:{row.id}", name=row.name, site=site)
            session.commit()
    return check


def _store_source(session: Session, row: SourceRow, check: Check) -> None:
    _keep_check(row, check)
    session.add(row)
    session.flush()
    _tie_the_only_source(session)


def _same_source(session: Session, settings: Mapping[str, Any]) -> SourceRow | None:
    wanted = _identity(settings)
    return next((row for row in session.exec(select(SourceRow)) if _identity(row.settings) == wanted), None)


def _identity(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Host and company, however the address was typed."""
    site = str(settings.get("site", "")).strip().lower()
    try:
        host = urlsplit(site if "://" in site else f"https://{site}").netloc
    except ValueError:
        host = site
    return host.removeprefix("api-"), str(settings.get("company_id", "")).strip().lower()


def _next_code(session: Session) -> str:
    """Empty for the first Source, then the first free letter from B on."""
    taken = set(session.exec(select(SourceRow.code)))
    for letter in ("", *"BCDEFGHIJKLMNOPQRSTUVWXYZ"):
        if letter not in taken:
            return str(letter)
    raise ValidationError("There can be at most 26 PSA connections.", "Remove one that is no longer used.")


def _tie_the_only_source(session: Session) -> None:
    """While there is one PSA, every Book belongs to it."""
    sources = list(session.exec(select(SourceRow.id).limit(2)))
    if len(sources) == 1:
        session.exec(update(Book).where(col(Book.source_id).is_(None)).values(source_id=sources[0]))


def recheck_source(database: Database, connectors: Connectors, source_id: int) -> Check:
    """Check a stored PSA again and keep what was found; a PSA that can't be reached is a finding, not an error."""
    with database.reading() as session:
        name = _source(session, source_id).name
    broken = ""
    try:
        check = open_source(database, connectors, source_id).check()
    except ConnectionFailedError as error:
        check = Check(name, (as_finding(error),))
        broken = error.message if error.systemic else ""
    with database.session() as session:
        row = _source(session, source_id)
        _keep_check(row, check)
        row.broken = broken or ("" if connects(check) else row.broken)
        session.add(row)
        session.commit()
    return check


def _keep_check(row: SourceRow | Book, check: Check) -> None:
    row.findings = codec.to_json(check.findings)
    row.checked_at = row.last_call_at = utcnow()
    if connects(check):
        row.name, row.facts, row.broken = check.name, dict(check.facts), ""


def as_finding(error: CrossfootError) -> Problem:
    """An error as a check's finding."""
    return Problem(getattr(error, "code", "error"), error.message, error.remedy)


# ── QuickBooks companies ─────────────────────────────────────────────────────────────────────────────────────────


def look_at_company(
    connectors: Connectors, realm: str, held: Tokens, environment: str, kind: str = "quickbooks_online"
) -> tuple[Company, Tokens]:
    """Which company fresh tokens lead to, before anything is stored; and the tokens, perhaps refreshed meanwhile.

    Raises ConnectionFailedError, also where the company that answers is not ``realm``.
    """
    store = tokens.HeldTokens(held)
    company = connectors.destination(kind, tokens.opening_settings(realm, environment), store, NoContact()).company()
    if company.ledger_id != realm:
        raise ConnectionFailedError(
            f"QuickBooks answered for another company (“{company.name}”) than the one you chose.",
            "Connect again and choose the company once more.",
            code="other_company",
        )
    return company, store.tokens


def confirm_book(
    database: Database,
    connectors: Connectors,
    *,
    realm: str,
    held: Tokens,
    environment: str,
    by: str,
    expected_book_id: int | None = None,
    kind: str = "quickbooks_online",
) -> Book:
    """Store a QuickBooks company after reading it; a company that is known already gets the new tokens.

    ``expected_book_id`` is the Book that a person wants to connect again: it must be the same company.
    Raises ConnectionFailedError, ValidationError; nothing changes then.
    """
    with database.reading() as session:
        _expect(session, realm, expected_book_id, "another company")
    company, held = look_at_company(connectors, realm, held, environment, kind)
    with database.reading() as session:
        _expect(session, realm, expected_book_id, f"“{company.name}”")
    try:
        return _store_connected(database, kind, company, held, environment=environment, by=by)
    except IntegrityError:  # the same confirmation at the same moment, e.g. a double click: now it is known
        return _store_connected(database, kind, company, held, environment=environment, by=by)


def _store_connected(
    database: Database, kind: str, company: Company, held: Tokens, *, environment: str, by: str
) -> Book:
    with database.session() as session:
        book = _store_book(session, kind, company, environment, by)
        tokens.store(session, _stored_id(book), held)
        session.commit()
        session.refresh(book)
        return book


def _expect(session: Session, realm: str, expected_book_id: int | None, found: str) -> None:
    if expected_book_id is None:
        return
    book = _book(session, expected_book_id)
    if book.ledger_id != realm:
        raise ValidationError(
            f"You signed in to {found}, but “{book.name}” was to be connected again; nothing was changed.",
            f"Connect again and choose “{book.name}”. To add a further company, use Connect a company.",
        )


def _store_book(session: Session, kind: str, company: Company, environment: str, by: str) -> Book:
    book = session.exec(select(Book).where(Book.ledger_id == company.ledger_id)).first()
    deed = "book.reconnect" if book else "book.connect"
    if book is None:
        first = session.exec(select(Book.id).limit(1)).first() is None
        book = Book(id=_free_id(session), kind=kind, name=company.name, ledger_id=company.ledger_id, is_default=first)
        book.zone = _zone_from(company)
    book.environment, book.connected = environment, True
    _keep_company(book, company)
    session.add(book)
    session.flush()
    _tie_the_only_source(session)
    audit.record(session, by, deed, f"book:{book.id}", name=book.name, realm=book.ledger_id, environment=environment)
    return book


def _free_id(session: Session) -> int | None:
    """SQLite would give a forgotten company's number again, of which the audit log still speaks."""
    if session.get_bind().dialect.name != "sqlite":
        return None
    return max(session.exec(select(func.max(column))).one() or 0 for column in (Book.id, Audit.book_id)) + 1


def _zone_from(company: Company) -> str:
    """QuickBooks rarely says where a company is; then it is where this server is, until a person says otherwise."""
    told = company.facts.get("zone", "")
    return told if is_zone(told) else local_zone()


def _keep_company(book: Book, company: Company) -> None:
    _keep_check(book, Check(company.name, company.findings, company.facts))
    book.name, book.facts = company.name, dict(company.facts)
    book.country, book.currency = company.country, company.currency
    book.rules = codec.to_json(company.rules)


def _stored_id(book: Book) -> int:
    if book.id is None:
        raise ValueError("The row is not stored yet.")
    return book.id


def recheck_book(database: Database, connectors: Connectors, book_id: int) -> Check:
    """Read a company again and keep what it says; one that can't be reached is a finding, not an error."""
    with database.reading() as session:
        name = _book(session, book_id).name
    try:
        company = open_destination(database, connectors, book_id).company()
    except ConnectionFailedError as error:
        check = Check(name, (as_finding(error),))
        _keep_failure(database, book_id, check, error.message if error.systemic else "")
        return check
    with database.session() as session:
        book = _book(session, book_id)
        _keep_company(book, company)
        session.add(book)
        session.commit()
    return Check(company.name, company.findings, company.facts)


def _keep_failure(database: Database, book_id: int, check: Check, broken: str) -> None:
    with database.session() as session:
        book = _book(session, book_id)
        _keep_check(book, check)
        book.broken = broken or book.broken
        session.add(book)
        session.commit()


def disconnect_book(database: Database, connectors: Connectors, book_id: int, by: str) -> str:
    """Give the consent back and forget the tokens; links, settings and history stay.

    Returns a sentence for the person where QuickBooks could not be told, else nothing.
    """
    left = ""
    try:
        open_destination(database, connectors, book_id).revoke()
    except ConnectionFailedError as error:
        left = f"QuickBooks could not be told ({error.message}) Remove the app there too, under Apps ▸ My apps."
    with database.session() as session:
        book = _book(session, book_id)
        book.connected, book.tokens, book.broken, book.findings = False, None, "", []
        book.tokens_version += 1
        session.add(book)
        audit.record(session, by, "book.disconnect", f"book:{book_id}", name=book.name)
        session.commit()
    return left
