"""Problem drawers: what happened, to which documents, and the fix, with how many it solves."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from app.connectors.protocols import ConnectionFailedError
from app.domain.links import CREATABLE, NOUNS, LinkKind
from app.domain.problems import CrossfootError, NotFoundError
from app.jobs import doorbell
from app.models.batches import Batch
from app.models.connections import Book, Link
from app.models.postings import Posting, PostingProblem, PostingRecord
from app.routes import fragments, shell
from app.routes.guard import me, requires
from app.routes.mappings import TITLES, offers
from app.routes.web import reading, web, writing
from app.services import batches, connections, decisions, links, posting_problems

problems = Blueprint("problems", __name__)


@problems.get("/batches/<int:batch_id>/problems/<path:key>")
@requires("viewer")
def show(batch_id: int, key: str) -> ResponseReturnValue:
    """The drawer of one cause; a page of its own without JavaScript."""
    return _drawer(batch_id, key)


def _drawer(batch_id: int, key: str, status: int = 200, **more: Any) -> ResponseReturnValue:
    session = reading()
    batch = batches.find(session, batch_id)
    book = session.get_one(Book, batch.book_id)
    shell.use_book(book)
    found = _group(session, batch, key)
    if not found:
        raise NotFoundError("This problem is solved, or was never there.", "Look at the batch again.")
    sample = posting_problems.to_problem(found[0][1])
    return fragments.page_or_fragment(
        "problems/show.html",
        "problems/_drawer.html",
        status=status,
        batch=batch,
        book=book,
        key=key,
        problem=sample,
        documents=[_document(session, posting, row) for posting, row in found],
        sums=_sums(found),
        **_linking(session, book, sample.subject),
        **more,
    )


def _group(session: Session, batch: Batch, key: str) -> list[tuple[Posting, PostingProblem]]:
    """The documents with this cause and what is wrong with each, by number."""
    code, _, subject = key.partition(":")
    query = (
        select(Posting, PostingProblem)
        .join(PostingProblem, col(PostingProblem.posting_id) == Posting.id)
        .where(PostingProblem.batch_id == batch.id, PostingProblem.code == code, PostingProblem.subject == subject)
        .order_by(col(Posting.number), col(Posting.id))
    )
    once: dict[int, tuple[Posting, PostingProblem]] = {}
    for posting, row in session.exec(query):
        once.setdefault(posting.id or 0, (posting, row))
    return list(once.values())


def _document(session: Session, posting: Posting, row: PostingProblem) -> dict[str, Any]:
    """One document of the group, with what may be decided about it."""
    record = select(PostingRecord.record).where(PostingRecord.posting_id == posting.id)
    return {
        "posting": posting,
        "message": row.message,
        "record": session.exec(record).first() or "",
        "choices": decisions.choices(session, posting),
        "candidates": decisions.candidates(session, posting),
    }


def _sums(found: list[tuple[Posting, PostingProblem]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for posting, _ in found:
        totals[posting.currency] = totals.get(posting.currency, 0) + posting.cents
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
        "creatable": kind in CREATABLE,
        "words": words,
        "offers": offers(session, book.id or 0, kind, source_name, words),
    }


@problems.post("/batches/<int:batch_id>/problems/<path:key>")
@requires("bookkeeper")
def fix(batch_id: int, key: str) -> ResponseReturnValue:
    """Link, create, or just again: then every document of the group goes again."""
    form, how = request.form, request.form.get("how", "retry")
    try:
        with writing() as session:
            batch = batches.find(session, batch_id)
            found = _group(session, batch, key)
            if how == "link":
                kind, _, source_id = key.partition(":")[2].partition(":")
                book = session.get_one(Book, batch.book_id)
                links.set_link(session, book, LinkKind(kind), source_id, form.get("ledger_id", ""), by=me().email)
            idents = [posting.id or 0 for posting, _ in found]
            count = batches.retry(session, batch, by=me().email, postings=idents, accept=how == "create")
    except CrossfootError as error:
        return _drawer(batch_id, key, 422, error=error)
    return _going_again(batch_id, count)


def _going_again(batch_id: int, count: int) -> ResponseReturnValue:
    doorbell.ring_batch(web().settings.redis_url, batch_id)
    flash("1 document goes again." if count == 1 else f"{count} documents go again.")
    return fragments.go(url_for("batches.show", batch_id=batch_id))


@problems.post("/batches/<int:batch_id>/decide")
@requires("bookkeeper")
def decide(batch_id: int) -> ResponseReturnValue:
    """Link, post anyway, skip, or keep and close: for one document, or with several ``record`` for each of them."""
    form = request.form
    key, choice, idents = form.get("key", ""), form.get("choice", ""), form.getlist("record")
    done = 0
    try:
        destination = None
        if choice == "link":
            batch = batches.find(reading(), batch_id)
            destination = connections.open_destination(web().database, web().connectors, batch.book_id)
        for record in idents:
            decisions.decide(
                web().database,
                batch_id,
                record,
                choice,
                by=me().email,
                ledger_id=form.get(f"ledger_id-{record}", ""),
                destination=destination,
            )
            done += 1
    except (CrossfootError, ConnectionFailedError) as error:
        if key:
            return _drawer(batch_id, key, 422, error=error)
        raise
    doorbell.ring_batch(web().settings.redis_url, batch_id)
    words = {"link": "linked", "post": "posted anyway", "skip": "skipped", "keep": "kept and closed"}
    flash(f"{done} {'document is' if done == 1 else 'documents are'} {words.get(choice, choice)}.")
    return fragments.go(url_for("batches.show", batch_id=batch_id))
