"""Links to pay, the pages at the payment provider that they lead to, and the payments in the books that follow."""

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import Index, Text, text
from sqlmodel import Field, SQLModel

from app.models.columns import DecimalText, Json, Moment, utcnow

LIVE: dict[str, Any] = {"sqlite_where": text("live"), "postgresql_where": text("live")}


class PayLink(SQLModel, table=True):
    """An address of ours at which one invoice is paid. Of its token only the hash is kept.

    ``revoked_at``: a person took it back, ``revoked_by`` says who.
    """

    __tablename__ = "pay_links"

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    posting_id: int = Field(foreign_key="postings.id", index=True)
    token_hash: str = Field(unique=True, max_length=64)
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    expires_at: dt.datetime = Field(sa_type=Moment)
    revoked_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    revoked_by: str = Field(default="", max_length=320)


class Checkout(SQLModel, table=True):
    """One page at the provider, and the one payment in the books that it may lead to: an intent like any write.

    ``state``: opening (committed before the provider is asked) → open → under_way (a bank has not said yes) → paid →
    sending (committed before the first byte to the books) → in_doubt → recorded; ended (nothing was paid); stuck (paid,
    and a person must decide); settled (a person did it by hand).

    Attributes:
        live: nobody may make another page for the invoice, until this one has ended or is recorded.
        name: ours, random: the provider's idempotency key, our mark in the books (``CF-S<name>-g1``), in addresses.
        ident, payment: the provider's ids of the page and of the payment.
        invoice, party_id: the ledger's ids.
        generation: rises when a person lets it be recorded anew after the books refused it.
        loose: it is recorded as money that pays nothing yet.
        body, request_id: what goes to the books, to the byte.
        look_at: when something is to be done with it; while a worker has it, until when. None: nothing.
        ended_by: from when on the call cannot be running any more; ``absent`` counts looks after that found nothing.
        ledger_payment: the ledger's id of the payment.
    """

    __tablename__ = "checkouts"
    __table_args__ = (
        Index("ux_one_live_checkout", "posting_id", unique=True, **LIVE),
        Index("ix_checkouts_due", "book_id", "look_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    book_id: int = Field(foreign_key="books.id")
    posting_id: int = Field(foreign_key="postings.id", index=True)
    name: str = Field(unique=True, max_length=20)
    ident: str = Field(default="", max_length=255, index=True)
    payment: str = Field(default="", max_length=255)
    invoice: str = Field(max_length=60)
    party_id: str = Field(max_length=60)
    amount: Decimal = Field(sa_type=DecimalText)
    currency: str = Field(max_length=3)
    state: str = Field(default="opening", max_length=10)
    live: bool = True
    generation: int = 1
    loose: bool = False
    created_at: dt.datetime = Field(default_factory=utcnow, sa_type=Moment)
    expires_at: dt.datetime = Field(sa_type=Moment)
    paid_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    body: str = Field(default="", sa_type=Text)
    request_id: str = Field(default="", max_length=40)
    sends: int = 0
    sent_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    ended_by: dt.datetime | None = Field(default=None, sa_type=Moment)
    look_at: dt.datetime | None = Field(default=None, sa_type=Moment)
    looks: int = 0
    absent: int = 0
    problem: dict[str, Any] | None = Field(default=None, sa_type=Json)
    ledger_payment: str = Field(default="", max_length=60)
    ended_at: dt.datetime | None = Field(default=None, sa_type=Moment)
