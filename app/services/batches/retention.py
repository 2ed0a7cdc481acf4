"""Retention: what the PSA exported and the books answered is kept for a while, then only the figures stay."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import update
from sqlmodel import col, select

from app.database import Database
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.postings import Call, Posting
from app.services.connections import installation


def forget(database: Database) -> int:
    """Delete stored snapshots of batches that ended longer ago than the setting says; answers of how many batches."""
    with database.session() as session:
        months = int(installation.value(session, "retention.snapshots_months"))
        before = utcnow() - dt.timedelta(days=months * 30.44)
        old = select(Batch.id).where(col(Batch.ended_at) < before)
        count = len(session.exec(old).all())
        session.exec(
            update(Posting).where(col(Posting.batch_id).in_(old)).values(snapshot=None, document=None, receipt=None)
        )
        session.exec(update(Call).where(col(Call.batch_id).in_(old)).values(body=""))
        session.commit()
    return count
