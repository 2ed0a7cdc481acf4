"""The sweep: it rings for whatever is due and nobody is working on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from app.database import Database
from app.jobs import doorbell
from app.jobs.runtime import Runtime
from app.models.columns import utcnow
from app.services.autosync import autosync
from app.services.batches import approving
from app.services.mail import bounces, channels, customer_mail, notices, outbox
from app.services.mapping import customer_data, entry_changes, source_lists
from app.services.paying import pay_recording
from app.services.payments import payments
from app.services.posting import amending, reloading, running
from app.services.reconcile import looks

#: Seconds after which a ring that nobody has heard is forgotten: the next sweep rings again.
TTL = 60


def _payments(database: Database) -> list[int]:
    with database.reading() as session:
        return payments.due(session)


#: A job, and the ids that it is due for.
DUE: tuple[tuple[str, Callable[[Database], Iterable[int]]], ...] = (
    ("run_batch", running.due),
    ("amend_bills", amending.due),
    ("change_entries", entry_changes.due),
    ("compare_customers", customer_data.due),
    ("read_lists", source_lists.due),
    ("reload", reloading.due),
    ("look", looks.due),
    ("record_payments", pay_recording.due),
    ("answer_payments", _payments),
    ("prepare_mails", customer_mail.due),
    ("send_mail", outbox.due),
    ("send_notice", channels.due),
)


def ring(here: Runtime) -> None:
    """Ring for everything. Where one part fails, the others are rung for all the same; then its fault is raised."""
    home, faults = here.settings.public_url, list[Exception]()

    def part(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as fault:  # noqa: BLE001  # it is raised when every part has had its turn
            faults.append(fault)

    part(lambda: approving.tell(here.database, home))
    part(lambda: notices.sweep(here.database, home))
    for job, due in DUE:
        part(partial(_ring, here, job, due))
    part(lambda: _ring(here, "run_autosync", lambda database: autosync.tick(database, home, utcnow())))
    part(lambda: bounces.due(here.database) and _bell(here, "look_for_bounces"))
    if faults:
        raise ExceptionGroup("Parts of the sweep failed", faults)


def _ring(here: Runtime, job: str, due: Callable[[Database], Iterable[int]]) -> None:
    for ident in due(here.database):
        _bell(here, job, ident)


def _bell(here: Runtime, job: str, *ident: int) -> bool:
    return doorbell.ring(here.settings.redis_url, job, *ident, ttl=TTL)
