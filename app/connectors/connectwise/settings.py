"""What a connection to ConnectWise PSA consists of, and where its API answers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from app.domain.problems import ValidationError

#: Vendor-hosted sites; their API answers at the same name with ``api-`` before it (Developer Guide, "Authentication").
CLOUD = (".myconnectwise.net", ".connectwisedev.com")
#: Model version that answers are pinned to (Developer Guide, "Versioning").
ACCEPT = "application/vnd.connectwise.com+json; version=2025.8"
NAMES = {"site": "site", "company_id": "company id", "public_key": "public key", "client_id": "clientId"}


@dataclass(frozen=True, slots=True)
class Settings:
    """A site and the keys of an API member (docs/decisions/0003-api-keys-not-impersonation.md).

    Attributes:
        origin: scheme, host and port as people open them in a browser.
        currency: ISO code for records that don't name theirs.
    """

    origin: str
    company_id: str
    public_key: str
    client_id: str
    private_key: str = field(repr=False)
    currency: str = "USD"

    @classmethod
    def read(cls, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Self:
        """From stored or entered values. Raises ValidationError for what is missing."""
        values = {name: str(settings.get(name) or "").strip() for name in NAMES}
        values["private_key"] = (secrets.get("private_key") or "").strip()
        for name, value in values.items():
            if not value:
                words = NAMES.get(name, "private key")
                raise ValidationError(f"ConnectWise’s {words} is missing.", f"Enter the {words}.")
        currency = str(settings.get("currency") or "USD").upper()
        return cls(_origin(values.pop("site")), **values, currency=currency)

    @property
    def api_origin(self) -> str:
        """Where the API answers: cloud sites refuse calls to the name that people use."""
        parts = urlsplit(self.origin)
        host = parts.hostname or ""
        if not host.endswith(CLOUD) or host.startswith("api-"):
            return self.origin
        return f"{parts.scheme}://api-{parts.netloc}"

    @property
    def web_origin(self) -> str:
        """Where people open records."""
        return self.origin.replace("://api-", "://", 1)

    @property
    def host(self) -> str:
        """The API's host and port, for sentences."""
        return urlsplit(self.api_origin).netloc

    def headers(self) -> dict[str, str]:
        """Of every call but discovery. Holds secrets."""
        pair = f"{self.company_id}+{self.public_key}:{self.private_key}"
        return {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "clientId": self.client_id,
            "Accept": ACCEPT,
            "Content-Type": "application/json",
        }


def _origin(site: str) -> str:
    """``na.myconnectwise.net``, or any address copied from the browser, as scheme, host and port."""
    address = site if "://" in site else f"https://{site}"
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 -- reading it is what checks it
    except ValueError:
        parts = urlsplit("")
    if not parts.hostname or "@" in parts.netloc:
        raise ValidationError("The ConnectWise site is not an address.", "Enter it like na.myconnectwise.net.")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"
