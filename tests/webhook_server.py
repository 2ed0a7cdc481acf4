"""A place that takes webhooks, for tests: keeps what came, answers what it was told to, or hangs up without a word."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook:
    """Its memory and manners."""

    def __init__(self) -> None:
        self.came: list[tuple[str, Message, str]] = []
        self.status, self.words, self.hang_up, self.port = 200, "ok", False, 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/hook/very-secret"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.came]


@contextmanager
def webhook_server() -> Iterator[Hook]:
    """On a free port of this machine."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            hook.came.append((self.path, self.headers, body))
            if hook.hang_up:
                self.close_connection = True
                return
            self.send_response(hook.status)
            self.end_headers()
            self.wfile.write(hook.words.encode())

        def log_message(self, *_args: Any) -> None:
            """Not to the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield hook
    server.shutdown()
    server.server_close()
