"""Agreements that have no invoice, as the last look at the PSA saw them."""

from __future__ import annotations

import datetime as dt

from sqlmodel import Session, col, select

from app.domain.tie_out import days_of
from app.models.reconcile import PsaAgreement, PsaInvoice


def without(session: Session, source_id: int, month: tuple[int, int]) -> list[PsaAgreement]:
    """Those that ran in the month and have no invoice dated in it, whatever its status; by customer."""
    first, last = days_of(month)
    billed = select(PsaInvoice.agreement_id).where(
        PsaInvoice.source_id == source_id, PsaInvoice.date >= first, PsaInvoice.date <= last
    )
    query = (
        select(PsaAgreement)
        .where(PsaAgreement.source_id == source_id, col(PsaAgreement.cancelled).is_(False))
        .where(col(PsaAgreement.agreement).not_in(billed))
        .order_by(col(PsaAgreement.party), col(PsaAgreement.agreement))
    )
    return [
        row
        for row in session.exec(query)
        if (row.starts is None or row.starts <= last) and (row.ends is None or row.ends >= first)
    ]


def with_additions(looked: dt.datetime) -> tuple[int, int]:
    """The month before a look: of the agreements without an invoice in it, the look has read the additions too."""
    last = looked.date().replace(day=1) - dt.timedelta(days=1)
    return last.year, last.month
