"""What the demo runs on: its folder, the stand-ins of the vendors, the service, and a browser that can log in."""

import http.cookiejar
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from launcher import kernel
from launcher.messages import LauncherError
from launcher.project import Project, clean_environment

EMAIL = "demo@crossfoot.test"
FRESH = "Start over with ./crossfoot demo --fresh."
Json = dict[str, Any]


@dataclass(frozen=True)
class Notes:
    """What one run of the demo leaves for the next: the password, and the ports that stored addresses name."""

    password: str
    psa_port: int
    qbo_port: int

    @classmethod
    def of(cls, folder: Path) -> "Notes":
        """The notes of the last run, or new ones."""
        path = folder / "demo.json"
        if path.exists():
            return cls(**json.loads(path.read_text()))
        notes = cls(f"harbor-{secrets.token_hex(3)}-ledger-{secrets.token_hex(3)}", _free_port(), _free_port())
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(notes)))
        return notes


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def start(
    command: list[str], env: Mapping[str, str], cwd: Path, stdout: IO[str] | int, stderr: IO[str]
) -> subprocess.Popen[str]:
    """Start a part of the demo that ends with it; Ctrl-C reaches only the demo, which then stops its parts."""
    return subprocess.Popen(
        command,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        process_group=0,
        preexec_fn=kernel.die_with(os.getpid()),  # noqa: PLW1509 - the demo has one thread
    )


def stop(process: subprocess.Popen[str] | None) -> None:
    """End a part: SIGTERM, ten seconds, SIGKILL."""
    if process is None:
        return
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        kernel.kill_group(process.pid, signal.SIGKILL)
        process.wait()


def start_sandbox(project: Project, folder: Path, notes: Notes, log: IO[str]) -> tuple[subprocess.Popen[str], Json]:
    """The vendors' stand-ins, which remember the last run; with their addresses and keys."""
    ports = ["--port", str(notes.psa_port), "--qbo-port", str(notes.qbo_port)]
    command = project.module("sandbox", *ports, "--json", "--state", str(folder / "sandbox.state"))
    env = clean_environment(project, folder, os.environ)
    process = start(command, env, project.root, subprocess.PIPE, log)
    line = process.stdout.readline() if process.stdout else ""
    if not line.strip():
        stop(process)
        raise LauncherError("The stand-ins of the vendors do not start.", f"See {folder / 'demo.log'}. {FRESH}")
    credentials: Json = json.loads(line)
    return process, credentials


def environment_for(project: Project, folder: Path, vendors: Json) -> dict[str, str]:
    """The app's settings in the demo: the stand-ins instead of the vendors, and nothing of the caller's."""
    qbo = vendors["quickbooks_online"]
    hosts = "127.0.0.1:*,localhost:*"
    return clean_environment(project, folder, os.environ) | {
        "CROSSFOOT_QBO_ENVIRONMENT": "sandbox",
        "CROSSFOOT_QBO_CLIENT_ID": qbo["client_id"],
        "CROSSFOOT_QBO_CLIENT_SECRET": qbo["client_secret"],
        "CROSSFOOT_QBO_API_URL": qbo["api_url"],
        "CROSSFOOT_QBO_AUTHORIZE_URL": qbo["authorize_url"],
        "CROSSFOOT_QBO_TOKEN_URL": qbo["token_url"],
        "CROSSFOOT_QBO_REVOKE_URL": qbo["revoke_url"],
        "CROSSFOOT_STRIPE_API_URL": vendors["stripe"]["api_url"],
        "CROSSFOOT_ALLOW_HOSTS": hosts,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def start_service(project: Project, env: Mapping[str, str], port: int, log: IO[str]) -> subprocess.Popen[str]:
    """`up` for the demo's folder, by a door that refuses no demo."""
    command = [sys.executable, "-m", "launcher.demo_service", str(port)]
    return start(command, env, project.root, log, log)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Redirects are followed by hand: they lead through two hosts and back."""
        return


class Browser:
    """Just enough of one: cookies, the log-in form, redirects. It goes through no proxy."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies, _NoRedirect())

    def open(self, url: str, form: Mapping[str, str] | None = None, hops: int = 12) -> tuple[int, str, str]:
        """Status, text and address of the page where the redirects end. Raises OSError if nobody answers."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(url, data, {"Referer": url})  # noqa: S310 - addresses of the demo itself
        try:
            response = self._opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            text = response.read().decode("utf-8", "replace")
        if response.status in {301, 302, 303, 307, 308} and hops:
            return self.open(urllib.parse.urljoin(url, response.headers["Location"]), hops=hops - 1)
        return response.status, text, url

    def log_in(self, base: str, email: str, password: str) -> None:
        """Fill in the form. Raises LauncherError if that does not lead anywhere."""
        _, page, _ = self.open(f"{base}/login")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = {"email": email, "password": password, "csrf_token": token.group(1) if token else ""}
        status, _, url = self.open(f"{base}/login", form)
        if status >= 400 or urllib.parse.urlsplit(url).path == "/login":
            raise LauncherError(f"The demo's log-in failed with {status}.", FRESH)


def wait_until_ready(service: subprocess.Popen[str], base: str, log: Path, seconds: float = 90.0) -> None:
    """Wait for /readyz: database, Redis, workers and scheduler are there."""
    browser, end = Browser(), time.monotonic() + seconds
    while time.monotonic() < end and service.poll() is None:
        try:
            if browser.open(f"{base}/readyz")[0] == 200:
                return
        except OSError:
            pass  # nobody listens yet
        time.sleep(0.2)
    raise LauncherError(f"The demo does not start: {last_words(log)}", f"The whole log is {log}.")


def last_words(log: Path) -> str:
    """The end of a log, as the cause that an error names."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing."


def close_invoices(vendors: Json, count: int) -> None:
    """Let the PSA's people close new invoices."""
    _ask(vendors["connectwise"]["url"] + "/_close", {"count": count})


def customers_pay(vendors: Json) -> int:
    """Let customers pay what was posted, each in their own way; how many payments that made."""
    order = {"operation": "collect", "noted": "CF-"}
    return len(_ask(vendors["quickbooks_online"]["api_url"] + "/_bookkeeper", order)["payments"])


def numbers_in_the_books(vendors: Json) -> set[str]:
    """The numbers of the documents that QuickBooks holds."""
    return {row["DocNumber"] for row in _ask(vendors["quickbooks_online"]["api_url"] + "/_documents")}


def _ask(url: str, body: Json | None = None) -> Any:
    """An address that only a stand-in has. Raises OSError."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - the stand-in's own
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as response:
        return json.load(response)
