"""Every table, for migrations: importing this module fills SQLModel's metadata."""

from sqlmodel import SQLModel

from app.models import (
    attachments,
    batches,
    connections,
    logins,
    mail,
    notices,
    pay_links,
    payments,
    people,
    postings,
    reconcile,
    records,
    reloads,
    rounds,
    workbench,
)

metadata = SQLModel.metadata

__all__ = [
    "attachments",
    "batches",
    "connections",
    "logins",
    "mail",
    "metadata",
    "notices",
    "pay_links",
    "payments",
    "people",
    "postings",
    "reconcile",
    "records",
    "reloads",
    "rounds",
    "workbench",
]
