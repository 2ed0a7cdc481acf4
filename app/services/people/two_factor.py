"""Two-factor log-in: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for the day it is lost."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

import pyotp
import segno
from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from app.domain.problems import ValidationError
from app.models.columns import utcnow
from app.models.logins import RecoveryCode, SecondFactor
from app.models.people import User
from app.services.people import audit, passwords

ISSUER = "Crossfoot"
STEP_SECONDS = 30
#: A clock may be half a minute off, in either direction.
DRIFT = (0, -1, 1)
RECOVERY_CODES = 10
#: Letters and digits that are not mistaken for each other: 12 of them are 60 bits.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
WRONG = ("This code is not right, or it was used already.", "Wait for the next one and type that.")


def is_on(session: Session, user_id: int | None) -> bool:
    """Whether the user is asked for a code."""
    row = session.get(SecondFactor, user_id)
    return row is not None and row.confirmed_at is not None


def those_with(session: Session) -> set[int]:
    """Ids of the users who are asked for a code."""
    return set(session.exec(select(SecondFactor.user_id).where(col(SecondFactor.confirmed_at).is_not(None))))


def codes_left(session: Session, user: User) -> int:
    """How many recovery codes were not used yet."""
    return session.exec(select(func.count()).where(RecoveryCode.user_id == user.id)).one()


# ── turning it on ────────────────────────────────────────────────────────────────────────────────────────────────


def begin(session: Session, user: User, password: str) -> None:
    """Make a secret, which counts only once it is confirmed. Commits. Raises ValidationError."""
    _check_password(user, password)
    if is_on(session, user.id):
        raise ValidationError("Two-factor log-in is on already.", "Turn it off first.")
    session.merge(SecondFactor(user_id=user.id or 0, secret=pyotp.random_base32()))
    session.commit()


def unconfirmed(session: Session, user: User) -> str:
    """The secret to be confirmed; empty where there is none."""
    row = session.get(SecondFactor, user.id)
    return row.secret if row and row.confirmed_at is None else ""


def picture(user: User, secret: str) -> str:
    """The secret as a QR code: SVG to stand in a page, dark on white in every theme."""
    address = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
    return str(segno.make(address, error="m").svg_inline(scale=5, border=3, dark="#000", light="#fff"))


def confirm(session: Session, user: User, code: str, now: dt.datetime | None = None) -> list[str]:
    """Turn it on, by a code that only the app knows; every other session ends. Commits.

    Answers the recovery codes, which are shown this once. Raises ValidationError.
    """
    row = session.get(SecondFactor, user.id)
    if row is None or row.confirmed_at is not None:
        raise ValidationError("There is nothing to confirm.", "Begin again.")
    if not _take_code(session, row, code, now or utcnow()):
        raise ValidationError(*WRONG)
    row.confirmed_at = utcnow()
    user.epoch += 1
    session.add_all([row, user])
    codes = _fresh_codes(session, user)
    audit.record(session, user.email, "two_factor.on", f"user:{user.email}")
    session.commit()
    return codes


# ── being asked ──────────────────────────────────────────────────────────────────────────────────────────────────


def passes(session: Session, user: User, code: str, now: dt.datetime | None = None) -> bool:
    """Whether the app's code of now, or an unused recovery code, was given; it is used up. Commits."""
    row = session.get(SecondFactor, user.id)
    if row is None or row.confirmed_at is None:
        return False
    typed = "".join(code.split()).replace("-", "").lower()
    good = _take_code(session, row, typed, now or utcnow()) or _take_recovery_code(session, user, typed)
    if not good:
        audit.record(session, user.email, "two_factor.refused", f"user:{user.email}")
    session.commit()
    return good


def _take_code(session: Session, row: SecondFactor, code: str, now: dt.datetime) -> bool:
    """One conditional UPDATE uses the code's step up, so that of two at the same time one is refused."""
    step = _step_of(row.secret, "".join(code.split()), now)
    if step is None:
        return False
    fresh = (col(SecondFactor.user_id) == row.user_id, col(SecondFactor.last_step) < step)
    return session.exec(update(SecondFactor).where(*fresh).values(last_step=step)).rowcount == 1


def _step_of(secret: str, code: str, now: dt.datetime) -> int | None:
    """The 30-second step whose code this is, now or next to now."""
    if not (code.isascii() and code.isdecimal() and len(code) == 6):
        return None
    app, current = pyotp.TOTP(secret, interval=STEP_SECONDS), int(now.timestamp()) // STEP_SECONDS
    good = [current + off for off in DRIFT if hmac.compare_digest(app.generate_otp(current + off), code)]
    return good[0] if good else None


def _take_recovery_code(session: Session, user: User, typed: str) -> bool:
    query = delete(RecoveryCode).where(col(RecoveryCode.user_id) == user.id, col(RecoveryCode.digest) == _digest(typed))
    if session.exec(query).rowcount != 1:
        return False
    audit.record(session, user.email, "two_factor.recovery_code", f"user:{user.email}", left=codes_left(session, user))
    return True


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


# ── changing and ending it ───────────────────────────────────────────────────────────────────────────────────────


def new_codes(session: Session, user: User, code: str) -> list[str]:
    """Other recovery codes; the old ones no longer work. Commits. Raises ValidationError."""
    if not passes(session, user, code):
        raise ValidationError(*WRONG)
    codes = _fresh_codes(session, user)
    audit.record(session, user.email, "two_factor.new_codes", f"user:{user.email}")
    session.commit()
    return codes


def _fresh_codes(session: Session, user: User) -> list[str]:
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user.id))
    session.add_all(RecoveryCode(user_id=user.id or 0, digest=_digest(code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in (0, 4, 8)) for code in codes]


def turn_off(session: Session, user: User, password: str, code: str) -> None:
    """The user's own wish, by password and code. Commits. Raises ValidationError."""
    _check_password(user, password)
    if not passes(session, user, code):
        raise ValidationError(*WRONG)
    _end(session, user, user.email, "two_factor.off")


def reset(session: Session, user: User, by: str) -> None:
    """An admin's deed for somebody who lost app and codes: every session ends, no code is asked for. Commits."""
    user.epoch += 1
    session.add(user)
    _end(session, user, by, "two_factor.reset")


def _end(session: Session, user: User, by: str, action: str) -> None:
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user.id))
    session.exec(delete(SecondFactor).where(col(SecondFactor.user_id) == user.id))
    audit.record(session, by, action, f"user:{user.email}")
    session.commit()


def _check_password(user: User, password: str) -> None:
    if not passwords.matches(user.password_hash, password):
        raise ValidationError("The password is not right.", "Type it again; nothing was changed.")
