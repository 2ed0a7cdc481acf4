"""Settings: one frozen object, read once from the environment, failing with one clear sentence.

The names and defaults are those of the README's environment table.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from app.domain.problems import CrossfootError

PROJECT = Path(__file__).resolve().parent.parent

INTUIT = {
    "authorize": "https://appcenter.intuit.com/connect/oauth2",
    "token": "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    "revoke": "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
}
INTUIT_API = {
    "production": "https://quickbooks.api.intuit.com",
    "sandbox": "https://sandbox-quickbooks.api.intuit.com",
}
STRIPE_API = "https://api.stripe.com"
#: QuickBooks works on a call for up to 120 s; against Intuit's own address no doubt may end sooner than this.
SHORTEST_DOUBT = 140.0


class SettingsError(CrossfootError):
    """A variable of the environment cannot be used."""


class Secret(str):
    """A string that never shows itself: not in a log, not in an exception, not in a page by accident."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True)
class Endpoints:
    """Where QuickBooks Online is: Intuit's own addresses, or those of a test server."""

    api: str
    authorize: str
    token: str
    revoke: str

    @property
    def are_intuits(self) -> bool:
        """True when every address is Intuit's own."""
        return self.api in INTUIT_API.values() and (self.authorize, self.token, self.revoke) == tuple(INTUIT.values())


@dataclass(frozen=True)
class Waits:
    """How long doubts wait, in seconds. Short in tests; the defaults are what the vendor's limits ask for.

    Attributes:
        running: until a call cannot be running any more (QuickBooks' time limit of 120 s, and 30 s more).
        between: between two looks that both found nothing, before the identical call may go again.
        lease: how long a worker's claim on a batch holds without being renewed.
    """

    running: float = 150.0
    between: float = 30.0
    lease: float = 30.0


@dataclass(frozen=True)
class Settings:
    """Everything that is decided outside the program."""

    home: Path
    database_url: str
    redis_url: str
    secret_key: Secret
    encryption_keys: tuple[Secret, ...]
    public_url: str
    bind: str
    trusted_proxies: int
    qbo_environment: str
    qbo: Endpoints
    qbo_client_id: str
    qbo_client_secret: Secret
    allow_hosts: tuple[str, ...]
    metrics_token: Secret
    assets: Path
    waits: Waits = Waits()
    stripe_api: str = STRIPE_API

    @property
    def secure(self) -> bool:
        """Users come by https."""
        return self.public_url.startswith("https://")

    @property
    def is_demo(self) -> bool:
        """The data folder belongs to ``./crossfoot demo``."""
        return (self.home / "demo").exists()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read, check and complete the environment; makes the data folder and its keys on first use."""
        env = Environment(os.environ if environ is None else environ)
        home = Path(env.text("CROSSFOOT_HOME") or PROJECT / "instance").absolute()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = env.choice("CROSSFOOT_QBO_ENVIRONMENT", ("production", "sandbox"))
        api = (env.text("CROSSFOOT_QBO_API_URL") or INTUIT_API[environment]).rstrip("/")
        return cls(
            home=home,
            database_url=env.text("CROSSFOOT_DATABASE_URL") or f"sqlite:///{home / 'crossfoot.db'}",
            redis_url=_redis_url(env, home),
            secret_key=env.secret("CROSSFOOT_SECRET_KEY") or _kept(home / "secret.key", secrets.token_urlsafe(48)),
            encryption_keys=_encryption_keys(env, home),
            public_url=_public_url(env),
            bind=env.text("CROSSFOOT_BIND") or "127.0.0.1",
            trusted_proxies=env.number("CROSSFOOT_TRUSTED_PROXIES", 0),
            qbo_environment=environment,
            qbo=Endpoints(
                api=api,
                authorize=env.text("CROSSFOOT_QBO_AUTHORIZE_URL") or INTUIT["authorize"],
                token=env.text("CROSSFOOT_QBO_TOKEN_URL") or INTUIT["token"],
                revoke=env.text("CROSSFOOT_QBO_REVOKE_URL") or INTUIT["revoke"],
            ),
            qbo_client_id=env.secret("CROSSFOOT_QBO_CLIENT_ID"),
            qbo_client_secret=env.secret("CROSSFOOT_QBO_CLIENT_SECRET"),
            allow_hosts=tuple(h.strip() for h in env.text("CROSSFOOT_ALLOW_HOSTS").split(",") if h.strip()),
            metrics_token=env.secret("CROSSFOOT_METRICS_TOKEN"),
            assets=Path(env.text("CROSSFOOT_ASSETS") or PROJECT / ".setup" / "assets"),
            waits=_waits(env, against_intuit=api in INTUIT_API.values()),
            stripe_api=(env.text("CROSSFOOT_STRIPE_API_URL") or STRIPE_API).rstrip("/"),
        )


def _waits(env: Environment, *, against_intuit: bool) -> Waits:
    waits = Waits(
        running=env.seconds("CROSSFOOT_DOUBT_WAIT", Waits.running),
        between=env.seconds("CROSSFOOT_DOUBT_BETWEEN", Waits.between),
        lease=env.seconds("CROSSFOOT_LEASE", Waits.lease),
    )
    if against_intuit and waits.running < SHORTEST_DOUBT:
        raise SettingsError(
            f"CROSSFOOT_DOUBT_WAIT is {waits.running:g} s: QuickBooks may work on a call for 120 s, and one that is "
            "sent again meanwhile is booked twice.",
            f"Leave it out ({Waits.running:g} s), or give at least {SHORTEST_DOUBT:g}.",
        )
    return waits


class Environment:
    """Typed looks into the environment; a bad value stops the start."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def secret(self, name: str) -> Secret:
        """The variable itself, or the contents of the file that ``NAME_FILE`` names."""
        if path := self.text(f"{name}_FILE"):
            try:
                return Secret(Path(path).read_text().strip())
            except OSError as error:
                raise SettingsError(f"{name}_FILE cannot be read: {error.strerror}.", "Check the path.") from error
        return Secret(self.text(name))

    def number(self, name: str, default: int) -> int:
        text = self.text(name)
        if text and not text.isdecimal():
            raise SettingsError(f"{name} must be a whole number, not “{text}”.", "Correct it or leave it out.")
        return int(text) if text else default

    def seconds(self, name: str, default: float) -> float:
        text = self.text(name)
        try:
            return float(text) if text else default
        except ValueError as error:
            raise SettingsError(f"{name} must be seconds, not “{text}”.", "Correct it or leave it out.") from error

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        text = self.text(name) or choices[0]
        if text not in choices:
            raise SettingsError(f"{name} must be {' or '.join(choices)}, not “{text}”.", "Correct it.")
        return text


def _public_url(env: Environment) -> str:
    url = (env.text("CROSSFOOT_PUBLIC_URL") or f"http://localhost:{env.text('CROSSFOOT_PORT') or '8000'}").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
        raise SettingsError(
            f"CROSSFOOT_PUBLIC_URL “{url}” is not an address like https://books.example.com.",
            "Give scheme and host name, without a path.",
        )
    return url


def _redis_url(env: Environment, home: Path) -> str:
    """The given server, or the private one on a unix socket in the data folder."""
    url = env.text("CROSSFOOT_REDIS_URL")
    if not url:
        link = home / "redis.path"  # written where the socket's path would be too long for the system
        socket = link.read_text().strip() if link.exists() else str(home / "redis.sock")
        return f"unix://{socket}"
    parts = urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme == "redis" and not local and not (parts.password and env.text("CROSSFOOT_REDIS_PLAIN") == "1"):
        raise SettingsError(
            "CROSSFOOT_REDIS_URL goes to another host without encryption.",
            "Use rediss://, or set a password and CROSSFOOT_REDIS_PLAIN=1.",
        )
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise SettingsError(
            f"CROSSFOOT_REDIS_URL “{parts.scheme}://…” is not Redis.", "Use unix://, redis:// or rediss://."
        )
    return url


def _encryption_keys(env: Environment, home: Path) -> tuple[Secret, ...]:
    """The first key encrypts; the others still decrypt (rotation)."""
    given = env.secret("CROSSFOOT_ENCRYPTION_KEYS")
    text = given or _kept(home / "encryption.key", Fernet.generate_key().decode())
    keys = tuple(Secret(k) for k in text.replace(",", " ").split())
    for key in keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise SettingsError(
                "CROSSFOOT_ENCRYPTION_KEYS holds something that is not a key.",
                "Each key is 32 random bytes in URL-safe base64, 44 characters.",
            ) from error
    return keys


def _kept(path: Path, fresh: str) -> Secret:
    """The contents of a key file, made with mode 0600 where there is none yet; two starts at once agree on one."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(fresh)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return Secret(path.read_text().strip())
