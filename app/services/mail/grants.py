"""Signing in at the mail provider (XOAUTH2): our app there, the consent that somebody gave, and its fresh tokens.

All of it is encrypted. A consent is only ever used with the server and user that it was given for.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from app.connectors.mail.mailer import MailApp, Mailer, MailGrant, MailNotSentError, MailServer
from app.connectors.protocols import ConnectionFailedError
from app.database import Database
from app.domain.problems import ValidationError
from app.models.columns import utcnow
from app.models.connections import InstallationSetting
from app.models.postings import Heartbeat
from app.services import leases
from app.services.people import audit

APP, GRANT, LOCK = "mail_app", "mail_grant", "mail_grant"
#: A token with less life than this is renewed before a letter goes out.
SPARE = dt.timedelta(minutes=2)
#: Who renews and has not come back after so long is taken for dead.
LEASE = dt.timedelta(seconds=60)
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
TENANT = re.compile(r"[A-Za-z0-9.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that we know: its addresses (``{tenant}`` is Microsoft's directory), and its mail server."""

    name: str
    authorize_url: str
    token_url: str
    scope: str
    host: str = ""
    extra: tuple[tuple[str, str], ...] = ()


#: Microsoft’s leave to read the mailbox, for bounces; Google’s scope holds it already.
IMAP_SCOPE = "https://outlook.office.com/IMAP.AccessAsUser.All"
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
PROVIDERS: Mapping[str, Provider] = {
    "microsoft": Provider(
        "Microsoft 365", f"{_MICROSOFT}/authorize", f"{_MICROSOFT}/token",
        "https://outlook.office.com/SMTP.Send offline_access", "smtp.office365.com",
    ),
    "google": Provider(
        "Google", "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token",
        "https://mail.google.com/", "smtp.gmail.com", (("access_type", "offline"), ("prompt", "consent")),
    ),
    "other": Provider("Another provider", "", "", ""),
}  # fmt: skip


def app(session: Session) -> MailApp | None:
    """Our registration; None before one is entered."""
    row = session.get(InstallationSetting, APP)
    if row is None or not row.value:
        return None
    return MailApp(**{**row.value, "extra": tuple(map(tuple, row.value["extra"]))})


def store_app(session: Session, form: Mapping[str, str], by: str) -> MailApp:
    """Take a registration and commit; an empty secret keeps the one there is. Raises ValidationError."""
    old, new = app(session), _parsed(form)
    if not new.client_secret and old and (old.client_id, old.token_url) == (new.client_id, new.token_url):
        new = replace(new, client_secret=old.client_secret)
    _put(session, APP, {name: getattr(new, name) for name in MailApp.__dataclass_fields__})
    if old != new:
        _put(session, GRANT, None)
    audit.record(session, by, "mail.app", "installation", provider=new.provider, client_id=new.client_id)
    session.commit()
    return new


def _parsed(form: Mapping[str, str]) -> MailApp:
    provider, client_id = form.get("provider", ""), form.get("client_id", "").strip()
    if provider not in PROVIDERS:
        raise ValidationError(f"“{provider}” is not a provider.", f"Choose {', '.join(PROVIDERS)}.")
    if not client_id or len(client_id) > 200 or not client_id.isprintable():
        raise ValidationError("The client id is missing.", "Copy it from the app’s registration at the provider.")
    tenant = form.get("tenant", "").strip() or "common"
    if not TENANT.fullmatch(tenant):
        raise ValidationError(f"“{tenant}” is not a directory.", "Give Microsoft’s tenant id, or nothing.")
    known = PROVIDERS[provider]
    given = {
        name: getattr(known, name) or form.get(name, "").strip() for name in ("authorize_url", "token_url", "scope")
    }
    if not given["authorize_url"] or not given["token_url"]:
        raise ValidationError(
            "The provider’s addresses are missing.", "Give those of its sign-in page and of its tokens."
        )
    given = {name: value.replace("{tenant}", tenant) for name, value in given.items()}
    if form.get("imap") and provider == "microsoft":
        given["scope"] = f"{IMAP_SCOPE} {given['scope']}"
    return MailApp(provider, client_id, **given, client_secret=form.get("client_secret", "").strip(), extra=known.extra)


def keep(session: Session, grant: MailGrant, server: MailServer, by: str) -> None:
    """Store the consent that somebody gave just now, for this server and user; commits."""
    _put(session, GRANT, _stored(grant, server))
    audit.record(session, by, "mail.sign_in", "installation", user=server.user, server=server.host)
    session.commit()


def forget(session: Session, by: str) -> None:
    """Mail logs in by password again; commits."""
    _put(session, GRANT, None)
    audit.record(session, by, "mail.sign_out", "installation")
    session.commit()


def signed_in(session: Session, server: MailServer | None) -> bool:
    """Whether there is a consent for this server and user."""
    stored = _value(session, GRANT)
    return bool(server and stored and (stored["host"], stored["user"]) == (server.host, server.user))


def authorized(database: Database, mailer: Mailer, server: MailServer) -> MailServer:
    """The server with a token that is good for a while, where somebody signed in. Raises MailNotSentError."""
    with database.reading() as session:
        registration, stored = app(session), _value(session, GRANT)
        ours = signed_in(session, server)
    if stored is None or registration is None:
        return server
    if not ours and server.password:
        return server
    if not ours:
        raise MailNotSentError(
            "The sign-in at the provider was for another server or user.",
            "Sign in again under Settings ▸ E-mail.", final=True,
        )  # fmt: skip
    grant = _grant(stored)
    if grant.until - utcnow() < SPARE:
        grant = _renewed(database, mailer, registration, server, grant)
    return replace(server, token=grant.access)


def distrust(database: Database, token: str) -> None:
    """The server refused this access token: the next letter brings a new one."""
    with database.session() as session:
        stored = _value(session, GRANT)
        if stored and stored["access"] == token:
            _put(session, GRANT, {**stored, "until": LONG_AGO.isoformat()})
            session.commit()


def _renewed(
    database: Database, mailer: Mailer, registration: MailApp, server: MailServer, grant: MailGrant
) -> MailGrant:
    """One process renews, the others wait for what it stores: some providers kill a refresh token by its second use."""
    while not _take(database):
        time.sleep(0.1)
        with database.reading() as session:
            stored = _value(session, GRANT)
        if stored and stored["access"] != grant.access:
            return _grant(stored)
    try:
        new = mailer.renew(registration, grant)
        with database.session() as session:
            stored = _value(session, GRANT)
            if stored and stored["refresh"] == grant.refresh:  # nobody signed in or out meanwhile
                _put(session, GRANT, _stored(new, server))
            session.commit()
    except ConnectionFailedError as error:
        raise MailNotSentError(error.message, error.remedy, final=error.systemic) from error
    finally:
        _give_back(database)
    return new


def _take(database: Database) -> bool:
    now = utcnow()
    with database.session() as session:
        free = (col(Heartbeat.name) == LOCK, leases.over(col(Heartbeat.at), now - LEASE))  # ``at``: when it was taken
        if session.exec(update(Heartbeat).where(*free).values(at=now)).rowcount == 1:
            session.commit()
            return True
        if session.get(Heartbeat, LOCK) is not None:
            return False
        session.add(Heartbeat(name=LOCK, at=now))
        try:
            session.commit()
        except IntegrityError:
            return False
    return True


def _give_back(database: Database) -> None:
    with database.session() as session:
        session.exec(update(Heartbeat).where(col(Heartbeat.name) == LOCK).values(at=LONG_AGO))
        session.commit()


def _stored(grant: MailGrant, server: MailServer) -> dict[str, str]:
    return {"access": grant.access, "refresh": grant.refresh, "until": grant.until.isoformat(), "host": server.host,
            "user": server.user}  # fmt: skip


def _grant(stored: Mapping[str, str]) -> MailGrant:
    return MailGrant(stored["access"], stored["refresh"], dt.datetime.fromisoformat(stored["until"]))


def _value(session: Session, name: str) -> dict[str, Any] | None:
    row = session.get(InstallationSetting, name)
    return row.value if row is not None and row.value else None


def _put(session: Session, name: str, value: object) -> None:
    row = session.get(InstallationSetting, name) or InstallationSetting(key=name)
    row.value = value or {}
    session.add(row)
