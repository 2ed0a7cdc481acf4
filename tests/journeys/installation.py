"""A real installation: ``./crossfoot up`` with a data folder of its own, and stand-ins of both vendors beside it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from sandbox.connectwise.site import Site
from sandbox.quickbooks_online.company import Company
from sandbox.server import Both, start_both

ROOT = Path(__file__).resolve().parents[2]
#: So long may a start take on a busy machine.
START_SECONDS = 120
CODE = re.compile(r"one-time code: (\S+)")
#: A person's doubt takes minutes; a test's, seconds.
SHORT_WAITS = {"CROSSFOOT_DOUBT_WAIT": "1.5", "CROSSFOOT_DOUBT_BETWEEN": "0.3"}


@dataclass
class Installation:
    """The running processes. ``code`` is the one-time code that ``up`` printed; empty once there is an admin."""

    base: str
    folder: Path
    both: Both
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def code(self) -> str:
        found = [match.group(1) for line in self.lines if (match := CODE.search(line))]
        return found[0] if found else ""

    @property
    def keys(self) -> dict[str, str]:
        """What a person types into the form for ConnectWise."""
        keys: dict[str, str] = self.both.credentials["connectwise"]
        return keys

    def in_books(self) -> list[dict[str, Any]]:
        """What QuickBooks says is in its books."""
        found: list[dict[str, Any]] = requests.get(f"{self.both.quickbooks_online.url}/_documents", timeout=30).json()
        return found

    def psa_batches(self) -> list[dict[str, Any]]:
        """What ConnectWise says has been batched."""
        found: list[dict[str, Any]] = requests.get(f"{self.both.connectwise.url}/_batches", timeout=30).json()
        return found

    def environment(self, **more: str) -> dict[str, str]:
        """As one would start a command of this installation."""
        return environment(self.folder, self.both) | more


def environment(folder: Path, both: Both) -> dict[str, str]:
    """The stand-ins instead of the vendors, and nothing of the caller's own installation."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CROSSFOOT_", "CONNECTWISE_"))}
    qbo = both.credentials["quickbooks_online"]
    return own | {
        "CROSSFOOT_HOME": str(folder),
        "CROSSFOOT_QBO_ENVIRONMENT": "sandbox",
        "CROSSFOOT_QBO_CLIENT_ID": qbo["client_id"],
        "CROSSFOOT_QBO_CLIENT_SECRET": qbo["client_secret"],
        "CROSSFOOT_QBO_API_URL": qbo["api_url"],
        "CROSSFOOT_QBO_AUTHORIZE_URL": qbo["authorize_url"],
        "CROSSFOOT_QBO_TOKEN_URL": qbo["token_url"],
        "CROSSFOOT_QBO_REVOKE_URL": qbo["revoke_url"],
        "CROSSFOOT_STRIPE_API_URL": both.stripe.url,
        "CROSSFOOT_ALLOW_HOSTS": "127.0.0.1:*,localhost:*",
        **SHORT_WAITS,
    }


@contextmanager
def installed(folder: Path, *, site: Site | None = None, company: Company | None = None) -> Iterator[Installation]:
    """Start everything on an empty data folder; it ends with the block."""
    both = start_both(site, company)
    port = _free_port()
    process = subprocess.Popen(
        [str(ROOT / "crossfoot"), "up", "--port", str(port), "--workers", "1"],
        env=environment(folder, both),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    running = Installation(f"http://localhost:{port}", folder, both, process)
    reader = threading.Thread(target=_listen, args=(running,), daemon=True)
    reader.start()
    try:
        assert running.ready.wait(START_SECONDS), "".join(running.lines)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        reader.join(10)
        both.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _listen(running: Installation) -> None:
    """Keep what is printed; the set-up code comes right after the line that says it is ready."""
    assert running.process.stdout
    with running.process.stdout as output:
        for line in output:
            running.lines.append(line)
            if "Ready at" in line:
                threading.Timer(0.3, running.ready.set).start()
