"""`./crossfoot demo`: one invoice batch from ConnectWise PSA into QuickBooks Online, against stand-ins of both."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from launcher import data_lock, demo_parts
from launcher.demo_mark import mark_database, mark_folder
from launcher.demo_parts import EMAIL, FRESH, Browser, Json, Notes
from launcher.messages import LauncherError
from launcher.migrations import prepare_database
from launcher.project import Project, prepare_data_folder
from launcher.set_up import set_up
from launcher.up import Parser, port_number, wait_for_port

FOLDER = "instance-demo"
#: With fewer unposted invoices there is nothing to show.
ENOUGH = 12
#: No batch of the demo takes longer; a longer one is stuck.
BATCH_SECONDS = 600.0
#: Runs the command lines that stdin holds as JSON.
SEVERAL = "import json, sys; from app.cli.main import main; sys.exit(max(map(main, json.load(sys.stdin))))"
#: Prints how a batch stands twice a second, for so many seconds.
WATCH = """
import sys, time
from app.cli.main import main
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    main(["batch", "show", sys.argv[1], "--json"])
    sys.stdout.flush()
    time.sleep(0.5)
"""
ENDED = {"completed", "completed_with_warnings", "completed_with_errors", "failed", "stopped"}


def command(project: Project, arguments: list[str]) -> int:
    """Run the demo; with --once the exit status is that of the batch."""
    parser = Parser(prog="./crossfoot demo", description="See Crossfoot work, against stand-ins of both vendors.")
    parser.add_argument("--once", action="store_true", help="stop after the batch, with its exit status")
    parser.add_argument("--port", type=port_number, default=8000, help="of the web server (8000)")
    parser.add_argument("--fresh", action="store_true", help="start over, with new data")
    chosen = parser.parse_args(arguments)
    set_up(project)
    folder = project.root / FOLDER
    prepare_data_folder(folder)
    with _stoppable(), data_lock.only_one(folder, "demo.lock", "Use that one, or stop it first.") as lock:
        data_lock.publish(lock, data_lock.Running(os.getpid(), chosen.port))
        if chosen.fresh:
            _empty(folder)
        mark_folder(folder)
        return _run(project, folder, chosen.port, once=chosen.once)


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does: with everything that it started."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell starts jobs with SIGINT ignored
        signal.signal(number, interrupt)
    yield


def _empty(folder: Path) -> None:
    """Throw the demo's data away, but keep the lock that we hold."""
    for path in folder.iterdir():
        if path.name == "demo.lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _run(project: Project, folder: Path, port: int, *, once: bool) -> int:
    wait_for_port("127.0.0.1", port)
    notes, service = Notes.of(folder), None
    path = folder / "demo.log"
    path.unlink(missing_ok=True)
    with path.open("a") as log:
        tell("Starting the stand-ins of ConnectWise PSA and QuickBooks Online.")
        sandbox, vendors = demo_parts.start_sandbox(project, folder, notes, log)
        try:
            env = demo_parts.environment_for(project, folder, vendors) | {"CROSSFOOT_PORT": str(port)}
            prepare_database(project, env)
            mark_database(folder)
            app = App(project, env, f"http://localhost:{port}")
            app.run("init", "--admin", EMAIL, CROSSFOOT_ADMIN_PASSWORD=notes.password)
            tell("Starting Crossfoot: web, two workers, scheduler, Redis.")
            service = demo_parts.start_service(project, env, port, log)
            demo_parts.wait_until_ready(service, app.base, path)
            status = _story(app, vendors, notes)
            if once:
                return status
            _say_how_to_go_on(app, vendors, notes)
            return _serve(service, path)
        finally:
            _stop_all(service, sandbox)


def _stop_all(*processes: subprocess.Popen[str] | None) -> None:
    """A second Ctrl-C must not leave anything running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for process in processes:
        demo_parts.stop(process)


@dataclass(frozen=True)
class App:
    """Crossfoot's command line, as anybody would use it."""

    project: Project
    env: Mapping[str, str]
    base: str

    def run(self, *arguments: str, ok: tuple[int, ...] = (0,), **env: str) -> str:
        """Run a command; its stdout. Raises LauncherError with the sentence it gave."""
        return self._run(self.project.module("app.cli", *arguments), " ".join(arguments[:2]), ok=ok, env=env)

    def run_all(self, commands: Iterable[list[str]]) -> None:
        """Run commands one after the other in one process: to start one takes longer than what it does."""
        python = [str(self.project.python), "-P", "-c", SEVERAL]
        self._run(python, "mappings set", stdin=json.dumps(list(commands)))

    def watch(self, batch: int) -> Iterator[Json]:
        """What `batch show` prints, again and again, until the caller has seen enough or time is up."""
        command = [str(self.project.python), "-P", "-c", WATCH, str(batch), str(BATCH_SECONDS)]
        with subprocess.Popen(command, env=dict(self.env), stdout=subprocess.PIPE, text=True) as process:
            try:
                for line in process.stdout or ():
                    yield json.loads(line)
            finally:
                process.terminate()

    def _run(
        self, command: list[str], name: str, *, ok: tuple[int, ...] = (0,), stdin: str = "", env: Mapping[str, str] = {}
    ) -> str:
        done = subprocess.run(
            command, env={**self.env, **env}, input=stdin, capture_output=True, text=True, check=False
        )
        if done.returncode not in ok:
            words = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()
            raise LauncherError(f"./crossfoot {name} failed: {words[-1]}", FRESH)
        return done.stdout

    def json(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> Json:
        """The one JSON value that a command prints."""
        value: Json = json.loads(self.run(*arguments, "--json", ok=ok))
        return value


def _story(app: App, vendors: Json, notes: Notes) -> int:
    """Connect both sides and run one batch; returns the batch's exit status."""
    book = _connect(app, vendors, notes)
    records = _ready_records(app, vendors, book)
    tell(posting_line(records))
    chosen = [part for row in records for part in ("--record", str(row["record"]))]
    batch = app.json("batch", "run", "--book", book, "--kind", "invoices", *chosen, "--accept", ok=(0, 1))
    batch = _follow(app, batch)
    _tell_foot(batch)
    return exit_status(batch)


def posting_line(records: Collection[Json]) -> str:
    """What is about to be posted, and why the counts that follow are lower: a total of zero is no document."""
    zero = [str(row["number"]) for row in records if not Decimal(row["total"])]
    also = f" ({', '.join(zero)}: zero in total, so skipped)" if zero else ""
    return f"Posting the {len(records)} invoices that are ready{also}:"


def _connect(app: App, vendors: Json, notes: Notes) -> str:
    """The name of the connected QuickBooks company; connects both sides where that was not done before."""
    if book := _connected_book(app):
        tell(f"Already connected: ConnectWise PSA and the QuickBooks company {book}.")
        return book
    psa = vendors["connectwise"]
    tell("Connecting ConnectWise PSA with its API keys.")
    site = ["--site", psa["url"], "--company-id", psa["company_id"], "--public-key", psa["public_key"]]
    keys = [*site, "--client-id", psa["client_id"]]
    app.run("connect", "connectwise", *keys, CONNECTWISE_PRIVATE_KEY=psa["private_key"])
    tell("Connecting QuickBooks Online by Intuit's consent page.")
    browser = Browser()
    browser.log_in(app.base, EMAIL, notes.password)
    status, _, url = browser.open(f"{app.base}/connections/quickbooks-online/connect?confirm=auto")
    book = _connected_book(app)
    if status >= 400 or not book:
        raise LauncherError(f"The consent for QuickBooks ended at {url} with {status}.", FRESH)
    tell(f"Linking what a bookkeeper would link once: accounts and tax codes of {book}.")
    app.run_all(
        ["mappings", "set", "--book", book, "--kind", kind, "--source-id", source, "--ledger-id", ledger]
        for kind, links in (
            ("accounts", vendors["account_links"] | vendors["other_account_links"]),
            ("tax_codes", vendors["tax_code_links"]),
        )
        for source, ledger in links.items()
    )
    return book


def _connected_book(app: App) -> str | None:
    books = app.json("book", "list")["books"]
    return next((str(book["name"]) for book in books if book["connected"]), None)


def _ready_records(app: App, vendors: Json, book: str) -> list[Json]:
    """The records without a problem; the broken ones stay for the newcomer."""
    ready = _without_problem(app, vendors, book)
    if len(ready) < ENOUGH:
        tell("Few invoices are left, so ConnectWise closes new ones.")
        demo_parts.close_invoices(vendors, ENOUGH)
        ready = _without_problem(app, vendors, book)
    if not ready:
        raise LauncherError("No invoice of the demo is ready.", FRESH)
    return ready


def _without_problem(app: App, vendors: Json, book: str) -> list[Json]:
    rows = app.json("unposted", "--book", book, "--kind", "invoices")["records"]
    taken = demo_parts.numbers_in_the_books(vendors)
    return [row for row in rows if is_ready(row, taken)]


def is_ready(row: Json, taken: Collection[str]) -> bool:
    """Whether nothing is wrong with a record; what will be linked or created on acceptance is only told.

    One whose number somebody has typed into QuickBooks by hand would be found by the batch, which asks a person.
    """
    return row["number"] not in taken and all(problem["severity"] == "info" for problem in row["problems"])


def _follow(app: App, batch: Json) -> Json:
    """Print each section as it moves, until the batch has ended; returns how it ended."""
    shown: dict[str, str] = {}
    for now in app.watch(batch["batch"]):
        for section in now["sections"]:
            line = section_line(section)
            if line and shown.get(section["key"]) != line:
                shown[section["key"]] = line
                tell(line)
        if now["status"] in ENDED:
            return now
    raise LauncherError("The batch has not ended within ten minutes.", f"Look at {app.base}/batches and at demo.log.")


def section_line(section: Json) -> str:
    """One line for a section that has begun; empty before."""
    if section["status"] == "not_started":
        return ""
    failed = f", {section['failed']} with a problem" if section.get("failed") else ""
    counts = f"{section['done']} of {section['total']}{failed}"
    return f"  {section['title']:<28} {section['status'].replace('_', ' '):<24} {counts}"


def _tell_foot(batch: Json) -> None:
    for total in batch["totals"]:
        tell(
            f"  {total['currency']}: selected {total['selected']} = posted {total['posted']} + held {total['held']}"
            f" + in doubt {total['in_doubt']} + skipped {total['skipped']} + to go {total['to_go']};"
            f" in QuickBooks {total['in_books']}, closed in ConnectWise {total['closed']}."
        )
    tell(f"Batch {batch['name']}: {batch['status'].replace('_', ' ')}.")


def exit_status(batch: Json) -> int:
    """0 all done, 1 something held, refused or in doubt, 2 nothing written."""
    if batch["status"] == "failed":
        return 2
    open_ends = sum(Decimal(total["held"]) + Decimal(total["in_doubt"]) for total in batch["totals"])
    waiting = {"held", "refused", "in_doubt"} & {posting["state"] for posting in batch["postings"]}
    return 1 if open_ends or waiting or batch["status"] == "completed_with_errors" else 0


def _say_how_to_go_on(app: App, vendors: Json, notes: Notes) -> None:
    paid = demo_parts.customers_pay(vendors)
    tell(f"Meanwhile customers have paid in QuickBooks; {paid} payments can be brought to ConnectWise:")
    tell(f"  {app.base}/run/payments")
    tell(f"To let customers pay by Stripe’s stand-in too, enter its key, {vendors['stripe']['key']}:")
    tell(f"  {app.base}/settings/books/1/payments")
    tell("")
    tell(f"Open {app.base} and log in as {EMAIL} with the password {notes.password}")
    tell("Some invoices were left for you: each says what is wrong and offers the fix. Ctrl-C stops the demo.")
    tell("")


def _serve(service: subprocess.Popen[str], log: Path) -> int:
    """Show what the service logs from now on, until Ctrl-C."""
    with log.open() as reader:
        reader.seek(0, os.SEEK_END)
        try:
            while service.poll() is None:
                if text := reader.read():
                    sys.stdout.write(text)
                    sys.stdout.flush()
                time.sleep(0.3)
        except KeyboardInterrupt:
            tell("Stopping the demo.")
            return 0
    raise LauncherError(f"Crossfoot has ended with status {service.returncode}.", f"See {log}.")


def tell(sentence: str) -> None:
    """What happens in the demo goes to stdout; set-up speaks on stderr."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()
