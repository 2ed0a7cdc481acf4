"""Stands between a stand-in and the app, and changes what it answers: a proxy, a cut line, a vendor's odd day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sandbox.wire import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True)
class Reply:
    """A whole answer. ``text`` keeps bytes that are no UTF-8 as surrogates (``surrogateescape``)."""

    status: str
    text: str
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def saying(self, text: str, kind: str = "application/json") -> Reply:
        """The same with another body."""
        return replace(self, text=text, kind=kind)


#: From method, path and the true answer to the one that is delivered.
Change = Callable[[str, str, Reply], Reply]


def always(text: str, kind: str = "application/json") -> Change:
    """Every answer has this body."""
    return lambda _method, _path, true: true.saying(text, kind)


@contextmanager
def mangled(server: Server, change: Change) -> Iterator[None]:
    """As long as it lasts, every answer is what ``change`` makes of it; what was asked for is done all the same."""
    honest = server.app
    server.app = _between(honest, change)
    try:
        yield
    finally:
        server.app = honest


def _between(app: WSGIApplication, change: Change) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        head: list[Any] = []
        body = b"".join(app(environ, lambda status, headers, _info=None: head.extend((status, headers))))  # type: ignore[arg-type]  # nobody writes through it
        rest = tuple((name, value) for name, value in head[1] if name not in ("Content-Type", "Content-Length"))
        true = Reply(head[0], body.decode(errors="surrogateescape"), headers=rest)
        said = change(environ["REQUEST_METHOD"], environ["PATH_INFO"], true)
        start_response(said.status, [("Content-Type", said.kind), *said.headers])
        return [said.text.encode(errors="surrogateescape")]

    return answer
