"""Workers that were frozen and go on after somebody else has taken over: what they still write down, and what not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import cast

import pytest

from app.connectors.payments import PaymentOutcome, PaymentWritten
from app.database import Database
from app.domain.outcomes import NotDone
from app.models.columns import utcnow
from app.models.payments import PaymentEntry
from app.services.payments import writing as payment_writing
from app.services.payments.one_run import Work

LATE, WRITTEN = NotDone("late"), PaymentWritten("77")


@pytest.mark.parametrize(
    ("state", "sends", "earlier", "outcome", "then"),
    [
        ("sending", 2, True, LATE, "sending"),  # another worker's call is on the wire: it must not be sent a third time
        ("sending", 2, True, WRITTEN, "done"),
        ("in_doubt", 1, False, LATE, "in_doubt"),
        ("ready", 1, False, WRITTEN, "done"),  # given up after two looks: it must not go again
        ("ready", 0, False, WRITTEN, "ready"),  # planned anew since: another write
        ("sending", 1, False, LATE, "ready"),
    ],
)
def test_an_answer_to_a_payment_counts_for_the_send_that_it_belongs_to(
    database: Database, state: str, sends: int, earlier: bool, outcome: PaymentOutcome, then: str
) -> None:
    sent_at = utcnow()
    row = PaymentEntry(
        id=1, book_id=1, batch_id=1, posting_id=1, record="5", what="money", amount=Decimal(1), state=state,
        sends=sends, sent_at=sent_at,
    )  # fmt: skip
    at = sent_at - dt.timedelta(minutes=3) if earlier else sent_at
    with database.session() as session:
        payment_writing.settle(session, cast(Work, None), row, outcome, {}, at)
    assert row.state == then
