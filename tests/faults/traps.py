"""Dies at an exact point: a commit, a request to a vendor, a vendor's answer. Set in the child, never in the app."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from sqlalchemy import Connection, Engine, event

#: Statements of a commit that say nothing about a batch: the lease's renewal and the sign of contact with a vendor.
NOISE = re.compile(r"^(UPDATE batches SET lease_until|UPDATE books SET last_call|UPDATE books SET contact)")


@dataclass
class Trap:
    """Where to die: at the ``nth`` moment of a kind whose text matches.

    ``moment``: ``commit`` (just before it), ``committed``, ``request`` (before its first byte), ``answer`` (arrived,
    nothing written). Without one, nothing happens but counting into ``diary``.
    """

    moment: str = ""
    pattern: str = ""
    nth: int = 1
    sign: str = ""
    diary: str = ""
    freeze: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passes(self, moment: str, text: str) -> None:
        """The process is at a point; it may end here."""
        with self._lock:
            if self.diary:
                with Path(self.diary).open("a") as file:
                    file.write(f"{moment} {' '.join(text.split())}\n"[:600])
            if moment != self.moment or not re.search(self.pattern, text, re.DOTALL):
                return
            self.nth -= 1
            if self.nth == 0:
                Path(self.sign).write_text(text)
                os.kill(os.getpid(), signal.SIGSTOP if self.freeze else signal.SIGKILL)

    def set(self, engine: Engine) -> None:
        """Watch this process' database and its calls."""
        _watch_commits(engine, self)
        _watch_calls(self)


def _watch_commits(engine: Engine, trap: Trap) -> None:
    said: dict[int, list[str]] = {}

    @event.listens_for(engine, "before_cursor_execute")
    def heard(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")) and not NOISE.match(statement):
            raw = connection.connection.dbapi_connection
            said.setdefault(id(raw), []).append(f"{statement} | {parameters}")

    commit, rollback = engine.dialect.do_commit, engine.dialect.do_rollback

    def committing(raw: Any) -> None:
        text = "\n".join(said.pop(id(raw.dbapi_connection if hasattr(raw, "dbapi_connection") else raw), []))
        if text:
            trap.passes("commit", text)
        commit(raw)
        if text:
            trap.passes("committed", text)

    def rolling_back(raw: Any) -> None:
        said.pop(id(raw.dbapi_connection if hasattr(raw, "dbapi_connection") else raw), None)
        rollback(raw)

    vars(engine.dialect).update(do_commit=committing, do_rollback=rolling_back)


def _watch_calls(trap: Trap) -> None:
    send = HTTPAdapter.send

    def sending(self: HTTPAdapter, request: requests.PreparedRequest, *rest: Any, **options: Any) -> requests.Response:
        text = f"{request.method} {request.url}"
        trap.passes("request", text)
        response = send(self, request, *rest, **options)
        trap.passes("answer", text)
        return response

    type.__setattr__(HTTPAdapter, "send", sending)


@contextmanager
def dying_at_exit() -> Iterator[None]:
    """A forked child must never return into its parent's program."""
    code = 1
    try:
        yield
        code = 0
    finally:
        os._exit(code)
