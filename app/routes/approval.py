"""A batch that waits for approval: what it would do, and yes or no."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, select

from app.domain.problems import ValidationError
from app.domain.states import RecordKind
from app.jobs import doorbell
from app.models.batches import Batch
from app.models.connections import Book
from app.models.postings import Posting, PostingRecord
from app.routes import fragments, shell
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.batches import approvals, approving, batches, progress
from app.services.payments import tally
from app.services.people import users
from app.services.records import previews

approval = Blueprint("approval", __name__, url_prefix="/batches/<int:batch_id>")


@approval.get("/approval")
@requires("viewer")
def show(batch_id: int) -> ResponseReturnValue:
    """What would be posted, created and linked, and both answers; the batch where it does not wait."""
    batch = batches.find(reading(), batch_id)
    if progress.status(reading(), batch) != "awaiting_approval":
        return fragments.go(url_for("batches.show", batch_id=batch_id))
    return _page(batch)


def _page(batch: Batch, status: int = 200, **context: Any) -> ResponseReturnValue:
    session = reading()
    book = session.get_one(Book, batch.book_id)
    shell.use_book(book)
    names = users.labels(session)
    return render_template(
        "batches/approval.html",
        batch=batch, book=book, view=progress.view(session, batch), names=names,
        plan=_plan(session, book, batch), seen=approvals.short(approvals.seal(session, batch)),
        why_not=approving.whose(session, batch, me().email),
        approvers=[names.get(user.email, user.email) for user in approving.may(session, batch)],
        tally=tally.of(session, batch) if batch.kind == tally.KIND else None, **context,
    ), status  # fmt: skip


def _plan(session: Session, book: Book, batch: Batch) -> previews.Plan | None:
    if batch.kind == tally.KIND:
        return None
    query = select(PostingRecord.record).join(Posting).where(Posting.batch_id == batch.id, Posting.state == "ready")
    records = list(session.exec(query))
    return previews.plan(session, book, batch.source_id, RecordKind(batch.kind), records, accept=batch.accept)


@approval.post("/approve")
@requires("bookkeeper")
def approve(batch_id: int) -> ResponseReturnValue:
    """Let it be posted as it was seen."""
    try:
        with writing() as session:
            batch = batches.find(session, batch_id)
            approving.approve(session, batch, by=me().email, seen=request.form.get("seen", ""))
    except ValidationError as error:
        return _refused(batch_id, error)
    doorbell.ring_batch(web().settings.redis_url, batch_id)
    flash("Approved; it goes on at once.")
    return fragments.go(url_for("batches.show", batch_id=batch_id))


@approval.post("/reject")
@requires("bookkeeper")
def reject(batch_id: int) -> ResponseReturnValue:
    """Post nothing of it, with a reason."""
    try:
        with writing() as session:
            batch = batches.find(session, batch_id)
            approving.reject(session, batch, by=me().email, reason=request.form.get("reason", ""))
    except ValidationError as error:
        return _refused(batch_id, error)
    flash("Not approved: nothing of it goes on, and your reason stands beside it.")
    return fragments.go(url_for("batches.show", batch_id=batch_id))


def _refused(batch_id: int, error: ValidationError) -> ResponseReturnValue:
    """The page again with what is wrong; the batch where it no longer waits."""
    batch = batches.find(reading(), batch_id)
    if progress.status(reading(), batch) != "awaiting_approval":
        flash(f"{error.message} {error.remedy}", "bad")
        return fragments.go(url_for("batches.show", batch_id=batch_id))
    return _page(batch, 422, error=error)
