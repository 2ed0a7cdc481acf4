"""The keys of our app at Intuit: from the environment, else as an admin entered them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from app.domain.problems import ValidationError
from app.models.connections import InstallationSetting
from app.services.people import audit
from app.settings import Secret, Settings

NAME = "intuit_keys"
WEBHOOKS = "intuit_webhooks"


@dataclass(frozen=True, slots=True)
class Keys:
    """Both empty where there are none. ``fixed``: they come from the environment and can't be changed on a page."""

    client_id: str
    client_secret: Secret
    fixed: bool = False

    @property
    def complete(self) -> bool:
        return bool(self.client_id and self.client_secret)


def keys(session: Session, settings: Settings) -> Keys:
    """What holds now."""
    if settings.qbo_client_id or settings.qbo_client_secret:
        return Keys(str(settings.qbo_client_id), settings.qbo_client_secret, fixed=True)
    row = session.get(InstallationSetting, NAME)
    stored = row.value if row else {}
    return Keys(stored.get("client_id", ""), Secret(stored.get("client_secret", "")))


def verifier(session: Session) -> str:
    """The token that Intuit signs its webhooks with; empty where none are taken."""
    row = session.get(InstallationSetting, WEBHOOKS)
    return str((row.value or {}).get("verifier", "")) if row else ""


def store_verifier(session: Session, token: str, by: str) -> None:
    """Take webhooks signed with this token, or none where it is empty; commits. Raises ValidationError."""
    token = token.strip()
    if token and not (16 <= len(token) <= 200 and token.isascii() and token.isprintable()):
        raise ValidationError("That is no verifier token.", "Copy it from the Intuit developer portal, Webhooks.")
    row = session.get(InstallationSetting, WEBHOOKS) or InstallationSetting(key=WEBHOOKS, value={})
    row.value = {"verifier": token}
    session.add(row)
    audit.record(session, by, "intuit_webhooks.set", "installation", taken=bool(token))
    session.commit()


def store(session: Session, client_id: str, client_secret: str, by: str) -> None:
    """Take new keys and commit; an empty secret keeps the one there is. Raises ValidationError."""
    row = session.get(InstallationSetting, NAME) or InstallationSetting(key=NAME, value={})
    secret = client_secret.strip() or (row.value or {}).get("client_secret", "")
    if not client_id.strip() or not secret:
        raise ValidationError(
            "Both the client id and the client secret are needed.",
            "Copy them from the Intuit developer portal, Keys & credentials.",
        )
    row.value = {"client_id": client_id.strip(), "client_secret": secret}
    session.add(row)
    audit.record(session, by, "intuit_keys.set", "installation", client_id=client_id.strip())
    session.commit()
