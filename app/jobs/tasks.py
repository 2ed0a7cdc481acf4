"""The jobs: an id in, one service call, nothing else. Any of them may be rung twice, or die, without harm."""

from __future__ import annotations

from app.domain.states import RecordKind
from app.jobs import doorbell, sweeping
from app.jobs.runtime import runtime
from app.services.autosync import autosync, rounds
from app.services.batches import queueing, retention
from app.services.connections import connections, tokens
from app.services.mail import bounces, channels, customer_mail, outbox
from app.services.mapping import customer_data, entry_changes, source_lists
from app.services.paying import pay_finding, pay_links, pay_recording
from app.services.payments import payments
from app.services.people import sessions
from app.services.posting import amending, billing, reloading, running
from app.services.reconcile import looks
from app.services.records import previews


def run_batch(batch_id: int) -> None:
    """Work on a batch, if no other worker does."""
    here = runtime()
    running.run(here.database, here.connectors, batch_id, here.settings.waits, here.abandon)
    for waiting in queueing.behind(here.database, batch_id):
        doorbell.ring(here.settings.redis_url, "run_batch", waiting, ttl=60)
    for book_id in customer_mail.due(here.database):
        doorbell.ring(here.settings.redis_url, "prepare_mails", book_id)


def prepare_mails(book_id: int) -> None:
    """Make a Book's mails to customers ready; each is rung for."""
    here = runtime()
    for mail_id in customer_mail.prepare(here.database, here.connectors, book_id, here.settings.public_url):
        doorbell.ring(here.settings.redis_url, "send_mail", mail_id)


def look_for_bounces() -> None:
    """Read what came back into the bounce mailbox."""
    here = runtime()
    bounces.look(here.database, here.mailer)


def send_mail(mail_id: int) -> None:
    """Hand over one mail, if it is due."""
    here = runtime()
    outbox.deliver(here.database, here.mailer, mail_id)


def send_notice(notice_id: int) -> None:
    """Hand over one message to a channel, if it is due."""
    here = runtime()
    channels.deliver(here.database, here.messenger, notice_id)


def run_autosync(round_id: int) -> None:
    """Submit what AutoSync posts now; its batches are rung for."""
    here = runtime()
    for batch_id in autosync.work(here.database, here.connectors, round_id, here.settings.public_url):
        doorbell.ring(here.settings.redis_url, "run_batch", batch_id)


def sweep() -> None:
    """Ring for whatever is due and nobody is working on: mails, batches, AutoSync and more."""
    sweeping.ring(runtime())


def record_payments(book_id: int) -> None:
    """Look at the pages at which a company's customers pay, and record what was paid."""
    here = runtime()
    pay_recording.work(here.database, here.connectors, book_id, here.settings.waits)


def look(look_id: int) -> None:
    """Compare what was posted with what both systems hold now; goes on where the last worker left it."""
    here = runtime()
    looks.work(here.database, here.connectors, look_id, here.abandon)


def answer_payments(book_id: int) -> None:
    """QuickBooks told of a change: sync the company's payments, unless that is under way or was just done."""
    here = runtime()
    with here.database.session() as session:
        batch = payments.answer(session, book_id)
    if batch is not None:
        doorbell.ring(here.settings.redis_url, "run_batch", batch.id or 0)


def reload(source_id: int) -> None:
    """Reopen and close what people asked for, then let it go again; its batches are rung for."""
    here = runtime()
    for batch_id in reloading.work(here.database, here.connectors, source_id):
        doorbell.ring(here.settings.redis_url, "run_batch", batch_id)


def amend_bills(book_id: int) -> None:
    """Give bills that were posted without a number the vendor's, where it has come, and make bills of orders."""
    here = runtime()
    try:
        amending.work(here.database, here.connectors, book_id)
    finally:
        for batch_id in billing.work(here.database, here.connectors, book_id):
            doorbell.ring(here.settings.redis_url, "run_batch", batch_id)


def read_lists(book_id: int) -> None:
    """Read both sides' lists whole, so that links can be proposed."""
    here = runtime()
    source_lists.work(here.database, here.connectors, book_id)


def change_entries(book_id: int) -> None:
    """Change what people said yes to in the ledger's lists."""
    here = runtime()
    entry_changes.work(here.database, here.connectors, book_id)


def compare_customers(book_id: int) -> None:
    """Compare both sides' customers, if somebody waits for it."""
    here = runtime()
    customer_data.work(here.database, here.connectors, book_id)


def look_ahead(source_id: int, kind: str) -> None:
    """Export what is unposted, so that the selection page says beforehand what stands in the way."""
    here = runtime()
    source = connections.open_source(here.database, here.connectors, source_id)
    previews.fill(here.database, source, source_id, RecordKind(kind))


def housekeeping() -> None:
    """Once a day: tokens of idle connections are refreshed, old snapshots, mails and sessions deleted."""
    here = runtime()
    tokens.keep_alive(here.database, here.connectors)
    retention.forget(here.database)
    outbox.forget(here.database)
    channels.forget(here.database)
    pay_links.forget(here.database)
    pay_finding.look(here.database, here.connectors)
    sessions.forget(here.database)
    rounds.forget(here.database)
