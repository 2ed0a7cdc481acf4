"""What a person says to a batch that waits for approval: yes or no; and the mail that tells who may say so."""

from __future__ import annotations

import hashlib

from sqlmodel import Session, select

from app.database import Database
from app.domain.notices import Event
from app.domain.problems import Problem, ValidationError
from app.domain.states import PostingState, SectionKey
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.mail import Mail
from app.models.people import User
from app.models.postings import Posting
from app.services.batches import approvals, batches, progress
from app.services.mail import channels, letters, mail_settings, outbox
from app.services.people import access, audit
from app.services.posting import posting_problems

#: Of the mails about it.
KIND = "approval"
#: Ends the name that the command line acts under.
SHELL = " (command line)"


def approve(session: Session, batch: Batch, *, by: str, seen: str = "") -> None:
    """Let it be posted as it is; commits, the caller rings the doorbell.

    ``seen`` is the seal that the person's page showed. Raises ValidationError: it does not wait, it changed since it
    was seen, or the person prepared it.
    """
    _must_wait(session, batch)
    if why := whose(session, batch, by):
        raise ValidationError(why, "Somebody else with the role of a bookkeeper must approve it.")
    sealed = approvals.seal(session, batch)
    if seen and seen != approvals.short(sealed):
        raise ValidationError(
            "Something about this batch changed since you opened the page.", "Look at it again, then approve it."
        )
    batch.approval, batch.approval_seal, batch.approval_note = "given", sealed, ""
    batch.approval_by, batch.approval_at = by, utcnow()
    batches.go_on(session, batch)
    batches.log(session, batch.id or 0, "Approved.", by=by)
    audit.record(session, by, "batch.approve", f"batch:{batch.id}", name=batch.name, prepared_by=batch.prepared_by)
    session.commit()


def reject(session: Session, batch: Batch, *, by: str, reason: str) -> None:
    """Nothing of it is posted: its documents are held with the reason; commits. Raises ValidationError."""
    _must_wait(session, batch)
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise ValidationError("A batch is rejected with a reason.", "Say what is to be changed.")
    problem = Problem(
        "rejected",
        f"{by} did not approve it: {reason}",
        "Correct it and retry, or select the record again; either asks for approval anew.",
    )
    ready = select(Posting).where(Posting.batch_id == batch.id, Posting.state == PostingState.READY)
    for posting in session.exec(ready).all():
        posting_problems.hold(session, posting, SectionKey.CHECK, [problem])
    batch.approval, batch.approval_by, batch.approval_at = "rejected", by, utcnow()
    batch.approval_note = f"Not approved: {reason}"
    batch.ended_at = utcnow()
    session.add(batch)
    batches.log(session, batch.id or 0, batch.approval_note, by=by)
    audit.record(session, by, "batch.reject", f"batch:{batch.id}", name=batch.name, reason=reason)
    batches.touch(session, batch.id or 0)
    session.commit()


def _must_wait(session: Session, batch: Batch) -> None:
    session.refresh(batch, with_for_update=True)  # another one may say the opposite at this moment
    now = progress.status(session, batch)
    if now != "awaiting_approval":
        raise ValidationError(
            f"Batch {batch.name} does not wait for approval: it is {now.replace('_', ' ')}.", "Look at the batch."
        )


def whose(session: Session, batch: Batch, by: str) -> str:
    """Why this person cannot approve it; empty where the person can.

    Once the company no longer asks for approval, whoever prepared a batch may let it go, by saying so.
    """
    if not approvals.needed(session.get_one(Book, batch.book_id)):
        return ""
    theirs = [one for one in batch.prepared_by if _same(one, by)]
    return f"{theirs[0]} prepared this batch or changed it, and cannot approve it too." if theirs else ""


def _same(one: str, other: str) -> bool:
    """The same person; “ada (command line)” is taken for ada@…, whose name on this machine it may well be."""
    shell = one.endswith(SHELL) != other.endswith(SHELL)
    bare = [actor.removesuffix(SHELL).lower() for actor in (one, other)]
    return bare[0].partition("@")[0] == bare[1].partition("@")[0] if shell else bare[0] == bare[1]


# ── who is told ──────────────────────────────────────────────────────────────────────────────────────────────────


def tell(database: Database, home: str) -> int:
    """Mails to everybody who may approve what waits, and a message to the channels: once each time it is asked for.

    Answers how many mails; ``home`` is the public address.
    """
    with database.session() as session:
        waiting = session.exec(select(Batch).where(approvals.waiting())).all()
        if not waiting:
            return 0
        for batch in waiting:
            book = session.get_one(Book, batch.book_id)
            channels.tell(session, Event.APPROVAL, f"{batch.id}:{_asked(batch)}", _words(book, batch, home), book)
        if mail_settings.server(session) is None:
            session.commit()
            return 0
        told = [_tell(session, batch, user, home) for batch in waiting for user in may(session, batch)]
        session.commit()
    return sum(told)


def may(session: Session, batch: Batch) -> list[User]:
    """Everybody who can approve it."""
    people = access.people_with(session, batch.book_id, "bookkeeper")
    return [user for user in people if not whose(session, batch, user.email)]


def _tell(session: Session, batch: Batch, user: User, home: str) -> bool:
    key = f"{batch.id}:{user.id}:{_asked(batch)}"
    if session.exec(select(Mail.id).where(Mail.key == f"{KIND}:{key}")).first():
        return False
    words = _words(session.get_one(Book, batch.book_id), batch, home)
    about = f"batch:{batch.id}:{user.id}"
    outbox.queue(session, kind=KIND, key=key, to=user.email, words=words, home=home, by=batch.by, about=about)
    return True


def _asked(batch: Batch) -> str:
    """Which asking it is: another one has another reason."""
    return hashlib.sha256(batch.approval_note.encode()).hexdigest()[:12]


def _words(book: Book, batch: Batch, home: str) -> letters.Words:
    return letters.approval(f"{home}/batches/{batch.id}/approval", batch.name, book.name, batch.prepared_by)
