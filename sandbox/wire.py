"""Real HTTP/1.1 with kept-alive connections for a stand-in, in a thread of its own.

Werkzeug's own development handler closes each connection after one answer; vendors don't, and a client's handling of
a pooled connection that dies under it is worth a test. The faults `lose_answer`, `drop_before` and `cut_answer` are
committed here, at the socket: an app asks for one with the header `faults.WIRE_FAULT`, which never leaves.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox.faults import WIRE_FAULT

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Headers = list[tuple[str, str]]


class KeepAliveHandler(WSGIRequestHandler):
    """Reads a whole request, runs the app, sends head and body in one packet, and waits for the next request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300

    def setup(self) -> None:
        super().setup()
        self.server.open_sockets.add(self.connection)  # type: ignore[attr-defined]  # the server is always a Server

    def finish(self) -> None:
        self.server.open_sockets.discard(self.connection)  # type: ignore[attr-defined]  # as above
        try:
            super().finish()
        except ConnectionError:
            self.close_connection = True

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self._whole_body(environ))
        status, headers, body = _run(self.server.app, environ)
        try:
            self._answer(status, headers, body)
        except ConnectionError:
            self.close_connection = True

    def _whole_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _answer(self, status: str, headers: Headers, body: bytes) -> None:
        fault = next((value for name, value in headers if name == WIRE_FAULT), "")
        self.close_connection = self.close_connection or bool(fault)
        if fault in {"lose_answer", "drop_before"}:
            return
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name not in {WIRE_FAULT, "Content-Length", "Connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if fault == "cut_answer" else body)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the stand-ins count their calls themselves."""


def _run(app: WSGIApplication, environ: dict[str, Any]) -> tuple[str, Headers, bytes]:
    """The app's answer as status, headers and whole body."""
    head: list[Any] = []

    def start_response(status: str, headers: Headers, _exc_info: Any = None) -> Any:
        head[:] = [status, headers]

    chunks: Iterable[bytes] = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return head[0], head[1], body


class Server(ThreadedWSGIServer):
    """A WSGI server that runs in a thread and, when stopped, hangs up on everybody."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, app: WSGIApplication, port: int = 0, host: str = "127.0.0.1") -> None:
        self.open_sockets: set[socket.socket] = set()
        super().__init__(host, port, app, handler=KeepAliveHandler)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def start(self) -> Server:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in self.open_sockets.copy():
            _hang_up(connection)
        self._thread.join(timeout=5)


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was faster
