"""The way that a person came to a record by: the list or batch, and what comes before and after there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import request, url_for
from sqlmodel import Session

from app.domain.states import RecordKind
from app.models.batches import Batch
from app.models.connections import Book
from app.routes import selecting
from app.routes.guard import me
from app.routes.kinds import words_of
from app.routes.web import writing
from app.services.records import neighbours, records, selections
from app.services.records.neighbours import Neighbours

#: What of an address says which list was shown; the rest of it is not passed on.
KEPT = ("batch", "list", "view", "q", "state", "sort")
NOBODY = Neighbours("", "", 0, 0)


@dataclass(frozen=True)
class Trail:
    """``back`` is the list as it was filtered, ``words`` its name. Without neighbours ``beside.count`` is 0."""

    back: str
    words: str
    beside: Neighbours
    address: Callable[[str], str]

    @property
    def previous(self) -> str:
        """Address of the record before; empty at the beginning."""
        return self.address(self.beside.previous) if self.beside.previous else ""

    @property
    def following(self) -> str:
        """Address of the record after; empty at the end."""
        return self.address(self.beside.following) if self.beside.following else ""


def kept() -> dict[str, Any]:
    """What leads back: passed on by every link and form of a record's page."""
    return {name: request.args[name] for name in KEPT if request.args.get(name)}


def _only(args: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: args[name] for name in names if name in args}


def trail(session: Session, book: Book, kind: RecordKind, record: str, batch: Batch | None) -> Trail:
    """By the address; where it says nothing, the record's own batch, else the list of what is unposted."""
    args = kept()
    wanted = session.get(Batch, int(args["batch"])) if args.get("batch", "").isdecimal() else None
    came_by = wanted or (None if "list" in args else batch)

    def address(other: str) -> str:
        return url_for("records.show", book_id=book.id, kind=kind, record=other, **args)

    if came_by is not None:
        state, sort = args.get("state", ""), args.get("sort", "number")
        beside = neighbours.in_batch(session, came_by, record, state=state, sort=sort)
        back = url_for("batches.show", batch_id=came_by.id, **_only(args, "state", "sort"))
        return Trail(back, came_by.name, beside or NOBODY, address)
    shown = _only(args, "view", "q", "sort")
    back = url_for("run.show", kind=kind, **shown)
    return Trail(back, words_of(kind).title, _listed(session, book, kind, record, shown) or NOBODY, address)


def _listed(session: Session, book: Book, kind: RecordKind, record: str, shown: dict[str, str]) -> Neighbours | None:
    """In the list of what is unposted, as the person's options and the address narrow it."""
    with writing() as own:
        selection = selections.current(own, me().id, kind)
    if book.source_id is None or selection.book_id != book.id:
        return None
    here = selecting.sight(session, selection, book, kind, bar=False)
    narrowed = replace(here.options, query=shown.get("q", ""), sort=shown.get("sort", "number"))
    found = records.ordered(session, here.source_id, kind, narrowed)
    if view := shown.get("view"):
        verdicts = selecting.judged(session, here)
        seen = [one for one in found if verdicts.get(one) == view]
        return neighbours.among(seen, record) or neighbours.among(found, record)
    return neighbours.among(found, record)
