"""Customers, terms, products & services: what documents need and the ledger doesn't have yet, created once each.

Each creation is an intent of its own, unique per (Book, kind, source id). A name is held by one entry only, so a doubt
ends by looking for the name: found is adopted, absent may be sent again without a risk of two.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from app.connectors.protocols import Created, CreationOutcome, NameTaken, Slot, UntranslatableError, Wait
from app.domain.codec import to_json
from app.domain.links import Draft, Entry, LinkKind, above
from app.domain.outcomes import InDoubt, NotDone, Refused
from app.domain.problems import Problem, Severity
from app.domain.states import SectionKey
from app.models.columns import utcnow
from app.models.postings import Creation
from app.services.mapping import links, lists
from app.services.posting import new_entries
from app.services.posting.creations import draft_of
from app.services.posting.new_entries import Names
from app.services.posting.run import Lanes, Run, SystemicError

#: Kinds by section, in the order in which they need each other.
SECTIONS = (
    (
        SectionKey.PARTIES,
        (LinkKind.CUSTOMERS, LinkKind.VENDORS, LinkKind.TERMS, LinkKind.CLASSES, LinkKind.LOCATIONS),
    ),
    (SectionKey.ITEMS, (LinkKind.ITEMS,)),
)
MOST_TRIES = 4
#: Of those that wait for what they stand under, so many are looked at.
MOST_LOOKED_AT = 50
LOOK_AGAIN = dt.timedelta(seconds=3)


def create(run: Run, lanes: Lanes) -> None:
    """Create everything the batch wants. A refused one is a problem of its documents, not of the batch."""
    for key, kinds in SECTIONS:
        if not _open(run, kinds):
            continue
        run.begin(key)
        _adopt_orphans(run, kinds)
        names = new_entries.names(run, kinds)
        while _open(run, kinds):
            if run.stopping():
                lanes.drain()
                return
            pause = _start(run, lanes, kinds, names)
            _look(run, kinds, names)
            if not lanes.settle(min(pause, 1.0)):
                time.sleep(0 if lanes.busy else min(pause, 0.2))
        lanes.drain()
        run.end(key)


def _open(run: Run, kinds: Collection[LinkKind]) -> bool:
    with run.database.reading() as session:
        query = select(Creation.id).where(Creation.batch_id == run.batch_id, col(Creation.kind).in_(kinds))
        return session.exec(query.where(col(Creation.state).not_in(("done", "refused")))).first() is not None


def _adopt_orphans(run: Run, kinds: Collection[LinkKind]) -> None:
    """A creation that an earlier run left on the wire is in doubt."""
    with run.database.session() as session:
        run.hold_on(session)
        session.exec(
            update(Creation)
            .where(col(Creation.batch_id) == run.batch_id, col(Creation.kind).in_(kinds))
            .where(col(Creation.state) == "sending")
            .values(state="in_doubt", look_at=utcnow())
        )
        session.commit()


# ── one creation ─────────────────────────────────────────────────────────────────────────────────────────────────


def _start(run: Run, lanes: Lanes, kinds: Collection[LinkKind], names: Names) -> float:
    """Send what can be sent; answers the seconds until it makes sense to come back."""
    while lanes.free("documents"):
        creation = _next(run, kinds)
        if creation is None:
            return 0.2
        prepared = _prepare(run, creation, names)
        if prepared is None:
            continue
        slot = run.destination.reserve(0)
        if isinstance(slot, Wait):
            run.wait_note(slot.reason, slot.seconds)
            return slot.seconds
        run.wait_note("", 0)
        if not _intend(run, creation, *prepared):
            slot.release(sent=False)
            return 0.1  # asked to stop, or another run has it: look again
        # Only now: one that had to wait for a slot keeps its own name.
        names.taken(LinkKind(creation.kind)).add(prepared[0].casefold())
        _go(run, lanes, creation, prepared, slot, names)
    return 0.2


def _go(run: Run, lanes: Lanes, creation: Creation, prepared: tuple[str, str], slot: Slot, names: Names) -> None:
    kind, ident, request_id = LinkKind(creation.kind), creation.id or 0, creation.request_id
    body = prepared[1]
    lanes.go(
        "documents",
        lambda: run.destination.create(kind, body, request_id, slot),
        lambda outcome: _settle(run, ident, request_id, outcome, names),
    )


def _next(run: Run, kinds: Collection[LinkKind]) -> Creation | None:
    with run.database.reading() as session:
        query = (
            select(Creation)
            .where(Creation.batch_id == run.batch_id, Creation.state == "wanted", col(Creation.kind).in_(kinds))
            .where((col(Creation.look_at).is_(None)) | (col(Creation.look_at) <= utcnow()))
            .order_by(col(Creation.id))
            .limit(MOST_LOOKED_AT)
        )
        candidates = session.exec(query).all()
        return next((one for one in candidates if not _waits(run, session, one)), None)


def _waits(run: Run, session: Session, creation: Creation) -> bool:
    """What it stands under is still to be created, or on its way."""
    draft = draft_of(creation)
    names = [parent.source_id for parent in above(draft, run.rules)]
    query = select(Creation).where(Creation.batch_id == run.batch_id, Creation.kind == creation.kind)
    query = query.where(col(Creation.state).not_in(("done", "refused")))
    if draft.parent:
        leaf = draft.parent.rpartition(":")[2].strip()
        open_ones = session.exec(query.where(col(Creation.name).startswith(leaf, autoescape=True))).all()
        return any(_of_psa(draft_of(one)) == draft.parent for one in open_ones)
    return bool(names) and session.exec(query.where(col(Creation.source_id).in_(names))).first() is not None


def _of_psa(draft: Draft) -> str:
    """The whole name that the PSA gives to a customer."""
    return draft.party.name.strip() if draft.party else ""


def _prepare(run: Run, creation: Creation, names: Names) -> tuple[str, str] | None:
    """Name and exact body; the name made valid and unique. None when it turned out that nothing must be created."""
    draft = draft_of(creation)
    if creation.request_id and creation.body:
        return creation.name, creation.body
    linked = names.index.entry(draft.kind, draft.source_id)
    if linked is not None:
        _finish(run, creation.id or 0, linked, "")
        return None
    if draft.parent:
        draft = new_entries.under_parent(run, names, draft)
    try:
        taken = names.taken(draft.kind)
        name = new_entries.unique_name(draft, taken, lambda name: run.destination.valid_name(draft.kind, name))
        body = run.destination.draft_body(draft, name, new_entries.linked(names, draft, run.rules), run.rules)
    except UntranslatableError as error:
        _refuse(run, creation.id or 0, error.problems[0])
        return None
    return name, body


def _intend(run: Run, creation: Creation, name: str, body: str) -> bool:
    creation.request_id = creation.request_id or secrets.token_hex(16)
    with run.database.session() as session:
        claimed = session.exec(
            update(Creation)
            .where(col(Creation.id) == creation.id, col(Creation.state) == "wanted", run.still_ours())
            .values(state="sending", name=name, body=body, request_id=creation.request_id, sent_at=utcnow())
        ).rowcount
        session.commit()
    return claimed == 1


# ── outcome ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _settle(run: Run, ident: int, request_id: str, outcome: CreationOutcome, names: Names) -> None:
    """A success is recorded whatever happened meanwhile; anything else counts only while this request is under way."""
    if not isinstance(outcome, Created) and not _under_way(run, ident, request_id):
        return
    match outcome:
        case Created(entry, note):
            names.index.add(entry.kind, _source_id(run, ident), entry)
            _finish(run, ident, entry, note)
        case NameTaken(problem):
            _name_taken(run, ident, problem, names)
        case Refused(problem):
            _refuse(run, ident, problem)
        case NotDone(_, wait, systemic):
            _set(run, ident, state="wanted", look_at=utcnow() + dt.timedelta(seconds=wait))
            if systemic:
                raise SystemicError(systemic)
        case InDoubt():
            _set(run, ident, state="in_doubt", look_at=utcnow() + dt.timedelta(seconds=1))


def _under_way(run: Run, ident: int, request_id: str) -> bool:
    """False where another worker has taken it over from this one, which was frozen meanwhile."""
    with run.database.reading() as session:
        creation = session.get_one(Creation, ident)
        return creation.state == "sending" and creation.request_id == request_id


def _source_id(run: Run, ident: int) -> str:
    with run.database.reading() as session:
        return session.get_one(Creation, ident).source_id


def _set(run: Run, ident: int, **values: object) -> None:
    with run.database.session() as session:
        run.hold_on(session)
        session.exec(update(Creation).where(col(Creation.id) == ident).values(**values))
        run.changed(session)


def _finish(run: Run, ident: int, entry: Entry, note: str) -> None:
    with run.database.session() as session:
        creation = session.get_one(Creation, ident)
        draft = draft_of(creation)
        creation.state, creation.ledger_id, creation.problem = "done", entry.ledger_id, None
        if note or entry.name != draft.name:
            creation.problem = to_json(_renamed(draft, entry))
        session.add(creation)
        links.record_created(session, run.book_id, draft.source_id, draft.name, entry, by=run.by)
        run.log(session, f"{draft.kind.removesuffix('s').capitalize()} “{entry.name}” is in QuickBooks.",
                ledger_id=entry.ledger_id, note=note)  # fmt: skip
        run.changed(session)


def _renamed(draft: Draft, entry: Entry) -> Problem:
    return Problem(
        "name_changed",
        f"“{draft.name}” is named “{entry.name}” in QuickBooks: its own name was taken or not allowed there.",
        "Rename it in QuickBooks if you like; the link stays.",
        severity=Severity.INFO,
        subject=f"{draft.kind}:{draft.source_id}",
    )


def _refuse(run: Run, ident: int, problem: Problem) -> None:
    with run.database.session() as session:
        run.hold_on(session)
        creation = session.get_one(Creation, ident)
        about = problem.subject or f"{creation.kind}:{creation.source_id}"
        creation.state, creation.problem = "refused", to_json(replace(problem, subject=about))
        session.add(creation)
        run.log(session, f"“{creation.name}” was not created: {problem.message}", **problem.technical)
        run.changed(session)


def _name_taken(run: Run, ident: int, problem: Problem, names: Names) -> None:
    """Either it exists under exactly this name (then it is linked), or somebody else holds the name."""
    with run.database.reading() as session:
        creation = session.get_one(Creation, ident)
    if creation.generation >= MOST_TRIES:
        _refuse(run, ident, problem)
        return
    entry = _in_ledger(run, creation)
    if entry is not None:
        names.index.add(entry.kind, creation.source_id, entry)
        _finish(run, ident, entry, "")
        return
    names.taken(LinkKind(creation.kind)).add(creation.name.casefold())
    _set(run, ident, state="wanted", generation=creation.generation + 1, request_id="", body="")


def _in_ledger(run: Run, creation: Creation) -> Entry | None:
    """The active entry of exactly the name that was sent, read from the ledger now."""
    kind = LinkKind(creation.kind)
    lists.refresh(run.database, run.destination, run.book_id, (kind,), dt.timedelta(0))
    with run.database.reading() as session:
        found: Sequence[Entry] = lists.entries(session, run.book_id, kind)
    own = [entry for entry in found if entry.its_own and entry.active]
    return next((entry for entry in own if entry.name.casefold() == creation.name.casefold()), None)


def _look(run: Run, kinds: Collection[LinkKind], names: Names) -> None:
    """Creations in doubt: found by name they are done; absent, the identical request goes again."""
    with run.database.reading() as session:
        query = select(Creation).where(
            Creation.batch_id == run.batch_id,
            Creation.state == "in_doubt",
            col(Creation.kind).in_(kinds),
            col(Creation.look_at) <= utcnow(),
        )
        due = list(session.exec(query))
    for creation in due:
        entry = _in_ledger(run, creation)
        if entry is not None:
            names.index.add(entry.kind, creation.source_id, entry)
            _finish(run, creation.id or 0, entry, "")
        else:
            _set(run, creation.id or 0, state="wanted", look_at=utcnow() + LOOK_AGAIN)


def tally(session: Session, batch_id: int) -> dict[str, Counter[str]]:
    """How many creations of a batch are in each state, per kind."""
    query = select(Creation.kind, Creation.state, func.count()).group_by(Creation.kind, Creation.state)
    found: dict[str, Counter[str]] = {}
    for kind, state, count in session.exec(query.where(Creation.batch_id == batch_id)):
        found.setdefault(kind, Counter())[state] = count
    return found
