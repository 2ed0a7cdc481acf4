"""Sites as people type them, and where their API answers."""

from __future__ import annotations

import pytest

from app.connectors.connectwise.settings import Settings
from app.domain.problems import ValidationError

KEYS = {"company_id": "acme", "public_key": "pub", "client_id": "guid"}


def read(site: str) -> Settings:
    return Settings.read({"site": site, **KEYS}, {"private_key": "hunter2"})


@pytest.mark.parametrize(
    ("site", "api"),
    [
        ("na.myconnectwise.net", "https://api-na.myconnectwise.net"),
        ("https://EU.myconnectwise.net/v2025_1/ConnectWise.aspx?locale=en", "https://api-eu.myconnectwise.net"),
        ("api-au.myconnectwise.net", "https://api-au.myconnectwise.net"),
        ("sandbox-na.myconnectwise.net", "https://api-sandbox-na.myconnectwise.net"),
        ("staging.connectwisedev.com", "https://api-staging.connectwisedev.com"),
        ("cw.corp.example", "https://cw.corp.example"),
        ("http://localhost:8088/", "http://localhost:8088"),
    ],
)
def test_a_site_is_taken_however_it_was_copied(site: str, api: str) -> None:
    assert read(site).api_origin == api


@pytest.mark.parametrize("site", ["https://", "https://user@host", "http://host:port"])
def test_what_is_no_address_is_refused(site: str) -> None:
    with pytest.raises(ValidationError):
        read(site)


def test_records_open_at_the_name_that_people_use() -> None:
    assert read("api-na.myconnectwise.net").web_origin == "https://na.myconnectwise.net"


def test_the_private_key_is_not_shown() -> None:
    assert "hunter2" not in repr(read("na.myconnectwise.net"))
