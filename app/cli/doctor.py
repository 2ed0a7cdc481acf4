"""``doctor``: is the installation in order, and does every connection work."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from app.cli.context import Context, pass_context
from app.cli.options import command
from app.cli.output import emit, printable
from app.cli.redis_at_hand import answers, is_private
from app.connectors.protocols import Check, ConnectionFailedError
from app.domain.problems import CrossfootError, Severity
from app.jobs import workers
from app.services.connections import cards, connections, health
from app.services.paying import stripe_keys
from app.services.people import users
from app.services.posting import copied_back


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at. ``ok`` is False where something does not work."""

    name: str
    ok: bool
    message: str
    remedy: str = ""


@command()
@pass_context
def doctor(context: Context) -> None:
    """Check the installation and every connection, and say what is missing."""
    lines = [*_installation(context), *_processes(context), *_connections(context), *_stripe(context)]
    texts = [
        f"{'ok ' if line.ok else 'BAD'}  {line.name}: {printable(f'{line.message} {line.remedy}')}".rstrip()
        for line in lines
    ]
    fine = all(line.ok for line in lines)
    emit({"ok": fine, "checks": [asdict(line) for line in lines]}, texts, as_json=context.as_json)


def _installation(context: Context) -> Iterator[Line]:
    settings = context.settings
    yield _closed("data folder", settings.home, 0o700)
    for name in ("secret.key", "encryption.key"):
        if (settings.home / name).exists():
            yield _closed(name, settings.home / name, 0o600)
    dialect = context.database.engine.dialect.name
    yield Line("database", ok=True, message=f"{dialect}, at the newest schema.")
    yield from _sending(context)
    with context.database.reading() as session:
        admin = users.has_admin(session)
    remedy = "" if admin else "Run ./crossfoot init --admin EMAIL."
    yield Line("admin", admin, "There is one." if admin else "There is none yet.", remedy)
    yield _address(settings.public_url, real=settings.qbo_environment == "production" and settings.qbo.are_intuits)


def _sending(context: Context) -> Iterator[Line]:
    """What keeps every batch from sending: no room on the disk, most of all."""
    try:
        copied_back.left(context.database, 0.0)
    except ConnectionFailedError as error:
        yield Line("sending", False, error.message, error.remedy)


def _closed(name: str, path: Path, mode: int) -> Line:
    """A file that only its owner may read."""
    found = stat.S_IMODE(path.stat().st_mode)
    if found & 0o077:
        return Line(name, False, f"{path} can be read by others (mode {found:04o}).", f"chmod {mode:04o} {path}")
    return Line(name, True, str(path))


def _address(url: str, *, real: bool) -> Line:
    if real and not url.startswith("https://"):
        remedy = "Set CROSSFOOT_PUBLIC_URL to the https address of your proxy; Intuit's production asks for it."
        return Line("public address", False, f"{url} is not https.", remedy)
    return Line("public address", True, url)


def _processes(context: Context) -> Iterator[Line]:
    settings = context.settings
    if not answers(settings.redis_url):
        remedy = "Start ./crossfoot up." if is_private(settings) else "Check CROSSFOOT_REDIS_URL and that server."
        yield Line("redis", False, "Redis does not answer.", remedy)
        return
    yield Line("redis", True, "Redis answers.")
    alive = workers.alive(settings.redis_url)
    with context.database.reading() as session:
        vitals = health.vitals(session, alive)
    remedy = "Start ./crossfoot up."
    yield Line("workers", bool(alive), f"{len(alive)} alive.", "" if alive else remedy)
    running = vitals.scheduler_alive
    yield Line("scheduler", running, "It is alive." if running else "It is not alive.", "" if running else remedy)


def _connections(context: Context) -> Iterator[Line]:
    with context.database.reading() as session:
        shown = cards.cards(session)
    for side, sentence in (("source", "No PSA is connected."), ("book", "No QuickBooks company is connected.")):
        if not any(card.side == side for card in shown):
            yield Line(side, False, sentence, "Connect one under Settings ▸ Connections.")
    for card in shown:
        if card.side == "book" and card.reason == cards.DISCONNECTED:
            yield Line(card.name, False, card.reason, "Connect it again under Settings ▸ Connections.")
            continue
        yield from _checked(card.name, _check(context, card))


def _stripe(context: Context) -> Iterator[Line]:
    with context.database.reading() as session:
        accounts = stripe_keys.accounts(session)
    for book, held in accounts:
        name = f"Stripe for {book.name}"
        try:
            stripe_keys.recheck(context.database, context.connectors, book, held)
        except CrossfootError as error:
            yield Line(name, False, error.message, error.remedy)
        else:
            yield Line(name, True, "It takes the key.")


def _check(context: Context, card: cards.Card) -> Check:
    recheck = connections.recheck_source if card.side == "source" else connections.recheck_book
    try:
        return recheck(context.database, context.connectors, card.id)
    except CrossfootError as error:  # e.g. Redis can't be started: one line, and the others are still looked at
        return Check(card.name, (connections.as_finding(error),))


def _checked(name: str, check: Check) -> Iterator[Line]:
    yield from (
        Line(name, finding.severity is not Severity.ERROR, finding.message, finding.remedy)
        for finding in check.findings
    )
    if connections.connects(check):
        yield Line(name, True, "It is connected.")
