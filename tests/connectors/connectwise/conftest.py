"""A ConnectWise site in memory, served over HTTP, and a connection to it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import redis
import requests

from app.connectors.connectwise.connector import ConnectWise
from app.connectors.connectwise.opening import open_source
from app.connectors.http import Http, NetRules
from sandbox.connectwise.server import Running, start
from sandbox.demo_psa.demo import demo_site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TODAY = dt.date(2026, 3, 17)
Open = Callable[..., ConnectWise]


class Remembered:
    """The database's memory of the last call."""

    def __init__(self) -> None:
        self.touched = 0

    def last(self) -> dt.datetime | None:
        return None

    def touch(self) -> None:
        self.touched += 1


class Site:
    """The stand-in and its own pages (source_contract.Psa)."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.keys = running.site.credentials

    def _get(self, path: str) -> Any:
        return requests.get(self.running.url + path, timeout=5).json()

    def _post(self, path: str, /, **body: Any) -> Any:
        answer = requests.post(self.running.url + path, json=body, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def invoices(self, state: str = "unposted") -> list[dict[str, Any]]:
        return [row for row in self._get("/_invoices") if row["state"] == state]

    def unposted(self) -> dict[str, Decimal]:
        return {str(row["id"]): Decimal(row["total"]) for row in self.invoices()}

    def batches(self) -> dict[str, set[str]]:
        return {row["identifier"]: {str(each) for each in row["invoices"]} for row in self._get("/_batches")}

    def people(self, action: str, **more: Any) -> None:
        """What somebody does in ConnectWise's own pages."""
        self._post("/_edit", action=action, **more)

    def batch_by_hand(self, record: str, identifier: str) -> None:
        self._post("/_edit", action="batch_by_hand", invoice=int(record), identifier=identifier)

    def close_batch(self, identifier: str) -> None:
        self._post("/_edit", action="close_batch", batch=identifier)

    def upgrade(self, codebase: str) -> None:
        self._post("/_edit", action="codebase", codebase=codebase)

    def close_more(self, count: int) -> None:
        self._post("/_close", count=count)

    def refuse_lists(self) -> None:
        """From now on the site's conditions know no ``in``."""
        server = self.running.server
        app = server.app

        def refusing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if "+in+" not in environ["QUERY_STRING"]:
                return app(environ, start_response)
            start_response("400 Bad Request", [("Content-Type", "application/json")])
            return [b'{"code": "ConnectWiseApi", "message": "The operator is not supported."}']

        server.app = refusing

    def switch(self, **switches: Any) -> None:
        self._post("/_switches", **switches)

    def fault(self, kind: str, *, path: str = "", method: str = "", times: int = 1) -> None:
        # An empty path would also hit the pages of the stand-in itself.
        self._post("/_faults", kind=kind, path=path or "/", method=method, times=times)

    def well(self) -> None:
        requests.delete(self.running.url + "/_faults", timeout=5)

    def calls(self) -> dict[str, int]:
        """How often each path was called."""
        counts: dict[str, int] = self._get("/_stats")["by_path"]
        return counts

    def calls_of(self, ending: str) -> int:
        return sum(count for path, count in self.calls().items() if path.endswith(ending))


@pytest.fixture
def psa() -> Iterator[Site]:
    running = start(demo_site(TODAY))
    site = Site(running)
    site.switch(window_seconds=1)
    yield site
    running.stop()


@pytest.fixture
def contact() -> Remembered:
    return Remembered()


@pytest.fixture
def opened(psa: Site, redis_server: redis.Redis, contact: Remembered) -> Open:
    """Opens a connection with the site's keys; named settings replace them."""

    def _open(*, read_timeout: float = 5, allow: str | None = None, **settings: str) -> ConnectWise:
        keys = psa.keys
        private_key = settings.pop("private_key", keys.private_key)
        given = {"company_id": keys.company_id, "public_key": keys.public_key, "client_id": keys.client_id}
        rules = NetRules.parse(urlsplit(psa.running.url).netloc if allow is None else allow, read_timeout=read_timeout)
        return open_source(
            {"site": psa.running.url, **given, **settings},
            {"private_key": private_key},
            contact,
            server=redis_server,
            http=Http("ConnectWise", rules),
            speed=60,
            today=lambda: TODAY,
            sleep=lambda seconds: time.sleep(seconds / 50),
        )

    return _open


@pytest.fixture
def source(opened: Open) -> ConnectWise:
    return opened()
