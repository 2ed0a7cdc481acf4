"""Answers to HTMX: the only user of htmx-flask, so that replacing it costs one file.

Every fragment has a plain twin: without JavaScript the same address answers with a page, or redirects to one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from flask import Flask, Response, redirect, render_template
from flask.typing import ResponseReturnValue
from htmx_flask import Htmx, make_response, request

#: Ends the polling of the element that asked.
STOP_POLLING = 286
TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')


def install(app: Flask) -> None:
    """Teach requests to tell a fragment from a page."""
    Htmx(app)


def is_fragment() -> bool:
    """Whether HTMX asks for a part of a page (and not for a whole one, restored from its history)."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def is_poll() -> bool:
    """Whether the page, not the person, looks again."""
    return request.method == "GET" and "HX-Request" in request.headers


def target() -> str:
    """Id of the element that the answer will go into."""
    return request.htmx.target or ""


def fragment(template: str, *, otherwise: str, status: int = 200, events: Any = None, **context: Any) -> Response:
    """The partial for HTMX; for a plain form, a redirect to the page ``otherwise`` that shows the same."""
    if not is_fragment():
        return redirect(otherwise, 303)  # type: ignore[return-value]  # werkzeug's Response is what Flask makes
    return answer(render_template(template, **context), status=status, events=events)


def page_or_fragment(page: str, partial: str, *, status: int = 200, **context: Any) -> ResponseReturnValue:
    """One address with two bodies: the page, or for HTMX only its changing part."""
    return answer(render_template(partial if is_fragment() else page, **context), status=status)


def answer(html: str, *, status: int = 200, events: Any = None, into: str = "", how: str = "") -> Response:
    """HTML for HTMX, with events to fire in the page, or into another element than the one that asked."""
    response: Response = make_response(
        html, status, trigger=events, retarget=f"#{into}" if into else None, reswap=how or None
    )
    return response


def nothing(status: int = 204) -> Response:
    """Nothing has changed."""
    return answer("", status=status)


def go(url: str) -> ResponseReturnValue:
    """Send the browser to another page, from a fragment or a form."""
    if is_fragment():
        response: Response = make_response("", 200, redirect=url)
        return response
    return redirect(url, 303)


def changed_parts(rev: int, parts: Sequence[str]) -> tuple[list[str], str]:
    """Those parts that differ from what the page that asks has ``seen``, and what it has seen with them.

    That is the revision, then a hash of each part, so the parts must come in one order.
    """
    now = [_digest(html) for html in parts]
    known = dict(enumerate(request.args.get("seen", "").split(".")[1:]))
    changed = [html for number, html in enumerate(parts) if known.get(number) != now[number]]
    return changed, ".".join([str(rev), *now])


def _digest(html: str) -> str:
    """Of a part, but for its forms' tokens: they are signed anew every second and change nothing that is seen."""
    return hashlib.blake2b(TOKEN.sub("", html).encode(), digest_size=4).hexdigest()
