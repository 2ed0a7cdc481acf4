"""What protects the pages: headers, the one public address, CSRF tokens, limits on guessing."""

from __future__ import annotations

import re
import secrets
import time
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, abort, g, redirect, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_login import current_user
from flask_talisman import DENY, Talisman
from flask_wtf import CSRFProtect
from limits.errors import ConfigurationError
from werkzeug.middleware.proxy_fix import ProxyFix

from app.routes import fragments
from app.services.people import audit
from app.services.people.sessions import LIFE
from app.settings import Settings

#: Nothing from elsewhere, nothing inline. Tabler draws ticks and arrows as data URLs.
CSP = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
#: Asked for by machines, under whatever host name they know us.
FOR_MACHINES = ("/healthz", "/readyz", "/metrics")
#: Where addresses hold a token. The names of pages to come back to are none.
SECRET_PATH = re.compile(r"^(/welcome/|/pay/(?!return/))[^/]+")
LARGEST_FORM = 4 * 1024 * 1024
MOST_FIELDS = 100_000

csrf = CSRFProtect()
limiter = Limiter(
    key_func=lambda: request.remote_addr or "",
    headers_enabled=False,
    in_memory_fallback_enabled=True,
    key_prefix="crossfoot:limits:",
)
log = structlog.get_logger("crossfoot.web")


class Sessions(SecureCookieSessionInterface):
    """Only a page that a person opens gets its cookie again.

    What comes beside it, a look by itself or a font, could overwrite one that brings a message; and files are kept by
    whatever stands between us and the browser.
    """

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        beside = fragments.is_poll() or request.blueprint == "assets"
        return session.modified if beside else super().should_set_cookie(app, session)


def install(app: Flask, settings: Settings) -> None:
    """Everything above, by the settings."""
    app.config.update(
        SECRET_KEY=str(settings.secret_key),
        SESSION_COOKIE_NAME="crossfoot",
        SESSION_COOKIE_SECURE=settings.secure,
        PERMANENT_SESSION_LIFETIME=LIFE,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=MOST_FIELDS,
        RATELIMIT_STORAGE_URI=_storage(settings.redis_url),
    )
    app.session_interface = Sessions()
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # Flask’s own way
    _headers(app, settings)
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_begin)
    app.before_request(lambda: _one_address(settings))
    app.after_request(_end)
    app.teardown_request(lambda _: _nowhere())


def _storage(redis_url: str) -> str:
    """Redis in the words of the limits library, which names a unix socket differently."""
    return redis_url.replace("unix://", "redis+unix://", 1)


def _headers(app: Flask, settings: Settings) -> None:
    Talisman(
        app,
        force_https=False,  # _one_address does it, knowing which host is ours
        strict_transport_security=settings.secure,
        strict_transport_security_include_subdomains=False,  # the neighbours are not ours to decide on
        session_cookie_secure=settings.secure,
        session_cookie_http_only=True,
        session_cookie_samesite="Lax",
        frame_options=DENY,
        content_security_policy=CSP,
        referrer_policy="same-origin",
        permissions_policy={"camera": "()", "geolocation": "()", "microphone": "()"},
    )


def _begin() -> None:
    g.started = time.monotonic()
    g.request_id = f"req-{secrets.token_hex(4)}"
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_id)
    audit.address.set(request.remote_addr or "")


def _nowhere() -> None:
    """The thread goes on to other work, which came from nowhere."""
    audit.address.set("")


def _one_address(settings: Settings) -> ResponseReturnValue | None:
    """Whoever comes by another name, or by http where https is the address, is sent to the public one."""
    if request.path in FOR_MACHINES:
        return None
    public = urlsplit(settings.public_url)
    if request.host.lower() == public.netloc.lower() and request.scheme == public.scheme:
        return None
    if request.method not in ("GET", "HEAD"):
        abort(400, "This form came by another address than the public one.")
    path = request.full_path if request.query_string else request.path
    return redirect(settings.public_url + path, 302)


def _end(response: Response) -> Response:
    if not request.path.startswith("/assets/"):
        response.headers.setdefault("Cache-Control", _keeping(response))
        response.vary.add("HX-Request")
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        _log(response)
    return response


def _keeping(response: Response) -> str:
    """No browser keeps files, nor pages behind a link that is a key by itself: others may use its disk, too."""
    secret = SECRET_PATH.match(request.path) or "Content-Disposition" in response.headers
    return "no-store" if secret else "private, no-cache"


def _log(response: Response) -> None:
    """One line per answer; polls and health checks only where something is wrong."""
    quiet = request.endpoint in (
        "batches.live",
        "system.banners",
        "system.healthz",
        "system.readyz",
        "dashboard.health",
    )
    if quiet and response.status_code < 500:
        return
    who = current_user.id if current_user and current_user.is_authenticated else None
    log.info(
        "answered",
        method=request.method,
        path=logged_path(),
        status=response.status_code,
        ms=round((time.monotonic() - g.get("started", time.monotonic())) * 1000),
        user=who,
    )


def logged_path() -> str:
    """The path without what only the holder of a link may know; also where no view takes the address or the method."""
    return SECRET_PATH.sub(r"\1…", request.path)


def tries_left() -> int | None:
    """How many tries are left after this one has failed (it is counted with the answer); None without a limit."""
    try:
        current = limiter.current_limit
    except ConfigurationError:
        return None
    return max(0, current.remaining - 1) if current else None
