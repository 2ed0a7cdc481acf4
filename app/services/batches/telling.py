"""What modules are told when a batch has ended: once, after everything is committed."""

from __future__ import annotations

from app.database import Database
from app.domain import hooks
from app.domain.modules import Notice
from app.domain.states import STANDING, PostingState
from app.models.batches import Batch
from app.models.connections import Book
from app.services.batches import batches, progress
from app.services.connections import books

#: Figures of a notice, and the states that they count.
FIGURES = {
    "posted": STANDING,
    "closed": (PostingState.CLOSED, PostingState.CLEARED),
    "held": (PostingState.HELD, PostingState.REFUSED, PostingState.IN_DOUBT),
}


def batch_ended(database: Database, batch_id: int) -> None:
    """Call the company's modules; what goes wrong there stands in the batch's log."""
    with database.reading() as session:
        batch = session.get_one(Batch, batch_id)
        book = session.get_one(Book, batch.book_id)
        rules = books.rules_of(book)
        if batch.ended_at is None or not any(hooks.enabled(rules)):
            return
        view = progress.view(session, batch)
    figures = {name: str(sum(view.states.get(state, 0) for state in states)) for name, states in FIGURES.items()}
    facts = {"batch": str(batch_id), "kind": batch.kind, **figures}
    wrong = hooks.tell(Notice("batch_ended", book.name, batch.name, str(view.status), facts), rules)
    if wrong:
        with database.session() as session:
            for text in wrong:
                batches.log(session, batch_id, text)
            batches.touch(session, batch_id)
            session.commit()
