"""The one seam to the web: where we may call, how long we wait, and whether a request can have been executed.

Whether a vendor can have seen a request decides between "try again" and "in doubt", so it is in the type of the error:

    ConnectionFailedError
    ├── NotSentError                 the request was provably not executed
    │   ├── AddressRefusedError      the address is not one that we may call
    │   └── RedirectRefusedError     the server wanted to send us elsewhere
    ├── NoAnswerError                sent, and no whole answer came back: perhaps executed
    ├── UnreadableAnswerError        an answer that is not what this vendor sends
    └── TooLargeError                a file that is larger than we take

No error carries a query, a header or a body: any of them may hold a secret.
"""

from __future__ import annotations

import json as jsonlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from app.connectors.addresses import AddressRefusedError, NetRules, NotSentError
from app.connectors.addresses import guarded_adapter as _guarded_adapter
from app.connectors.protocols import ConnectionFailedError

__all__ = [
    "AddressRefusedError",
    "Answer",
    "Http",
    "NetRules",
    "NoAnswerError",
    "NotSentError",
    "RedirectRefusedError",
    "TooLargeError",
    "UnreadableAnswerError",
    "parse_json",
]

MAX_REDIRECTS = 3
#: Escapes in JSON of what no database keeps: NUL, and surrogates, which may stand alone.
UNSTORABLE = re.compile(r"\\u(0000|[dD][89a-fA-F])")
#: Seconds after which we ask again, whatever a Retry-After says: a day would be a batch that hangs.
LONGEST_WAIT = 900.0


class RedirectRefusedError(NotSentError):
    """The server answered with a redirect that we don't follow: to another host, or of a write."""


class NoAnswerError(ConnectionFailedError):
    """The request went out and no whole answer came back. ``timed_out``: the vendor may still be working on it."""

    def __init__(self, message: str, remedy: str = "", *, timed_out: bool = False) -> None:
        super().__init__(message, remedy, code="no_answer")
        self.timed_out = timed_out


class UnreadableAnswerError(ConnectionFailedError):
    """The answer is not JSON where JSON is due: a proxy's or a login page. Perhaps executed."""


def parse_json(text: str) -> Any:
    """JSON with exact numbers, its texts such as every encoding and database takes. Raises ValueError."""
    try:
        value = jsonlib.loads(text, parse_float=Decimal)
        return _storable(value) if UNSTORABLE.search(text) else value
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None


def _storable(value: Any) -> Any:
    """Without NUL, and with U+FFFD for half a surrogate pair: JSON can escape both, and nothing can keep them."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


class TooLargeError(ConnectionFailedError):
    """A file is larger than we take; reading it was given up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of any status. Header names are case-insensitive.

    ``content``: the bytes of a file that was asked for (``call(largest=…)``); its ``text`` is empty.
    """

    status: int
    headers: Mapping[str, str]
    text: str
    url: str
    content: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as exact JSON. Raises UnreadableAnswerError."""
        try:
            return parse_json(self.text)
        except ValueError:
            host = urlsplit(self.url).hostname
            raise UnreadableAnswerError(
                f"{host} answered with something that is not JSON (HTTP {self.status}).",
                "Check that the address is the vendor's API and not a proxy or a login page.",
                code="unreadable_answer",
            ) from None

    @property
    def retry_after(self) -> float | None:
        """Seconds that a Retry-After header asks for, within reason; None without one (or where it holds a date)."""
        value = self.headers.get("Retry-After", "").strip()
        return min(float(value), LONGEST_WAIT) if re.fullmatch(r"[0-9]+(\.[0-9]*)?", value) else None


class Http:
    """Calls one vendor. May be used by several threads; keeps connections, no cookies, no proxies, no netrc.

    ``vendor`` is the name in sentences; ``rules`` say which addresses may be called and how long we wait.
    """

    def __init__(self, vendor: str, rules: NetRules, *, connections: int = 16) -> None:
        self.vendor = vendor
        self.rules = rules
        self._connections = connections
        self._session = self._new_session()
        self._process = os.getpid()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # a netrc or proxy of the machine must not see or replace our credentials
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _guarded_adapter(self.rules, self._connections)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def _own_session(self) -> requests.Session:
        """This process' session: after a fork, parent and child would talk over the same sockets."""
        if self._process != os.getpid():
            self._session, self._process = self._new_session(), os.getpid()
        return self._session

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: str | None = None,
        read_timeout: float | None = None,
        largest: int = 0,
    ) -> Answer:
        """One request, one whole answer of whatever status; never repeats by itself.

        Redirects are followed for GET and only to the same scheme, host and port. With ``largest`` a successful answer
        is a file of at most so many bytes; no more than these are read.

        Raises:
            NotSentError: the vendor has certainly not executed it.
            NoAnswerError: it may have.
            TooLargeError: the file is larger than ``largest``.
        """
        timeout = (self.rules.connect_timeout, read_timeout or self.rules.read_timeout)
        data = body.encode() if body is not None else None
        for _ in range(MAX_REDIRECTS):
            answer = self._once(
                method, url, headers=headers or {}, largest=largest, params=params, data=data, timeout=timeout
            )
            target = answer.headers.get("Location", "")
            if answer.status not in {301, 302, 303, 307, 308} or not target:
                return answer
            url, params = self._redirected(method, url, urljoin(answer.url, target)), None
        raise RedirectRefusedError(f"{self.vendor} redirects in circles.", "Check the address.", code="redirected")

    def _once(self, method: str, url: str, *, headers: Mapping[str, str], largest: int, **rest: Any) -> Answer:
        self.rules.check_url(url)
        self._check_headers(headers)
        try:
            response = self._own_session().request(
                method, url, headers=headers, allow_redirects=False, stream=bool(largest), **rest
            )
            content = self._at_most(response, largest) if largest else response.content
        except requests.RequestException as error:
            # Without its cause: requests' own errors hold the whole address and, some of them, headers.
            raise self._typed(error, url) from None
        if largest and response.ok:
            return Answer(response.status_code, response.headers, "", url, content)
        text = content.decode("utf-8", errors="replace").removeprefix("\ufeff")
        return Answer(response.status_code, response.headers, text, url)

    def _at_most(self, response: requests.Response, largest: int) -> bytes:
        """The body, read piece by piece, so that a huge one never stands in memory. Raises TooLargeError."""
        pieces, size = [], 0
        with response:
            for piece in response.iter_content(64 * 1024):
                size += len(piece)
                if size > largest:
                    raise TooLargeError(
                        f"{self.vendor} sends a file of more than {largest // 1024**2} MB.",
                        "Make the file smaller there, or attach it by hand.",
                        code="file_too_large",
                    )
                pieces.append(piece)
        return b"".join(pieces)

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable()):
                raise NotSentError(
                    f"The value for the header {name} holds a character that HTTP can't carry.",
                    "Enter the keys again; a blank or a special character may have been copied along.",
                    systemic=True,
                    code="bad_header",
                )

    def _redirected(self, method: str, url: str, target: str) -> str:
        old, new = urlsplit(url), urlsplit(target)
        if method == "GET" and (old.scheme, old.netloc) == (new.scheme, new.netloc):
            return target
        raise RedirectRefusedError(
            f"{self.vendor} ({old.hostname}) wants to redirect us to {new.hostname or 'nowhere'}; we don't follow.",
            "Enter the address that the API itself answers at.",
            code="redirected",
        )

    def _typed(self, error: requests.RequestException, url: str) -> ConnectionFailedError:
        host = urlsplit(url).hostname
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        if _is_certificate_trouble(error):
            return NotSentError(
                f"The certificate of {host} can't be verified, so nothing was sent.",
                "Give the server a valid certificate, or add its authority to this machine (update-ca-certificates).",
                systemic=True,
                code="bad_certificate",
            )
        if isinstance(reason, urllib3.exceptions.NameResolutionError):
            return NotSentError(
                f"There is no server named {host}.",
                "Check the spelling of the address and this machine's DNS.",
                code="unknown_host",
            )
        if isinstance(error, requests.ConnectTimeout) or isinstance(reason, urllib3.exceptions.NewConnectionError):
            return NotSentError(
                f"{self.vendor} ({host}) can't be reached.",
                "Check the address, this machine's internet connection and the vendor's status page.",
            )
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return NotSentError(f"{self.vendor}'s address is not valid.", "Check the address.", code="bad_address")
        timed_out = isinstance(error, requests.Timeout) or "timed out" in str(error).lower()
        said = "did not answer in time" if timed_out else "closed the connection before its answer was whole"
        return NoAnswerError(
            f"{self.vendor} ({host}) {said}.", "It is tried again; see the vendor's status page.", timed_out=timed_out
        )


def _is_certificate_trouble(error: requests.RequestException) -> bool:
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE" in str(error).upper()
