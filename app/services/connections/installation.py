"""Settings that hold for the whole installation."""

from __future__ import annotations

from sqlmodel import Session

from app.domain import book_settings
from app.models.connections import InstallationSetting
from app.services.people import audit


def value(session: Session, key: str) -> str:
    """What holds: the stored value, else the default. Raises ValidationError for an unknown key."""
    setting = book_settings.setting(key, book_settings.INSTALLATION)
    row = session.get(InstallationSetting, key)
    return str(row.value) if row else setting.default


def set_value(session: Session, key: str, text: str, by: str) -> None:
    """Change one setting and commit. Raises ValidationError."""
    new = book_settings.setting(key, book_settings.INSTALLATION).parse(text)
    old = value(session, key)
    row = session.get(InstallationSetting, key) or InstallationSetting(key=key)
    row.value = new
    session.add(row)
    audit.record(session, by, "installation.setting", key, old=old, new=new)
    session.commit()
