"""One running Crossfoot with a data folder of its own, driven as a script would: commands and addresses."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.vendors import CannotMeasureError, Json, Vendors

EMAIL, PASSWORD = "bench@example.com", "Tidal-Ledger-2206-wren"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Redirects are followed by hand."""
        return


class Browser:
    """Cookies, forms with a CSRF token, redirects."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies, _NoRedirect())

    def open(
        self, url: str, form: Mapping[str, str] | None = None, hops: int = 12, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and text of the page where the redirects end. Raises OSError."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(url, data, {"Referer": url, **(headers or {})})  # noqa: S310 - addresses of the app itself
        try:
            response = self._opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            text = response.read().decode("utf-8", "replace")
        if response.status in {301, 302, 303, 307, 308} and hops:
            return self.open(urllib.parse.urljoin(url, response.headers["Location"]), hops=hops - 1)
        return response.status, text

    def log_in(self, base: str) -> None:
        _, page = self.open(base + "/login")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token.group(1) if token else ""}
        self.open(base + "/login", form)


class Application:
    """The app under measurement. Its data folder is deleted at the end."""

    def __init__(self, project: Path, vendors: Vendors, workers: int = 2) -> None:
        self._project = project
        self._vendors = vendors
        self._workers = workers
        self.home = Path(tempfile.mkdtemp(prefix="crossfoot-bench-"))
        self.port = _free_port()
        self.base = f"http://localhost:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CROSSFOOT_")}
        own = {
            "CROSSFOOT_HOME": str(self.home),
            "CROSSFOOT_PUBLIC_URL": self.base,
            "CROSSFOOT_ADMIN_PASSWORD": PASSWORD,
        }
        self._env = clean | own | vendors.environment()
        self._up: subprocess.Popen[bytes] | None = None
        self.book = ""

    @property
    def session(self) -> int:
        """The process session of everything that ``up`` has started."""
        return self._up.pid if self._up else 0

    @property
    def log(self) -> Path:
        return self.home / "up.log"

    def command(self, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """A command that has been started."""
        return subprocess.Popen(
            ["./crossfoot", *arguments], cwd=self._project, env={**self._env, **(more or {})}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, more: Mapping[str, str] | None = None) -> str:
        """What a command prints. Raises CannotMeasureError unless it ends with 0 or 1."""
        return _output(self.command(*arguments, more=more), arguments)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def begin(self) -> float:
        """``up``; answers the seconds until the log-in page is there."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            command = ["./crossfoot", "up", "--port", str(self.port), "--workers", str(self._workers)]
            self._up = subprocess.Popen(
                command, cwd=self._project, env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_for("/login", began)
        seconds = time.monotonic() - began
        self._wait_for("/readyz", began)
        return seconds

    def _wait_for(self, path: str, began: float) -> None:
        browser = Browser()
        while time.monotonic() - began < 240:
            with suppress(OSError):
                if browser.open(self.base + path)[0] == 200:
                    return
            if self._up is None or self._up.poll() is not None:
                break
            time.sleep(0.05)
        raise CannotMeasureError(f"./crossfoot up does not serve {path}: {self.log.read_text()[-600:]}")

    def end(self) -> None:
        """Stop what ``up`` has started."""
        if self._up is not None:
            self._up.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._up.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(self._up.pid, signal.SIGKILL)
            self._up = None

    def forget(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    # ── what a bookkeeper does once ──

    def connect(self) -> None:
        """First admin, both sides connected by the real flows, accounts and tax codes linked."""
        psa = self._vendors.credentials["connectwise"]
        keys = ("--company-id", psa["company_id"], "--public-key", psa["public_key"], "--client-id", psa["client_id"])
        secret = {"CONNECTWISE_PRIVATE_KEY": str(psa["private_key"])}
        self.run("connect", "connectwise", "--site", psa["url"], *keys, more=secret)
        browser = Browser()
        browser.log_in(self.base)
        browser.open(self.base + "/connections/quickbooks-online/connect?confirm=auto")
        books = self.json("book", "list")["books"]
        if not books:
            raise CannotMeasureError("There is no QuickBooks company after the OAuth round trip.")
        self.book = str(books[0]["id"])
        for kind, links in (("accounts", "account_links"), ("tax_codes", "tax_code_links")):
            for source, ledger in (self._vendors.credentials.get(links) or {}).items():
                link = ("--source-id", source, "--ledger-id", ledger)
                self.run("mappings", "set", "--book", self.book, "--kind", kind, *link)

    def unposted(self) -> list[str]:
        """Records that could be batched."""
        listed = self.json("unposted", "--book", self.book, "--kind", "invoices")
        return [str(row["record"]) for row in listed["records"]]

    def batch(self, *records: str) -> subprocess.Popen[str]:
        """A batch that has been begun, of some records or of all there are."""
        chosen = [part for record in records for part in ("--record", record)] or ["--all"]
        return self.command(
            "batch", "run", "--book", self.book, "--kind", "invoices", *chosen, "--accept", "--wait", "--json"
        )


def finished(batch: subprocess.Popen[str]) -> Json:
    """The JSON of a batch that was begun, when it has ended."""
    result: Json = json.loads(_output(batch, ["batch", "run"]))
    return result


def _output(process: subprocess.Popen[str], arguments: Any) -> str:
    out, err = process.communicate()
    if process.returncode not in {0, 1}:
        words = " ".join(list(arguments)[:3])
        raise CannotMeasureError(f"./crossfoot {words} ended with {process.returncode}: {(err or out).strip()[-600:]}")
    return out


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
