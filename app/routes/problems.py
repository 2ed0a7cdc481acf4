"""Problem drawers: what happened, to which documents, and the fix, with how many it solves.

The same drawer stands in a batch, for its documents, and under Needs Attention, for those of all batches of a company.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from app.connectors.protocols import ConnectionFailedError
from app.domain.links import CREATABLE, NOUNS, LinkKind
from app.domain.problems import CrossfootError, NotFoundError, Problem, ValidationError
from app.domain.states import STOPPED, PostingState, RecordKind
from app.jobs import doorbell
from app.models.batches import Batch
from app.models.connections import Book, Link
from app.models.postings import Posting, PostingProblem
from app.routes import fixes, fragments, pacing, shell
from app.routes.formats import plural
from app.routes.guard import local_path, me, requires
from app.routes.mapping_lists import TITLES
from app.routes.mappings import offers
from app.routes.web import reading, web, writing
from app.services.batches import afterwards, batches, decisions, problem_groups, redating, renaming
from app.services.connections import books
from app.services.mapping import links, workbench
from app.services.posting import posting_problems, posting_rows, reloading
from app.services.records import support

problems = Blueprint("problems", __name__)
Found = list[problem_groups.Entry]
#: So many documents a drawer shows; what it counts, sums and does is for all of them.
SHOWN = 200
#: What the drawer asks for -> the decision that it is about.
OFFERED = {"asks": "post", "keeps": "keep", "skips": "skip", "renumbers": "renumber"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a drawer stands: in a batch, or (``batch_id`` 0) over all batches of a company, in one state.

    ``came_from`` is the page to go back to, where it is another one than the batch's or Needs Attention.
    """

    key: str
    book_id: int
    batch_id: int = 0
    state: str = ""
    came_from: str = ""

    @property
    def address(self) -> str:
        """Of the drawer."""
        if self.batch_id:
            return url_for("problems.show", batch_id=self.batch_id, key=self.key, back=self._came_from)
        return url_for("problems.show_all", book_id=self.book_id, state=self.state, key=self.key)

    @property
    def _came_from(self) -> str | None:
        return self.came_from or None

    @property
    def decide(self) -> str:
        """Where its decisions are posted to."""
        if self.batch_id:
            return url_for("problems.decide", batch_id=self.batch_id, back=self._came_from)
        return url_for("problems.decide_all", book_id=self.book_id, state=self.state)

    @property
    def back(self) -> str:
        """The page that it was opened from."""
        own = url_for("batches.show", batch_id=self.batch_id) if self.batch_id else url_for("attention.show")
        return local_path(self.came_from) if self.came_from else own

    def documents(self, session: Session) -> Found:
        """What it is about, by number."""
        return problem_groups.documents(
            session, self.key, batch_id=self.batch_id, book_id=self.book_id, state=self.state
        )


def _in_batch(batch_id: int, key: str) -> Place:
    book_id = batches.find(reading(), batch_id).book_id
    return Place(key, book_id, batch_id, came_from=request.args.get("back", ""))


@problems.get("/batches/<int:batch_id>/problems/<path:key>")
@requires("viewer")
def show(batch_id: int, key: str) -> ResponseReturnValue:
    """The drawer of one cause; a page of its own without JavaScript."""
    return _drawer(_in_batch(batch_id, key))


@problems.get("/attention/<int:book_id>/<state>/<path:key>")
@requires("viewer")
def show_all(book_id: int, state: str, key: str) -> ResponseReturnValue:
    """The same over all batches."""
    return _drawer(Place(key, book_id, state=state))


def _drawer(place: Place, status: int = 200, **more: Any) -> ResponseReturnValue:
    session = reading()
    book, found = session.get(Book, place.book_id), place.documents(session)
    if book is None or not found:
        raise NotFoundError("This problem is solved, or was never there.", "Look at the batch again.")
    shell.use_book(book)
    sample = posting_problems.to_problem(session.get_one(PostingProblem, found[0].problem))
    shown, batches_of = _shown(session, found[:SHOWN]), _batches(session, found)
    reloadable = sample.code in reloading.CURED and all(each.kind == RecordKind.INVOICES for each in batches_of)
    return fragments.page_or_fragment(
        "problems/show.html",
        "problems/_drawer.html",
        status=status,
        place=place,
        book=book,
        problem=sample,
        found=found,
        documents=shown,
        batches=batches_of,
        sums=_sums(found),
        **{name: [entry for entry in found if choice in entry.choices] for name, choice in OFFERED.items()},
        seen=_seen,
        again=_again(found, retryable=sample.code in afterwards.RETRIED),
        for_support=support.of_problem(
            book, sample, len(found), [(entry["posting"], entry["batch"], entry["record"]) for entry in shown]
        ),
        reloadable=reloadable,
        reloaded=reloading.last(session, [entry.posting for entry in found[:SHOWN]]) if reloadable else None,
        **_linking(session, book, sample.subject),
        **_others(session, book, sample),
        **more,
    )


def _seen(some: Found) -> str:
    """Which documents these are, in short: so that what is decided about all of them is about no other."""
    return hashlib.sha256("\n".join(f"{entry.batch}:{entry.record}" for entry in some).encode()).hexdigest()[:16]


def _again(found: Found, *, retryable: bool) -> int:
    """How many of them a retry would send again; ``retryable``: also what is posted, for the sake of the rest."""
    states = (*STOPPED, PostingState.POSTED, PostingState.CLOSED) if retryable else STOPPED
    return sum(entry.state in states for entry in found)


def _others(session: Session, book: Book, problem: Problem) -> dict[str, Any]:
    source_name = _linking(session, book, problem.subject).get("source_name", "")
    return fixes.offered(session, book, problem, source_name)


def _shown(session: Session, found: Found) -> list[dict[str, Any]]:
    """These documents as the drawer shows them, with what may be decided about each."""
    postings = posting_rows.of(session, [entry.posting for entry in found], posting_rows.BARE)
    query = select(PostingProblem.id, PostingProblem.message)
    messages = dict(session.exec(query.where(col(PostingProblem.id).in_([entry.problem for entry in found]))).all())
    by_id = {batch.id: batch for batch in _batches(session, found)}
    return [
        {
            "posting": postings[entry.posting],
            "batch": by_id[entry.batch],
            "message": messages[entry.problem],
            "record": entry.record,
            "choices": entry.choices,
            "candidates": decisions.candidates(session, postings[entry.posting]) if "post" in entry.choices else [],
            "number": decisions.number_for(session, postings[entry.posting], entry.choices),
        }
        for entry in found
    ]


def _batches(session: Session, found: Found) -> list[Batch]:
    """Whose documents they are, each once."""
    idents = list(dict.fromkeys(entry.batch for entry in found))
    return [session.get_one(Batch, ident) for ident in idents]


def _sums(found: Found) -> dict[str, int]:
    totals: dict[str, int] = {}
    for entry in found:
        totals[entry.currency] = totals.get(entry.currency, 0) + entry.cents
    return totals


def _linking(session: Session, book: Book, subject: str) -> dict[str, Any]:
    """Where a link solves it: of what kind, for which PSA id, and what may be chosen."""
    name, _, source_id = subject.partition(":")
    if name not in set(LinkKind) or not source_id:
        return {"kind": None}
    kind = LinkKind(name)
    link = session.exec(
        select(Link).where(Link.book_id == book.id, Link.kind == kind, Link.source_id == source_id)
    ).first()
    source_name = link.source_name if link and link.source_name else source_id
    words = request.args.get("q", "")
    return {
        "kind": kind,
        "noun": NOUNS[kind],
        "titles": TITLES,
        "source_id": source_id,
        "source_name": source_name,
        "creatable": kind in CREATABLE and books.setting_of(book, f"links.{kind}.missing") != "never",
        "words": words,
        "offers": offers(session, book, kind, workbench.named(kind, source_id, source_name), words),
    }


@problems.post("/batches/<int:batch_id>/problems/<path:key>")
@requires("bookkeeper")
def fix(batch_id: int, key: str) -> ResponseReturnValue:
    """Link, create, or just again: then every document of the group goes again."""
    return _fix(_in_batch(batch_id, key))


@problems.post("/attention/<int:book_id>/<state>/<path:key>")
@requires("bookkeeper")
def fix_all(book_id: int, state: str, key: str) -> ResponseReturnValue:
    """One fix for the documents of every batch that has any."""
    return _fix(Place(key, book_id, state=state))


def _fix(place: Place) -> ResponseReturnValue:
    form, how = request.form, request.form.get("how", "retry")
    count, again, subject = 0, list[int](), place.key.partition(":")[2]
    try:
        if how == "wake":
            flash(fixes.wake(reading().get_one(Book, place.book_id), subject))
        with writing() as session:
            found = place.documents(session)
            if how == "hold":
                held = fixes.hold(session, _postings(session, found), reason=form.get("reason", ""))
                return _done(
                    place, [], f"{plural(held, 'record')} on hold; nothing posts them until somebody releases them."
                )
            _mend(session, session.get_one(Book, place.book_id), how, subject, found)
            for batch_id, own in _by_batch(found).items():
                batch = batches.find(session, batch_id)
                if how == "reload":
                    count += reloading.ask(session, batch, _postings(session, own), by=me().email)
                    doorbell.ring(web().settings.redis_url, "reload", batch.source_id)
                    continue
                idents = [entry.posting for entry in own]
                count += batches.retry(session, batch, by=me().email, postings=idents)
                again.append(batch_id)
    except CrossfootError as error:
        return _drawer(place, 422, error=error)
    if how == "reload":
        return _done(
            place, again, f"{plural(count, 'invoice')} will be reopened and closed in ConnectWise, then retried."
        )
    words = "1 document goes again" if count == 1 else f"{count} documents go again"
    return _done(place, again, words + (f" in {plural(len(again), 'batch', 'batches')}." if len(again) > 1 else "."))


def _postings(session: Session, found: Found) -> list[Posting]:
    """Their rows, without the documents' contents."""
    rows = posting_rows.of(session, [entry.posting for entry in found], posting_rows.BARE)
    return [rows[entry.posting] for entry in found]


def _mend(session: Session, book: Book, how: str, subject: str, found: Found) -> None:
    """Link, create, give another date or another name; the caller retries. Raises ValidationError."""
    kind, _, source_id = subject.partition(":")
    match how:
        case "create":
            links.agree(session, book, LinkKind(kind), source_id, by=me().email)
        case "link":
            links.set_link(session, book, LinkKind(kind), source_id, request.form.get("ledger_id", ""), by=me().email)
        case "redate":
            redating.redate(session, book, _postings(session, found), fixes.date_given(), by=me().email)
        case "rename":
            renaming.rename(session, book, LinkKind(kind), source_id, request.form.get("name", ""), by=me().email)


def _by_batch(found: Found) -> dict[int, Found]:
    """The documents of each batch."""
    own: dict[int, Found] = {}
    for entry in found:
        own.setdefault(entry.batch, []).append(entry)
    return own


def _done(place: Place, again: list[int], words: str) -> ResponseReturnValue:
    """Wake the workers for these batches, and back to where the drawer was opened."""
    for batch_id in again:
        doorbell.ring_batch(web().settings.redis_url, batch_id)
    flash(words)
    return fragments.go(place.back)


@problems.post("/batches/<int:batch_id>/decide")
@requires("bookkeeper")
def decide(batch_id: int) -> ResponseReturnValue:
    """Link, post anyway, skip, or keep and close: for each ``record``, or with ``all`` for the group as it was seen."""
    form, place = request.form, _in_batch(batch_id, request.form.get("key", ""))
    return _decide(place, [(batch_id, record) for record in form.getlist("record")])


@problems.post("/attention/<int:book_id>/<state>/decide")
@requires("bookkeeper")
def decide_all(book_id: int, state: str) -> ResponseReturnValue:
    """The same for documents of any batch of the company."""
    place = Place(request.form.get("key", ""), book_id, state=state)
    session, wanted = reading(), set(request.form.getlist("record"))
    return _decide(place, [(each.batch, each.record) for each in place.documents(session) if each.record in wanted])


def _decide(place: Place, wanted: list[tuple[int, str]]) -> ResponseReturnValue:
    form, choice = request.form, request.form.get("choice", "")
    done = 0
    try:
        if "all" in form:
            wanted = _all_seen(place, choice)
        destination = pacing.ledger(place.book_id) if choice == "link" else None
        for batch_id, record in wanted:
            decisions.decide(
                web().database,
                batch_id,
                record,
                choice,
                by=me().email,
                ledger_id=form.get(f"ledger_id-{record}", ""),
                number=form.get(f"number-{record}", ""),
                destination=destination,
            )
            done += 1
    except (CrossfootError, ConnectionFailedError) as error:
        if place.key:
            return _drawer(place, 422, error=error)
        raise
    words = {"post": "posted anyway", "keep": "kept and closed", "link": "linked", "skip": "skipped"}
    words["renumber"] = "posted under another number"
    said = f"{done} {'document is' if done == 1 else 'documents are'} {words.get(choice, choice)}."
    return _done(place, list(dict.fromkeys(batch_id for batch_id, _ in wanted)), said)


def _all_seen(place: Place, choice: str) -> list[tuple[int, str]]:
    """Batch and record of each that this may be decided about. Raises ValidationError where others were seen."""
    some = [entry for entry in place.documents(reading()) if choice in entry.choices]
    if _seen(some) != request.form["all"]:
        raise ValidationError("These are other documents by now, so nothing was done.", "Look at them, then choose.")
    return [(entry.batch, entry.record) for entry in some]
