"""How mail leaves the house: one server for the installation, entered by an admin; the password is encrypted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict

from sqlmodel import Session

from app.connectors.mail.mailer import MailServer, Security
from app.domain.mail_addresses import is_address
from app.domain.problems import ValidationError
from app.models.connections import InstallationSetting
from app.services.people import audit

NAME = "mail"
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9a-fA-F:.]{2,45}")
#: A password is only ever given to the server it was entered for.
TIES = ("host", "port", "security", "user")


def server(session: Session, name: str = NAME) -> MailServer | None:
    """The server that holds now, of those kept by name; None while it is not set up."""
    row = session.get(InstallationSetting, name)
    if row is None or not row.value:
        return None
    return MailServer(**{**row.value, "port": int(row.value["port"]), "security": Security(row.value["security"])})


def to_keep(server: MailServer) -> dict[str, object]:
    """What of it is stored: all but the token, which is renewed."""
    return {name: value for name, value in asdict(server).items() if name != "token"}


def store(session: Session, form: Mapping[str, str], by: str) -> None:
    """Take a server and commit; an empty password keeps the one there is. Raises ValidationError."""
    old = server(session)
    new = parsed(form, old)
    row = session.get(InstallationSetting, NAME) or InstallationSetting(key=NAME)
    row.value = to_keep(new)
    session.add(row)
    changed = old is None or old.password != new.password
    audit.record(session, by, "mail.settings", "installation", old=_shown(old), new=_shown(new), new_password=changed)
    session.commit()


def forget(session: Session, by: str) -> None:
    """No mail any more; one-time links are shown again instead. Commits."""
    row = session.get(InstallationSetting, NAME)
    if row is not None:
        audit.record(session, by, "mail.settings", "installation", old=_shown(server(session)), new={})
        session.delete(row)
        session.commit()


def parsed(form: Mapping[str, str], old: MailServer | None, *, sends: bool = True) -> MailServer:
    """A server from a form; one that only gives us mail has no sender. Raises ValidationError."""
    host, user, sender = (form.get(name, "").strip() for name in ("host", "user", "sender"))
    if not HOST.fullmatch(host):
        raise ValidationError(f"“{host}” is not a host name.", "Give one like smtp.example.com, without a port.")
    if sends and not is_address(sender):
        raise ValidationError(f"“{sender}” is not an e-mail address.", "Give the address that mails come from.")
    made = MailServer(host, _port(form.get("port", "")), _security(form.get("security", "")), sender, user)
    password = form.get("password", "") or _kept(made, old)
    return MailServer(made.host, made.port, made.security, sender, user, password if user else "")


def _port(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise ValidationError(f"“{text}” is not a port.", "587 is usual for STARTTLS, 465 for TLS, 25 inside a house.")
    return int(text)


def _security(text: str) -> Security:
    if text not in set(Security):
        raise ValidationError(f"“{text}” is not a kind of encryption.", f"Choose {', '.join(Security)}.")
    return Security(text)


def _kept(made: MailServer, old: MailServer | None) -> str:
    """The stored password, if it was for this very server and user."""
    if not made.user or old is None or not old.password:
        return ""
    if any(getattr(made, name) != getattr(old, name) for name in TIES):
        raise ValidationError(
            "The stored password was entered for another server or user.", "Enter the password once more."
        )
    return old.password


def _shown(server: MailServer | None) -> dict[str, object]:
    return {name: value for name, value in to_keep(server).items() if name != "password"} if server else {}
