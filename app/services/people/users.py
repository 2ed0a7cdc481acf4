"""People: users, their log-in, one-time links, and the first admin."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from app.domain.problems import NotFoundError, ValidationError
from app.models.columns import utcnow
from app.models.connections import InstallationSetting
from app.models.people import NO_ROLE, ROLES, User
from app.services.people import audit, passwords

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
TICKET_LIFE = dt.timedelta(days=3)
#: Of a link that somebody asked for who says that the password is forgotten.
FORGOTTEN_LIFE = dt.timedelta(hours=1)
SETUP_CODE = "setup_code"
THEMES = ("", "light", "dark")


def find(session: Session, email: str) -> User:
    """The user with this address. Raises NotFoundError."""
    user = session.exec(select(User).where(User.email == email.strip().lower())).first()
    if user is None:
        raise NotFoundError(f"There is no user {email.strip()}.", "Look at the list of users.")
    return user


def list_users(session: Session) -> list[User]:
    """Everybody, by address."""
    return list(session.exec(select(User).order_by(User.email)))


def labels(session: Session) -> dict[str, str]:
    """Address → how the person is named to others."""
    return {user.email: user.label for user in session.exec(select(User))}


def has_admin(session: Session) -> bool:
    """Whether somebody can log in as admin or has been invited as one; until then /setup is open."""
    return session.exec(select(User.id).where(User.role == "admin", col(User.active))).first() is not None


def create_user(
    session: Session, *, email: str, role: str, by: str, password: str | None = None, name: str = ""
) -> User:
    """Add a user and commit. Without a password the user comes in by a one-time link (issue_ticket).

    Raises ValidationError: not an address, taken, unknown role, password not allowed.
    """
    address = email.strip().lower()
    if not EMAIL.fullmatch(address):
        raise ValidationError(f"“{email.strip()}” is not an e-mail address.", "Give one like name@host.")
    _check_role(role)
    user = User(email=address, role=role, name=_name(name), password_hash=_hashed(password, address))
    session.add(user)
    audit.record(session, by, "user.create", f"user:{address}", role=role)
    try:
        session.commit()
    except IntegrityError as error:
        session.rollback()
        raise ValidationError(f"There is a user {address} already.", "Use user reset for a new password.") from error
    return user


def _check_role(role: str) -> None:
    if role not in (NO_ROLE, *ROLES):
        raise ValidationError(f"“{role}” is not a role.", f"Choose {', '.join(ROLES)}, or {NO_ROLE}.")


def _name(name: str) -> str:
    return " ".join(name.split())[:120]


def _hashed(password: str | None, email: str) -> str:
    if password is None:
        return ""
    passwords.check(password, email)
    return passwords.hashed(password)


def authenticate(session: Session, email: str, password: str) -> User | None:
    """The active user with this address and password; None, which is recorded. Takes as long whoever it is.

    Commits.
    """
    address = email.strip().lower()
    user = session.exec(select(User).where(User.email == address)).first()
    if not passwords.matches(user.password_hash if user else "", password) or user is None or not user.active:
        audit.record(session, audit.STRANGER, "user.refused", f"user:{address}"[:120])
        session.commit()
        return None
    return user


def change_password(session: Session, user: User, old: str, new: str) -> None:
    """The user's own change; commits, and every other session of the user ends. Raises ValidationError."""
    if not passwords.matches(user.password_hash, old):
        raise ValidationError("The present password is not right.", "Type it again; nothing was changed.")
    _set_password(session, user, new)
    audit.record(session, user.email, "user.password", f"user:{user.email}")
    session.commit()


def _set_password(session: Session, user: User, password: str) -> None:
    user.password_hash = _hashed(password, user.email)
    user.ticket_hash, user.ticket_until = "", None
    user.epoch += 1
    session.add(user)


def change_profile(session: Session, user: User, *, name: str, theme: str, shortcuts: bool) -> None:
    """How the user is named and what the pages look like to them; commits. Raises ValidationError."""
    if theme not in THEMES:
        raise ValidationError(f"“{theme}” is not a theme.", "Choose light, dark, or the system’s.")
    if _name(name) != user.name:
        audit.record(session, user.email, "user.name", f"user:{user.email}", old=user.name, new=_name(name))
    user.name, user.theme, user.shortcuts = _name(name), theme, shortcuts
    session.add(user)
    session.commit()


# ── one-time links ───────────────────────────────────────────────────────────────────────────────────────────────


def issue_ticket(session: Session, user: User, by: str = "") -> str:
    """A token for a one-time link, good for three days; an older one of the user no longer works. Commits."""
    token = new_ticket(session, user, by)
    session.commit()
    return token


def new_ticket(session: Session, user: User, by: str = "", life: dt.timedelta = TICKET_LIFE) -> str:
    """The same, for a caller that commits it together with the mail that brings it."""
    token = secrets.token_urlsafe(32)
    user.ticket_hash, user.ticket_until = _digest(token), utcnow() + life
    session.add(user)
    audit.record(session, by or user.email, "user.link", f"user:{user.email}")
    return token


def ticket_holder(session: Session, token: str, now: dt.datetime | None = None) -> User:
    """Whose link this is. Raises NotFoundError: used, replaced, expired, or never made."""
    user = session.exec(select(User).where(User.ticket_hash == _digest(token), col(User.active))).first()
    if user is None or user.ticket_until is None or user.ticket_until < (now or utcnow()):
        raise NotFoundError("This link has been used or has expired.", "Ask your admin for a new one.")
    return user


def redeem_ticket(session: Session, token: str, password: str, name: str = "") -> User:
    """Set the password of the link's holder, use the link up, and commit. Raises NotFoundError, ValidationError."""
    user = ticket_holder(session, token)
    _set_password(session, user, password)
    user.name = _name(name) or user.name
    audit.record(session, user.email, "user.password", f"user:{user.email}")
    session.commit()
    return user


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# ── what admins do ───────────────────────────────────────────────────────────────────────────────────────────────


def reset(session: Session, user: User, by: str) -> str:
    """End the user's sessions and password; answers the token of a one-time link. The caller commits."""
    user.password_hash, user.active = "", True
    user.epoch += 1
    audit.record(session, by, "user.reset", f"user:{user.email}")
    return new_ticket(session, user, by)


def disable(session: Session, user: User, by: str) -> None:
    """No more log-ins, and every session ends; commits. Raises ValidationError for the last admin."""
    _keep_an_admin(session, user)
    user.active, user.ticket_hash = False, ""
    user.epoch += 1
    session.add(user)
    audit.record(session, by, "user.disable", f"user:{user.email}")
    session.commit()


def set_role(session: Session, user: User, role: str, by: str) -> None:
    """Another role; commits. Raises ValidationError for an unknown one, or if nobody would be admin any more."""
    _check_role(role)
    if role == user.role:
        return
    if role != "admin":
        _keep_an_admin(session, user)
    audit.record(session, by, "user.role", f"user:{user.email}", old=user.role, new=role)
    user.role = role
    session.add(user)
    session.commit()


def _keep_an_admin(session: Session, user: User) -> None:
    others = select(func.count()).where(User.role == "admin", col(User.active), User.id != user.id)
    if user.role == "admin" and user.active and not session.exec(others).one():
        raise ValidationError(f"{user.email} is the only admin.", "Make somebody else admin first.")


# ── first admin ──────────────────────────────────────────────────────────────────────────────────────────────────


def setup_code(session: Session) -> str:
    """The code that /setup asks for: made once, encrypted at rest, the same until it is used. Empty with an admin."""
    if has_admin(session):
        return ""
    row = session.get(InstallationSetting, SETUP_CODE)
    if row is None:
        row = InstallationSetting(key=SETUP_CODE, value="-".join(secrets.token_hex(2) for _ in range(4)))
        session.add(row)
        session.commit()
    return str(row.value)


def set_up(session: Session, *, code: str, email: str, password: str, name: str = "") -> User:
    """The first admin, by the one-time code, which is used up. Raises ValidationError."""
    expected = setup_code(session)
    if not expected:
        raise ValidationError("There is an admin already.", "Log in, or ask your admin for an account.")
    if not hmac.compare_digest(code.strip().lower().encode(), expected.encode()):
        raise ValidationError("The code is not right.", "It stands in what “crossfoot up” prints.")
    user = create_user(session, email=email, role="admin", by=email.strip().lower(), password=password, name=name)
    session.delete(session.get(InstallationSetting, SETUP_CODE))
    session.commit()
    return user
