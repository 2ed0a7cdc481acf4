"""Check: every problem of every document, and a look whether the books already hold it, before anything is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.connectors.ledger_changes import KnowsRates
from app.connectors.protocols import Destination, Probe, UntranslatableError
from app.domain import rates, soundness
from app.domain.codec import to_json
from app.domain.documents import SALES, Document
from app.domain.links import LinkKind, Rules, kinds_of
from app.domain.outcomes import Absent, CannotTell, Finding, Found, LooksAlike, Receipt, Several
from app.domain.problems import Problem, Severity
from app.domain.states import PostingState, Role, SectionKey
from app.models.connections import Book
from app.models.postings import Posting, PostingRecord
from app.services.mapping import links, lists, wants
from app.services.posting import (
    beside,
    billing,
    creations,
    item_accounts,
    numbering,
    posting_problems,
    posting_rows,
    receipts,
)
from app.services.posting.reading import document_of
from app.services.posting.run import Run

CHUNK = 100
#: Cached lists of the ledger may be this old when a batch is checked.
LISTS_AGE = dt.timedelta(seconds=60)


def check(run: Run) -> None:
    """Look at every posting that has been read and not yet checked. Raises ConnectionFailedError."""
    if not _unchecked(run, 1):
        return
    run.begin(SectionKey.CHECK)
    lists.refresh(run.database, run.destination, run.book_id, kinds=kinds_of(run.kind, run.rules), max_age=LISTS_AGE)
    numbering.assign(run)
    last = 0
    while not run.stopping() and (chunk := _unchecked(run, CHUNK, after=last)):
        last = chunk[-1].id or 0
        _check_some(run, chunk)
    if not run.stopping():
        run.end(SectionKey.CHECK)


@dataclass(slots=True)
class Look:
    """One posting under examination."""

    posting: Posting
    record: str
    document: Document
    wants: wants.Wants
    problems: list[Problem]
    finding: Finding | None = None

    @property
    def stops(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self.problems)


def _unchecked(run: Run, limit: int, after: int = 0) -> list[Posting]:
    with run.database.reading() as session:
        query = (
            select(Posting)
            .where(Posting.batch_id == run.batch_id, Posting.state == PostingState.READY, col(Posting.id) > after)
            .where(col(Posting.checked).is_(False), col(Posting.document).is_not(None))
            .order_by(col(Posting.id))
            .limit(limit)
            .options(*posting_rows.WITH_DOCUMENT)
        )
        return list(session.exec(query))


def _check_some(run: Run, chunk: Sequence[Posting]) -> None:
    looks = _examine(run, chunk)
    if run.mode != "clear":
        _look_into_books(run, [look for look in looks if not look.stops and not look.document.is_empty])
    with run.database.session() as session:
        run.hold_on(session)
        others = [need for look in looks for need in look.wants.currencies]
        links.remember(session, run.book_id, [*wants.seen([look.document for look in looks], run.rules), *others])
        idents = [look.posting.id or 0 for look in looks]
        fresh = posting_rows.of(session, idents, posting_rows.BARE)
        rows = [(fresh[ident], look) for ident, look in zip(idents, looks, strict=True)]
        open_ones = [(row, look) for row, look in rows if row.state == PostingState.READY and not row.checked]
        with posting_problems.prepared(session, idents):
            for row, look in open_ones:
                _settle(session, run, row, look)
        run.changed(session, *(row for row, _ in open_ones))


def _examine(run: Run, chunk: Sequence[Posting]) -> list[Look]:
    with run.database.reading() as session:
        book = session.get_one(Book, run.book_id)
        index, policies = run.index.get(session, run.book_id), wants.policies(book)
        coming = item_accounts.coming(session, run)
        records = dict(_first_records(session, [posting.id or 0 for posting in chunk]))
    looks = []
    for posting in chunk:
        document, remarks = document_of(posting), list[Problem]()
        if posting.role == Role.COGS:
            document, remarks = beside.reduced(document, index)
        document, said = rated(run.destination, document, run.rules, run.rates)
        remarks += said
        found = wants.of(document, index, run.rules, policies, accept=run.accept, coming=coming)
        if posting.role == Role.BILL and (refusal := billing.problem(run, posting)):
            remarks.append(refusal)
        problems = [*remarks, *soundness.problems(document, run.rules), *found.problems]
        look = Look(posting, records[posting.id or 0], document, found, problems)
        if not look.stops and not document.is_empty:
            look.problems += _translation_problems(run, look)
        if found.updates and not look.stops:
            with run.database.reading() as session:
                look.problems += item_accounts.against(session, run, found.updates)
        if not look.stops:
            coming |= item_accounts.added(found.updates)
        looks.append(look)
    return _examine(run, chunk) if _items_anew(run, looks) else looks


def _items_anew(run: Run, looks: Sequence[Look]) -> bool:
    """Before an item is changed, or said to lack an account, items are read as they are now."""
    lacking = any(problem.code == wants.LACKS for look in looks for problem in look.problems)
    if run.items_read or not (lacking or any(look.wants.updates for look in looks)):
        return False
    run.items_read = True
    lists.refresh(run.database, run.destination, run.book_id, (LinkKind.ITEMS,), dt.timedelta(0))
    return True


def rated(
    destination: Destination, document: Document, rules: Rules, known: dict[tuple[str, dt.date], Decimal | None]
) -> tuple[Document, list[Problem]]:
    """The document with its exchange rate; ``known`` keeps what the ledger has said. Raises ConnectionFailedError."""
    key = (document.currency, document.date)

    def ask() -> Decimal | None:
        if key not in known and isinstance(destination, KnowsRates):
            known[key] = destination.exchange_rate(*key)
        return known.get(key)

    document, problem = rates.rated(document, rules, ask if isinstance(destination, KnowsRates) else None)
    return document, [problem] if problem else []


def _first_records(session: Session, postings: Sequence[int]) -> list[tuple[int, str]]:
    query = (
        select(PostingRecord.posting_id, func.min(PostingRecord.record))
        .where(col(PostingRecord.posting_id).in_(postings))
        .group_by(col(PostingRecord.posting_id))
    )
    return list(session.exec(query).all())


def _translation_problems(run: Run, look: Look) -> list[Problem]:
    mark = run.mark(look.record, look.posting.generation, look.posting.role)
    try:
        return list(run.destination.translate(look.document, mark, look.wants.links, run.rules).problems)
    except UntranslatableError as error:
        return list(error.problems)


# ── the first send isn't blind ───────────────────────────────────────────────────────────────────────────────────


def probe(run: Run, posting: Posting, record: str, document: Document, party_id: str, *, exact: bool) -> Probe:
    """What to look for in the books for a posting. One that a person gave another number was looked at: number only."""
    own, bare = document.own_number, ""
    if document.kind in SALES and posting.number.startswith(f"{own}-"):
        party_id = ""
    elif own != document.number:  # a prefix stands before it
        bare = own
    return Probe(
        mark=run.mark(record, posting.generation, posting.role),
        kind=document.kind,
        number=document.number,
        party_id="" if party_id == wants.TO_COME else party_id,
        date=document.date,
        total=document.ledger_total.amount,
        exact=exact,
        look_alikes=not posting.looked_anyway,
        bare_number=bare,
    )


def _look_into_books(run: Run, looks: Sequence[Look]) -> None:
    if not looks:
        return
    probes = []
    for look in looks:
        party = wants.party_of(look.document, look.wants.links)
        exact = look.posting.looked_anyway
        probes.append(probe(run, look.posting, look.record, look.document, party, exact=exact))
    for look, finding in zip(looks, run.destination.find(probes), strict=True):
        look.finding = finding
        if problem := finding_problem(finding):
            look.problems.append(problem)


def finding_problem(finding: Finding | None) -> Problem | None:
    """What a person must decide before anything is sent; None where the way is clear or the document is ours."""
    match finding:
        case LooksAlike(candidates):
            return looks_posted(candidates)
        case Several(receipts_found):
            return several(receipts_found)
        case CannotTell(reason):
            return Problem(
                "cannot_look",
                f"QuickBooks did not say whether it already holds this document: {reason}.",
                "Retry in a minute; nothing was sent.",
            )
        case Found() | Absent() | None:
            return None


def looks_posted(candidates: Sequence[Receipt]) -> Problem:
    """One of the books' documents looks the same but does not carry our mark."""
    first = candidates[0]
    more = f" and {len(candidates) - 1} more" if len(candidates) > 1 else ""
    return Problem(
        "looks_already_posted",
        f"QuickBooks already has {first.number or 'a document without number'} of {_day(first)} over "
        f"{first.total.amount:,.2f}{more}, without Crossfoot’s mark.",
        "Link it if it is the same, post anyway if it is another one, or skip the record.",
        Severity.ERROR,
        technical={"candidates": [to_json(candidate) for candidate in candidates]},
    )


def _day(receipt: Receipt) -> str:
    return f"{receipt.date:%m/%d/%Y}" if receipt.date else "an unknown date"


def several(found: Sequence[Receipt]) -> Problem:
    """More than one document in the books carries our mark: somebody must look at once."""
    return Problem(
        "several_in_books",
        f"QuickBooks holds {len(found)} documents with this record’s mark: "
        f"{', '.join(receipt.number or receipt.ledger_id for receipt in found[:5])}.",
        "Delete or void the extra one in QuickBooks, then link the right one.",
        technical={"candidates": [to_json(receipt) for receipt in found]},
    )


# ── verdict ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _settle(session: Session, run: Run, posting: Posting, look: Look) -> None:
    posting.checked = True
    if run.mode == "clear":
        posting.state, posting.keep = PostingState.SKIPPED, True
        session.add(posting)
        return
    party = wants.party_of(look.document, look.wants.links)
    if party and party != wants.TO_COME:
        posting.party_key = wants.flight_key(look.document, party, look.record)
    session.add(posting)
    if posting.role == Role.COGS:
        beside.keep(session, posting, look.document)
    elif look.document.rate is not None:
        posting.document = to_json(look.document)
    if look.document.is_empty and not look.stops:
        _nothing_to_post(session, posting, look)
        return
    if look.stops:
        posting.checked = False
        posting_problems.hold(session, posting, SectionKey.CHECK, look.problems)
        return
    for problem in look.problems:
        posting_problems.add(session, posting, SectionKey.CHECK, problem)
    if run.mode == "dry":
        _say(session, posting, look)
        return
    if isinstance(look.finding, Found):
        receipts.adopt(session, run, posting, look.document, look.finding.receipt)
        return
    for need, entry in look.wants.exact:
        links.take_exact(session, run.book_id, need, entry, by=run.by)
    item_accounts.want(session, run, look.wants.updates)
    for draft in look.wants.drafts:
        creations.want(session, run, draft)


def _nothing_to_post(session: Session, posting: Posting, look: Look) -> None:
    """What stands beside a document is let go; a document is a person's: it may be closed in the PSA all the same."""
    if posting.role == Role.COGS:
        beside.skipped(session, posting)
        for problem in look.problems:
            posting_problems.add(session, posting, SectionKey.CHECK, problem)
        return
    posting.state = PostingState.SKIPPED
    posting_problems.add(session, posting, SectionKey.CHECK, NOTHING_TO_POST)


def _say(session: Session, posting: Posting, look: Look) -> None:
    """A dry run only says what would be created, linked and found."""
    for problem in wants.remarks(look.wants):
        posting_problems.add(session, posting, SectionKey.CHECK, problem)
    if isinstance(look.finding, Found):
        posting_problems.add(session, posting, SectionKey.CHECK, receipts.found(look.finding.receipt))


NOTHING_TO_POST = Problem(
    "nothing_to_post",
    "There is nothing to post: it would change nothing in the books.",
    "Keep and close marks it as posted in ConnectWise.",
    Severity.INFO,
)
