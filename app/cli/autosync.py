"""``autosync``: look at it, set it, switch it on and off, resume it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click
from sqlmodel import Session

from app.cli.context import Context, pass_context
from app.cli.options import book_option, command
from app.cli.output import emit, printable, say
from app.cli.waiting import begin
from app.domain.autosync_settings import LONGEST, PREFIX, SHORTEST
from app.domain.book_settings import SETTINGS
from app.domain.states import RecordKind
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.rounds import Round
from app.services.autosync import autosync as service
from app.services.autosync import checks, rounds
from app.services.batches import batches
from app.services.connections import books
from app.services.payments import payments

KINDS = [*(kind.value for kind in RecordKind), payments.KIND]
#: So many last runs are shown.
RUNS = 10


@click.group()
def autosync() -> None:
    """Posting by itself, at intervals or times of day."""


@command(autosync)
@book_option
@pass_context
def show(context: Context, book_ref: str) -> None:
    """Show whether it is on, when it runs, what it posts, and its last runs."""
    with context.database.reading() as session:
        _emit(context, session, books.find_book(session, book_ref))


def _choice(key: str) -> click.Choice[str]:
    return click.Choice([value for value, _ in SETTINGS[f"{PREFIX}{key}"].choices if value])


@command(autosync, "set")
@book_option
@click.option("--on/--off", "on", default=None, help="Switch it on (if the checks are fulfilled) or off.")
@click.option("--override", is_flag=True, help="With --on: whatever the checks say; the audit log keeps which.")
@click.option("--resume", is_flag=True, help="Go on after a pause, also with the batches that the fault ended.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="What to sync; repeatable.")
@click.option("--every", "interval", type=click.IntRange(SHORTEST, LONGEST), metavar="MINUTES", help="At intervals.")
@click.option("--from", "begins", metavar="HH:MM", help="Intervals begin then.")
@click.option("--until", "ends", metavar="HH:MM", help="Intervals end then.")
@click.option("--at", "times", multiple=True, metavar="HH:MM", help="At this time of day; repeatable.")
@click.option("--weekdays", metavar="DAYS", help="Like mon-fri or mon,wed.")
@click.option("--quiet-last", type=int, metavar="DAYS", help="So many last days of a month without a run.")
@click.option("--quiet-first", type=int, metavar="DAYS", help="So many first days of a month without a run.")
@click.option("--location", metavar="ID", help="Only this location, by its id; empty: all.")
@click.option("--through", type=_choice("through"), help="The last date that is taken.")
@click.option("--summary", type=_choice("summary"), help="Level of detail.")
@click.option("--accept/--no-accept", default=None, help="Take exact names and create what is missing, or hold it.")
@click.option("--approval/--no-approval", default=None, help="Its batches wait for approval where the company's do.")
@click.option("--name", metavar="PATTERN", help="Names of batches, with [company], [kind], [date], [time].")
@pass_context
def set_(context: Context, /, book_ref: str, on: bool | None, override: bool, resume: bool, **given: Any) -> None:
    """Change settings, all or none; then switch it on or off, or resume it."""
    wanted = _settings(given)
    if not wanted and on is None and not resume:
        raise click.UsageError("Say what to change, e.g. --every 120 --kind invoices --on.")
    with context.database.session() as session:
        book = books.find_book(session, book_ref)
        if wanted:
            books.set_settings(session, book, wanted, by=context.actor)
        rung = _switch(context, session, book, on=on, override=override, resume=resume)
    for batch_id in rung:
        with context.database.reading() as session:
            begin(context, batches.find(session, batch_id))
    with context.database.reading() as session:
        _emit(context, session, books.find_book(session, book_ref))


def _settings(given: dict[str, Any]) -> dict[str, str]:
    """Options as settings; those that were not given stay as they are."""
    kinds, times, accept, approval = (given.pop(name) for name in ("kinds", "times", "accept", "approval"))
    wanted = {f"{PREFIX}{name}": str(value) for name, value in given.items() if value is not None}
    if kinds:
        wanted |= {f"{PREFIX}{kind}": "yes" if kind in kinds else "no" for kind in KINDS}
    if times:
        wanted |= {f"{PREFIX}times": ", ".join(times), f"{PREFIX}when": "times"}
    elif "autosync.interval" in wanted:
        wanted["autosync.when"] = "interval"
    if accept is not None:
        wanted["autosync.accept"] = "yes" if accept else "no"
    if approval is not None:
        wanted["autosync.approval"] = "" if approval else "no"
    return wanted


def _switch(
    context: Context, session: Session, book: Book, *, on: bool | None, override: bool, resume: bool
) -> list[int]:
    """Batches to ring for. Raises ValidationError where a check is not fulfilled."""
    if on is False:
        service.switch_off(session, book, by=context.actor)
    elif on:
        still_open = checks.still_open(session, book)
        service.switch_on(session, book, by=context.actor, open_checks=still_open, override=override, now=utcnow())
        for title in still_open:
            say(f"Overridden: {title}.")
    return service.resume(session, book, by=context.actor, now=utcnow()) if resume else []


def _emit(context: Context, session: Session, book: Book) -> None:
    shown = service.view(session, book)
    value = {
        "book": book.id,
        "name": book.name,
        "state": shown.word,
        "paused": shown.state.paused and {name: shown.state.paused[name] for name in ("code", "message", "remedy")},
        "schedule": shown.schedule.in_words(),
        "zone": shown.schedule.zone,
        "kinds": shown.kinds,
        "next": shown.next,
        "settings": {key: text for key, text in books.show(book).items() if key.startswith(PREFIX)},
        "checks": [
            {"title": check.title, "done": check.done, "remark": check.remark} for check in checks.checks(session, book)
        ],
        "runs": [_run(session, made) for made in reversed(rounds.recent(session, book.id or 0, RUNS))],
    }
    emit(value, _lines(value), as_json=context.as_json)


def _run(session: Session, made: Round) -> dict[str, Any]:
    own = rounds.batches_of(session, made)
    return {
        "run": made.id,
        "due": made.due_at,
        "by": made.by,
        "status": made.status or "running",
        "ended": made.ended_at,
        "batches": [batch.id for batch in own],
        "problem": made.problem and made.problem["message"],
    }


def _lines(value: dict[str, Any]) -> list[str]:
    """For a person."""
    lines = [f"AutoSync of {printable(value['name'])} is {value['state']}: {value['schedule']} ({value['zone']})."]
    if value["paused"]:
        lines.append(f"  {printable(value['paused']['message'])} {printable(value['paused']['remedy'])}")
    if value["next"]:
        lines.append(f"  next {_moment(value['next'])}, syncs {', '.join(value['kinds'])}")
    lines += [f"  {'✓' if c['done'] else '✗'} {printable(c['title'])} {printable(c['remark'])}".rstrip()
              for c in value["checks"]]  # fmt: skip
    lines += [f"  {key} = {printable(text)}" for key, text in value["settings"].items()]
    for run in value["runs"]:
        ran = ", ".join(map(str, run["batches"])) or "none"
        lines.append(f"  run {run['run']}, due {_moment(run['due'])}: {run['status'].replace('_', ' ')}, batches {ran}")
    return lines


def _moment(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z" if moment else "at once"
