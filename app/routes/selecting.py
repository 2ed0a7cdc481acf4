"""What the selection page shows: the draft, its list with the readiness of each record, and the bar."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import request
from sqlmodel import Session

from app.domain.problems import Problem
from app.domain.states import RecordKind
from app.models.connections import Book
from app.models.records import Selection, UnpostedList
from app.routes import kinds, shell
from app.routes.guard import me
from app.routes.web import writing
from app.services.batches import approvals, names
from app.services.connections import books
from app.services.records import outlook, precedents, previews, records, selections, views
from app.services.records.outlook import Question
from app.services.records.precedents import Precedent
from app.services.records.records import Brief, Filter, Location, Page, Standing, Sum

#: Above this the bar does not say what would be created and linked; the page before Submit does.
PLANNED = 500


@dataclass(frozen=True)
class Sight:
    """Everything on the page but the rows themselves."""

    book: Book
    source_id: int
    kind: RecordKind
    selection: Selection
    options: Filter
    summary: str
    name: str
    listing: UnpostedList | None
    everywhere: list[Brief]
    offered: list[Brief]
    all: Sum
    chosen: selections.Chosen
    plan: previews.Plan | None
    documents: int

    @property
    def seen(self) -> str:
        """What the page before Submit shows, in short; another tab may choose another company or summary meanwhile."""
        return f"{self.book.id}:{self.summary}:{self.chosen.fingerprint}"

    @property
    def today(self) -> dt.date:
        """Which day it is where the company is."""
        return books.today_of(self.book)

    @property
    def detailed_because(self) -> str:
        """Why the summary level is no choice here."""
        return books.detailed_because(self.book)

    @property
    def approval(self) -> bool:
        """Whether what is submitted waits for another person."""
        return approvals.needed(self.book)


@dataclass(frozen=True)
class Listed:
    """The rows of one page, with what the page says about each."""

    page: Page
    problems: Mapping[str, list[Problem] | None]
    standings: Mapping[str, Standing]
    questions: Mapping[str, Question]
    verdicts: Mapping[str, str]
    counts: Counter[str]
    matching: int
    view: str
    words: str
    sort: str
    after: str
    locations: list[Location]
    precedent: Precedent | None

    @property
    def everywhere(self) -> Sum:
        """What all locations have together."""
        totals = Counter[str]()
        for place in self.locations:
            totals.update(place.sum.cents)
        return Sum(sum(place.sum.count for place in self.locations), dict(totals))

    @property
    def looked(self) -> int:
        return self.counts.total() - self.counts[views.UNLOOKED]


def draft_book(_arguments: Mapping[str, object]) -> int | None:
    """The company of the person's draft, for the guard; None where none is connected that the person may see."""
    with writing() as session:
        return selections.current(session, me().id, kinds.kind()).book_id


def sight(session: Session, selection: Selection, book: Book, kind: RecordKind, *, bar: bool = True) -> Sight:
    """The draft as it stands; what Submit would create only where the bar is shown, because that takes its time.

    Raises ValidationError (batches) where the Book has no PSA.
    """
    shell.use_book(book)
    source_id = book.source_id or 0
    today = books.today_of(book)
    options = selections.wanted(selection, book, today)
    everywhere = records.briefs(session, source_id, kind, options.through)
    offered = [row for row in everywhere if options.location in ("", row.location_id)]
    chosen = selections.chosen(selection, offered)
    asks = bar and len(chosen.records) <= PLANNED
    proposed = names.propose(session, book, kind, me().initials, today)
    return Sight(
        book=book,
        source_id=source_id,
        kind=kind,
        selection=selection,
        options=options,
        summary=selections.summary(selection, book),
        name=selection.options.get("name") or proposed,
        listing=records.as_of(session, source_id, kind),
        everywhere=everywhere,
        offered=offered,
        all=records.sum_of(offered),
        chosen=chosen,
        plan=planned(session, book, source_id, kind, chosen.records) if asks else None,
        documents=selections.documents(session, book, source_id, kind, chosen.records) if bar else 0,
    )


def planned(session: Session, book: Book, source_id: int, kind: RecordKind, chosen: list[str]) -> previews.Plan:
    """What Submit would create and link."""
    return previews.plan(session, book, source_id, kind, chosen)


def going(session: Session, here: Sight, plan: previews.Plan) -> tuple[int, Sum]:
    """How many documents would be posted, and their sum: what is chosen without what the plan sees held."""
    rest = set(here.chosen.records) - set(plan.stopped)
    rows = [row for row in here.offered if row.record in rest]
    count = selections.documents(session, here.book, here.source_id, here.kind, [row.record for row in rows])
    return count, records.sum_of(rows)


def listed(session: Session, here: Sight) -> Listed:
    """One page of the list, as the address asks for it."""
    args = request.values
    view, words, sort, after = (args.get(name, "") for name in ("view", "q", "sort", "after"))
    verdicts = judged(session, here)
    every = [row.record for row in here.offered]
    narrowed = narrow(here.options, view, words, sort, verdicts, every)
    page = records.page(session, here.source_id, here.kind, narrowed, after)
    idents = [row.record for row in page.rows]
    return Listed(
        page=page,
        problems=previews.readiness(session, here.book, page.rows),
        standings=records.standings(session, here.source_id, here.kind, idents),
        questions=outlook.questions(session, here.source_id, here.kind, idents),
        verdicts=verdicts,
        counts=views.counts(verdicts, every),
        matching=len(matching(session, here, narrowed)),
        view=view,
        words=words,
        sort=sort or "number",
        after=after,
        locations=records.locations_of(here.everywhere),
        precedent=precedents.find(session, here.book, here.kind, here.today),
    )


def judged(session: Session, here: Sight) -> Mapping[str, str]:
    """Which view each record is in."""
    return outlook.verdicts(session, here.book, here.source_id, here.kind, here.today)


def ready(session: Session, here: Sight) -> list[str]:
    """What "all ready" takes."""
    verdicts = judged(session, here)
    return selectable(session, here, [row.record for row in here.offered if verdicts.get(row.record) == views.READY])


def matching(session: Session, here: Sight, narrowed: Filter) -> list[str]:
    """Ids of everything that a view and words leave, over all pages."""
    every = list(narrowed.records) if narrowed.records is not None else [row.record for row in here.offered]
    if not narrowed.query:
        return every
    found = set(records.matching(session, here.source_id, here.kind, narrowed))
    return [record for record in every if record in found]


def narrow(options: Filter, view: str, words: str, sort: str, verdicts: Mapping[str, str], every: list[str]) -> Filter:
    """The options, narrowed to a view and to words."""
    chosen = tuple(r for r in every if verdicts.get(r) == view) if view in outlook.VIEWS else None
    return replace(options, query=words, sort=sort or "number", records=chosen)


def selectable(session: Session, here: Sight, wanted: list[str]) -> list[str]:
    """Those that "all" may take: not what a person put on hold, undid or skipped; each of those is asked for singly."""
    standings = records.standings(session, here.source_id, here.kind, wanted)
    return [record for record in wanted if not standings.get(record, records.FREE).only_by_name]
