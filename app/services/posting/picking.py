"""Which documents go into the next call: checked, of customers who are in no other one, in the ledger's form.

What has turned out since Check to be missing holds its document here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.connectors.protocols import Body, UntranslatableError
from app.domain.documents import Document
from app.domain.links import LinkKind
from app.domain.problems import Problem
from app.domain.states import PostingState, Role, SectionKey
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.postings import Creation, Posting, PostingRecord
from app.services.mapping import links, wants
from app.services.posting import beside, item_accounts, posting_problems, posting_rows
from app.services.posting.reading import document_of
from app.services.posting.run import Run

#: In statements about a posting: another one of its customer.
OTHER = aliased(Posting)


@dataclass(frozen=True, slots=True)
class Ready:
    """A posting with its body, ready to go into a call."""

    posting: Posting
    record: str
    party: str
    body: Body


def checked() -> tuple[ColumnElement[bool], ...]:
    """SQL: it may go, as far as Check and what it stands beside are concerned."""
    return col(Posting.state) == PostingState.READY, col(Posting.checked).is_(True), beside.may_go()


def sendable() -> tuple[ColumnElement[bool], ...]:
    """SQL: the same, and its moment has come."""
    return *checked(), or_(col(Posting.send_at).is_(None), col(Posting.send_at) <= utcnow())


def pick(run: Run) -> list[Ready]:
    """Up to ``run.size`` documents whose customers are in no other call under way, translated; holds what can't be."""
    with run.database.reading() as session:
        flying = select(OTHER.party_key).where(
            OTHER.book_id == run.book_id,
            or_(
                col(OTHER.state) == PostingState.SENDING,
                (col(OTHER.state) == PostingState.IN_DOUBT) & col(OTHER.needs_person).is_(False),
            ),
        )
        query = (
            select(Posting, func.min(PostingRecord.record))
            .join(PostingRecord, col(PostingRecord.posting_id) == Posting.id)
            .where(Posting.batch_id == run.batch_id, *sendable(), col(Posting.party_key).not_in(flying))
            .group_by(col(Posting.id))
            .order_by(col(Posting.party_key), col(Posting.id))
            .limit(run.size)
            .options(*posting_rows.WITH_DOCUMENT)
        )
        candidates = list(session.exec(query).all())
        index = run.index.get(session, run.book_id) if candidates else None
        policies = wants.policies(session.get_one(Book, run.book_id))
    if index is None:
        return []
    ready = [_translate(run, posting, record, index, policies) for posting, record in candidates]
    good = [item for item in ready if item is not None]
    return good or (pick(run) if candidates else [])


def _translate(
    run: Run, posting: Posting, record: str, index: links.Index, policies: dict[LinkKind, str]
) -> Ready | None:
    """The document in the ledger's form, with the links as they are now; held if that cannot be."""
    document = document_of(posting)
    if posting.role == Role.COGS and (entry := _without_stock(run, posting, document, index)) is not document:
        if entry is None:
            return None
        document = entry
    found = wants.of(document, index, run.rules, policies, accept=False)
    needed = [problem for problem in found.problems if problem.severity == "error"]
    needed += item_accounts.not_done(run, found.updates)
    needed += [wants.not_created(draft) for draft in found.drafts]  # e.g. for a second currency of one batch
    try:
        body = run.destination.translate(
            document, run.mark(record, posting.generation, posting.role), found.links, run.rules
        )
    except UntranslatableError as error:
        needed = needed or list(error.problems)
    if needed:
        _hold(run, posting, [_refused_creation(run, problem.subject) or problem for problem in needed])
        return None
    party = wants.flight_key(document, wants.party_of(document, found.links), record)
    return Ready(posting, record, party, body)


def _without_stock(run: Run, posting: Posting, document: Document, index: links.Index) -> Document | None:
    """A COGS entry as its items are by now: one that was created with its invoice may be kept in stock there.

    None where nothing is left of it.
    """
    entry, remarks = beside.reduced(document, index)
    if not remarks:
        return document
    with run.database.session() as session:
        run.hold_on(session)
        row = session.get_one(Posting, posting.id)
        if row.state == PostingState.READY:
            beside.keep(session, row, entry)
            posting_problems.add(session, row, SectionKey.DOCUMENTS, remarks[0])
            if entry.is_empty:
                beside.skipped(session, row)
            run.changed(session, row)
    return None if entry.is_empty else entry


def _hold(run: Run, posting: Posting, problems: Sequence[Problem]) -> None:
    with run.database.session() as session:
        run.hold_on(session)
        fresh = session.get_one(Posting, posting.id)
        if fresh.state == PostingState.READY:
            fresh.checked = False
            posting_problems.hold(session, fresh, SectionKey.CHECK, problems)
            run.changed(session, fresh)


def _refused_creation(run: Run, subject: str) -> Problem | None:
    """Why the customer or item that this document needs was not created."""
    kind, _, source_id = subject.partition(":")
    with run.database.reading() as session:
        query = select(Creation).where(
            Creation.book_id == run.book_id, Creation.kind == kind, Creation.source_id == source_id
        )
        creation = session.exec(query).first()
    return posting_problems.from_json(creation.problem) if creation and creation.problem else None
