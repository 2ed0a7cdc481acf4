"""Ringing for a worker, waiting for a batch with a progress bar, and printing what became of it."""

from __future__ import annotations

import datetime as dt
import sys
import time
from importlib import import_module
from typing import Any

from app.cli.context import Context
from app.cli.output import emit, on_terminal, printable, say, table
from app.domain.problems import CrossfootError
from app.domain.states import Status
from app.models.batches import Batch
from app.models.columns import utcnow
from app.services.batches import as_json, batches, progress

LOOK = 0.5
#: Seconds of a wait that is worth a line where nobody watches.
LONG = 5.0
#: RQ and Redis are imported by the commands that ring: the others start a quarter of a second sooner.
DOORBELL, WORKERS = "app.jobs.doorbell", "app.jobs.workers"
MOVING = (Status.QUEUED, Status.RUNNING)
NO_WORKER = CrossfootError("No worker is running, so nothing was started.", "Start ./crossfoot up, then try again.")


def need_a_worker(context: Context) -> None:
    """Return as soon as a worker is alive. Raises CrossfootError when there is none for ten seconds."""
    end = time.monotonic() + context.worker_seconds
    while not import_module(WORKERS).alive(context.settings.redis_url):
        if time.monotonic() > end:
            raise NO_WORKER
        time.sleep(LOOK)


def begin(context: Context, batch: Batch) -> None:
    """Wake a worker; a lost ring is rung again by the sweep of the next ``up``."""
    with context.database.reading() as session:
        waits = progress.status(session, batches.find(session, batch.id or 0)) == Status.AWAITING_APPROVAL
    if waits:
        say(f"It waits for another person’s approval: in the browser, or ./crossfoot batch approve {batch.id}.")
        return
    if not import_module(DOORBELL).ring_batch(context.settings.redis_url, batch.id or 0):
        say("No worker is running now; the batch starts with ./crossfoot up.")


def finish(context: Context, batch: Batch, *, wait: bool) -> int:
    """Print the batch, after its end where it is waited for; answers the exit status."""
    if wait:
        wait_for(context, batch.id or 0)
    with context.database.reading() as session:
        now = batches.find(session, batch.id or 0)
        value = as_json.batch_json(session, now)
        status = as_json.exit_status(session, now)
    emit(value, batch_lines(value), as_json=context.as_json)
    return status if wait else 0


def wait_for(context: Context, batch_id: int) -> None:
    """Return when the batch has ended. Raises CrossfootError while nothing was begun and no worker is left."""
    bar, unattended = Bar(), time.monotonic()
    try:
        while (view := _look(context, batch_id)).status in MOVING:
            bar.show(view)
            if view.status != Status.QUEUED or import_module(WORKERS).alive(context.settings.redis_url):
                unattended = time.monotonic()
            elif time.monotonic() - unattended > context.worker_seconds:
                raise _nobody(batch_id)
            time.sleep(LOOK)
        bar.show(view)
    except KeyboardInterrupt:
        say(f"\nBatch {batch_id} goes on without us: ./crossfoot batch show {batch_id}, or batch stop {batch_id}.")
        raise
    finally:
        bar.end()


def _look(context: Context, batch_id: int) -> progress.BatchView:
    with context.database.reading() as session:
        return progress.view(session, batches.find(session, batch_id))


def _nobody(batch_id: int) -> CrossfootError:
    return CrossfootError(
        f"No worker is running any more; batch {batch_id} has not begun.",
        "Start ./crossfoot up, and the batch goes on by itself.",
    )


class Bar:
    """One line on a terminal that is written over; elsewhere a line per section as it ends and per reason to wait."""

    def __init__(self) -> None:
        self._terminal = on_terminal()
        self._said: set[str] = set()

    def show(self, view: progress.BatchView) -> None:
        if not self._terminal:
            self._show_ends(view)
            return
        running = [s for s in view.sections if s.status == Status.RUNNING] or view.sections[-1:]
        parts = [f"{s.title} {s.done}/{s.total}" for s in running]
        waits = f"  (waiting for {view.waiting['reason']})" if view.waiting else ""
        sys.stderr.write(f"\r\x1b[K{view.batch.name}  {_gauge(view)}  {', '.join(parts)}{waits}"[:200])
        sys.stderr.flush()

    def _show_ends(self, view: progress.BatchView) -> None:
        if view.waiting and (reason := str(view.waiting["reason"])) not in self._said:
            left = (dt.datetime.fromisoformat(view.waiting["until"]) - utcnow()).total_seconds()
            if left > LONG:
                self._said.add(reason)
                say(f"Waiting for {printable(reason)}: {left:.0f} s.")
        for section in view.sections:
            if section.key not in self._said and section.status not in (Status.NOT_STARTED, Status.RUNNING):
                self._said.add(section.key)
                say(section_line(section.title, section.status, section.done, section.total, section.failed))

    def end(self) -> None:
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _gauge(view: progress.BatchView, width: int = 20) -> str:
    total = sum(s.total for s in view.sections)
    done = sum(min(s.done + s.failed, s.total) for s in view.sections)
    full = width * done // total if total else 0
    return "█" * full + "░" * (width - full)


def section_line(title: str, status: str, done: int, total: int, failed: int) -> str:
    """A section in one line."""
    failures = f", {failed} failed" if failed else ""
    return f"{title}: {status.replace('_', ' ')} ({done} of {total}{failures})"


def batch_lines(value: dict[str, Any]) -> list[str]:
    """The batch for a person: sections, totals, and what needs them."""
    sections = [section_line(s["title"], s["status"], s["done"], s["total"], s["failed"]) for s in value["sections"]]
    names = ("selected", "posted", "held", "in_doubt", "skipped", "to_go", "in_books", "closed")
    totals = [[t["currency"], *(t[name] for name in names)] for t in value["totals"]]
    heads = ["", *(name.replace("_", " ").upper() for name in names)]
    title = f"Batch {value['batch']}, {printable(value['name'])}, {printable(value['book'])}"
    return [
        f"{title}: {value['status'].replace('_', ' ')}",
        *(f"  {line}" for line in sections),
        *table(totals, heads, right=range(1, 9)),
        *_failure(value.get("failure")),
        *_needing(value["postings"]),
    ]


def _failure(failure: dict[str, Any] | None) -> list[str]:
    return [f"  {printable(failure['message'])} {printable(failure['remedy'])}"] if failure else []


def _needing(postings: list[dict[str, Any]]) -> list[str]:
    """Documents with a problem, each problem with its remedy."""
    lines: list[str] = []
    for posting in postings:
        if posting["problems"]:
            records, number, party = ",".join(posting["records"]), posting["number"], posting["party"]
            lines.append(printable(f"  {number} (record {records}) {party}: {posting['state'].replace('_', ' ')}"))
            lines += [printable(f"      {p['message']} {p['remedy']}") for p in posting["problems"]]
    return lines
