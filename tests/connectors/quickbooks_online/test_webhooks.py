"""Intuit's notices: signed, in both forms, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from app.connectors.quickbooks_online import webhooks

TOKEN = "a-verifier-token-of-intuit"
OLD = {
    "eventNotifications": [
        {
            "realmId": "9341",
            "dataChangeEvent": {"entities": [{"name": "Payment", "id": "1", "operation": "Update"}, {"name": "Item"}]},
        },
        {"realmId": "77", "dataChangeEvent": {"entities": [{"name": "Customer", "id": "1"}]}},
    ]
}
NEW = [
    {"specversion": "1.0", "id": "u", "type": "qbo.payment.voided.v1", "intuitaccountid": "9341", "data": {}},
    {"specversion": "1.0", "id": "v", "type": "qbo.vendor.created.v1", "intuitaccountid": "77", "data": {}},
]


def sign(body: bytes, token: str = TOKEN) -> str:
    return base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()


def test_only_intuits_signature_over_the_raw_body_counts() -> None:
    body = json.dumps(OLD).encode()
    assert webhooks.signed(TOKEN, body, sign(body))
    for wrong in (sign(body, "another token"), sign(body + b" "), sign(body)[:-4], "", "not base64!", "ä"):
        assert not webhooks.signed(TOKEN, body, wrong)


def test_both_forms_name_the_companies_whose_payments_may_have_moved() -> None:
    assert webhooks.companies(json.dumps(OLD).encode()) == {"9341"}
    assert webhooks.companies(json.dumps(NEW).encode()) == {"9341"}


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[1, null]", b"{", b'{"eventNotifications": 3}', b'{"eventNotifications": [{"realmId": "1"}]}',
     b'[{"type": 5}]', b'[{"type": "qbo.payment.x.v1", "intuitaccountid": "; drop"}]', b"[" * 100_000],
)  # fmt: skip
def test_nonsense_is_about_no_company(body: bytes) -> None:
    assert webhooks.companies(body) == set()
