"""Links from the PSA to a Book's ledger: held in memory for a batch, set by a person, listed with what waits for them.

Verbs that a person uses commit; those that the engine uses inside a larger step leave that to it, and say so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import Session, col, select, update

from app.domain.links import CATEGORY, CREATABLE, NOUNS, Entry, LinkKind, Need, is_category
from app.domain.problems import ValidationError
from app.domain.states import PostingState
from app.models.columns import utcnow
from app.models.connections import Book, Link, ListEntry, ListFetch
from app.models.postings import Posting, PostingProblem
from app.services.mapping import lists
from app.services.people import audit

PERSON, EXACT_NAME, CREATED, TO_CREATE = "person", "exact_name", "created", "to_create"


class Index:
    """All links and cached entries of a Book in memory: a batch resolves thousands of needs without a query."""

    def __init__(
        self,
        links: Mapping[tuple[LinkKind, str], str],
        entries: Iterable[Entry],
        created: Collection[tuple[LinkKind, str]] = (),
        agreed: Collection[tuple[LinkKind, str]] = (),
    ) -> None:
        self._links = dict(links)
        self._created, self._agreed = set(created), set(agreed)
        self._entries: dict[tuple[LinkKind, str], Entry] = {}
        self._named: dict[tuple[LinkKind, str], list[Entry]] = defaultdict(list)
        for entry in entries:
            self._put(entry)

    @classmethod
    def load(cls, session: Session, book_id: int) -> Index:
        """Everything of one Book."""
        query = select(Link.kind, Link.source_id, Link.ledger_id, Link.origin)
        rows = session.exec(query.where(Link.book_id == book_id, _counts())).all()
        stored = {(LinkKind(kind), source_id): ledger_id for kind, source_id, ledger_id, _ in rows if ledger_id}
        created = {(LinkKind(kind), ledger_id) for kind, _, ledger_id, origin in rows if origin == CREATED}
        agreed = {(LinkKind(kind), source_id) for kind, source_id, _, origin in rows if origin == TO_CREATE}
        return cls(stored, (e for kind in LinkKind for e in lists.entries(session, book_id, kind)), created, agreed)

    def linked(self, kind: LinkKind, source_id: str) -> str:
        """The ledger id that a PSA id is linked to, or nothing; also where the ledger's list no longer has it."""
        return self._links.get((kind, source_id), "")

    def entry(self, kind: LinkKind, source_id: str) -> Entry | None:
        """The entry that a PSA id is linked to, perhaps inactive; None without a link, or where it is gone."""
        return self._entries.get((kind, self.linked(kind, source_id)))

    def created(self, entry: Entry) -> bool:
        """Whether it was us who put the entry into the ledger."""
        return (entry.kind, entry.ledger_id) in self._created

    def agreed(self, kind: LinkKind, source_id: str) -> bool:
        """Whether a person has agreed that just this entry is created, or completed."""
        return (kind, source_id) in self._agreed

    def exact(self, kind: LinkKind, name: str) -> Entry | None:
        """The active entry of exactly this name, as the ledger compares: without case. None where there are several."""
        found = [entry for entry in self._named[kind, _same(name)] if entry.active]
        return found[0] if len(found) == 1 else None

    def add(self, kind: LinkKind, source_id: str, entry: Entry) -> None:
        """A link that was made since."""
        self._put(entry)
        self._links[kind, source_id] = entry.ledger_id

    def _put(self, entry: Entry) -> None:
        self._entries[entry.kind, entry.ledger_id] = entry
        if entry.its_own:
            own = CATEGORY if is_category(entry) else ""
            for name in {_same(entry.name), _same(entry.path)} - {""}:
                self._named[entry.kind, own + name].append(entry)


def _same(name: str) -> str:
    return " ".join(name.split()).casefold()


def _counts() -> Any:
    """SQL: linked, or agreed to be created; the rest was only seen."""
    return or_(col(Link.ledger_id) != "", col(Link.origin) == TO_CREATE)


class CurrentIndex:
    """A Book's index, loaded anew only when a link or a list has changed since: looking for that costs a thousandth."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[object, ...], Index] = ((), Index({}, []))  # one value: threads share it

    def get(self, session: Session, book_id: int) -> Index:
        """The index as the rows are now. Not to be changed by the caller."""
        now, (then, index) = state(session, book_id), self._kept
        if now != then:
            index = Index.load(session, book_id)
            self._kept = now, index
        return index


def state(session: Session, book_id: int) -> tuple[object, ...]:
    """Differs as soon as a link or a list of the Book does; what is only seen and not linked counts for nothing."""
    linked = (Link.book_id == book_id, _counts())
    return (
        *session.exec(select(func.count(), func.max(Link.at)).where(*linked)).one(),
        *session.exec(select(func.count(), func.max(ListEntry.id)).where(ListEntry.book_id == book_id)).one(),
        *session.exec(select(ListFetch.at).where(ListFetch.book_id == book_id).order_by(ListFetch.kind)),
    )


def remember(session: Session, book_id: int, needs: Iterable[Need]) -> None:
    """Note what the PSA's documents refer to, so that lists show it, linked or not. The caller commits."""
    wanted = {(need.kind, need.source_id): need.name for need in needs}
    known = _names(session, book_id, wanted)
    for (kind, source_id), name in wanted.items():
        if known.get((kind, source_id), name) != name:
            row = session.exec(select(Link).where(*_is(book_id, kind, source_id))).one()
            row.source_name = name
            session.add(row)
    fresh = [_row(book_id, kind, source_id, name) for (kind, source_id), name in wanted.items()
             if (kind, source_id) not in known]  # fmt: skip
    if fresh:
        session.exec(_insert(session).on_conflict_do_nothing(), params=fresh)  # another batch may be first
    session.flush()


def _names(session: Session, book_id: int, wanted: Iterable[tuple[LinkKind, str]]) -> dict[tuple[LinkKind, str], str]:
    """What those that are known already are called."""
    by_kind: dict[LinkKind, list[str]] = defaultdict(list)
    for kind, source_id in wanted:
        by_kind[kind].append(source_id)
    found = {}
    for kind, idents in by_kind.items():
        for start in range(0, len(idents), 500):
            query = select(Link.source_id, Link.source_name).where(Link.book_id == book_id, Link.kind == kind)
            some = session.exec(query.where(col(Link.source_id).in_(idents[start : start + 500])))
            found.update({(kind, source_id): name for source_id, name in some})
    return found


def take_exact(session: Session, book_id: int, need: Need, entry: Entry, *, by: str) -> None:
    """Link by exactly the same name; a link that a person made meanwhile stays. The caller commits."""
    _link_if_unlinked(session, book_id, need.kind, need.source_id, need.name, entry, EXACT_NAME, by)


def record_created(session: Session, book_id: int, source_id: str, source_name: str, entry: Entry, *, by: str) -> None:
    """Put an entry that was just created into the cached list and link to it. The caller commits."""
    lists.put(session, book_id, entry)
    _link_if_unlinked(session, book_id, entry.kind, source_id, source_name, entry, CREATED, by)


def _link_if_unlinked(  # noqa: PLR0917 - the columns of one row, in their order
    session: Session, book_id: int, kind: LinkKind, source_id: str, name: str, entry: Entry, origin: str, by: str
) -> None:
    session.exec(_insert(session).values(_row(book_id, kind, source_id, name)).on_conflict_do_nothing())
    values = {"ledger_id": entry.ledger_id, "origin": origin, "by": by, "at": utcnow()}
    if session.exec(update(Link).where(*_is(book_id, kind, source_id), _free(book_id, kind)).values(values)).rowcount:
        subject = f"{kind}:{source_id}"
        audit.record(session, by, f"link.{origin}", subject, book=book_id, new=entry.ledger_id, name=entry.name)


def _free(book_id: int, kind: LinkKind) -> Any:
    """SQL: not linked, or to what is gone from the ledger."""
    known = select(ListEntry.ledger_id).where(ListEntry.book_id == book_id, ListEntry.kind == kind)
    return or_(col(Link.ledger_id) == "", col(Link.ledger_id).not_in(known))


def agree(session: Session, book: Book, kind: LinkKind, source_id: str, *, by: str) -> None:
    """A person wants just this entry created, or an item's account added; nothing else. The caller commits.

    Raises ValidationError: the kind is never created.
    """
    if kind not in CREATABLE:
        raise ValidationError(f"QuickBooks’ {NOUNS[kind]} is never created.", "Link it to one that is there.")
    own = _is(book.id or 0, kind, source_id)
    if kind is LinkKind.ITEMS or session.exec(select(Link.id).where(*own, _free(book.id or 0, kind))).first():
        session.exec(_insert(session).values(_row(book.id or 0, kind, source_id, source_id)).on_conflict_do_nothing())
        session.exec(update(Link).where(*own).values(origin=TO_CREATE, by=by, at=utcnow()))
        audit.record(session, by, "link.to_create", f"{kind}:{source_id}", book=book.id)


def set_link(session: Session, book: Book, kind: LinkKind, source_id: str, ledger_id: str, *, by: str) -> Link:
    """A person's link, also from an id never seen in the PSA; replaces an older one, and commits.

    Raises ValidationError where the ledger's cached list has no such entry, or only an inactive one.
    """
    row = put(session, book, kind, source_id, ledger_id, by=by)
    session.commit()
    return row


def put(session: Session, book: Book, kind: LinkKind, source_id: str, ledger_id: str, *, by: str) -> Link:
    """The same as ``set_link``; the caller commits."""
    book_id, source_id = book.id or 0, source_id.strip()
    if not source_id or len(source_id) > 200 or not source_id.isprintable():
        raise ValidationError("The PSA’s id is missing or too long.", "Give the id as `mappings list` prints it.")
    entry = linkable(session, book_id, kind, ledger_id.strip())
    row = session.exec(select(Link).where(*_is(book_id, kind, source_id))).first()
    row = row or Link(book_id=book_id, kind=kind, source_id=source_id)
    old = row.ledger_id
    row.ledger_id, row.origin, row.by, row.at = entry.ledger_id, PERSON, by, utcnow()
    session.add(row)
    subject = f"{kind}:{source_id}"
    audit.record(session, by, "link.person", subject, book=book_id, old=old, new=entry.ledger_id, name=entry.name)
    return row


def linkable(session: Session, book_id: int, kind: LinkKind, ledger_id: str) -> Entry:
    """The active entry of the ledger's cached list. Raises ValidationError."""
    entry, noun = lists.entry(session, book_id, kind, ledger_id), NOUNS[kind]
    if entry is None:
        raise ValidationError(
            f"QuickBooks has no {noun} with the id “{ledger_id}”.",
            f"Refresh the list and choose one of its {kind.replace('_', ' ')}.",
        )
    if not entry.active:
        raise ValidationError(
            f"QuickBooks’ {noun} “{entry.name}” is inactive.", "Make it active there, or choose another one."
        )
    return entry


@dataclass(frozen=True, slots=True)
class Linked:
    """One row of the list under Mappings.

    Attributes:
        ledger_name: empty where it is not linked, or where the ledger no longer has the entry (``gone``).
        origin: how the link came about: ``person``, ``exact_name``, ``created``; empty without a link.
        waiting: how many held documents it stops.
    """

    source_id: str
    source_name: str
    ledger_id: str
    ledger_name: str
    origin: str
    waiting: int
    gone: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form of the contract."""
        names = ("source_id", "source_name", "ledger_id", "ledger_name", "origin", "waiting")
        return {name: getattr(self, name) for name in names}


def listing(session: Session, book: Book, kind: LinkKind) -> list[Linked]:
    """Every link of a kind, also what is not linked: what stops most first, then the unlinked, then by name."""
    book_id = book.id or 0
    names = {entry.ledger_id: entry.name for entry in lists.entries(session, book_id, kind)}
    stops = waiting(session, book_id, kind)
    rows = [
        Linked(
            row.source_id, row.source_name, row.ledger_id, names.get(row.ledger_id, ""), origin_of(row),
            stops[row.source_id], gone=bool(row.ledger_id) and row.ledger_id not in names,
        )
        for row in _all(session, book_id, kind)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row.waiting, bool(row.ledger_id), row.source_name.casefold(), row.source_id))


def origin_of(row: Link) -> str:
    """How the link came about; empty without one."""
    return "" if not row.ledger_id else PERSON if row.origin == TO_CREATE else row.origin


def waiting(session: Session, book_id: int, kind: LinkKind) -> Counter[str]:
    """PSA id → how many held documents a missing link stops."""
    start = f"{kind}:"
    query = (
        select(PostingProblem.subject, func.count(func.distinct(PostingProblem.posting_id)))
        .join(Posting, col(Posting.id) == PostingProblem.posting_id)
        .where(Posting.book_id == book_id, Posting.state == PostingState.HELD)
        .where(col(PostingProblem.subject).startswith(start, autoescape=True))
        .group_by(PostingProblem.subject)
    )
    return Counter({subject.removeprefix(start): count for subject, count in session.exec(query)})


def _all(session: Session, book_id: int, kind: LinkKind | None = None) -> list[Link]:
    query = select(Link).where(Link.book_id == book_id)
    return list(session.exec(query.where(Link.kind == kind) if kind else query))


def _is(book_id: int, kind: LinkKind, source_id: str) -> tuple[Any, Any, Any]:
    return col(Link.book_id) == book_id, col(Link.kind) == kind, col(Link.source_id) == source_id


def _row(book_id: int, kind: LinkKind, source_id: str, name: str) -> dict[str, Any]:
    return {"book_id": book_id, "kind": str(kind), "source_id": source_id, "source_name": name, "ledger_id": "",
            "origin": "", "by": "", "at": utcnow()}  # fmt: skip


def _insert(session: Session) -> Any:
    """INSERT that can leave out rows that are there already; both databases can, each in its own dialect."""
    dialect = import_module(
        f"sqlalchemy.dialects.{session.get_bind().dialect.name}"
    )  # the other one takes long to load
    return dialect.insert(Link)
