"""``connect connectwise``: the PSA, by API keys. QuickBooks is connected in the browser, because Intuit asks there."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from app.cli.context import Context, pass_context
from app.cli.options import command
from app.cli.output import emit, finding_lines, printable
from app.connectors.protocols import Check
from app.domain.problems import CrossfootError, ValidationError
from app.services.connections import connections
from app.settings import Environment, Secret

KEY_VARIABLE = "CONNECTWISE_PRIVATE_KEY"


class NotConnectedError(CrossfootError):
    """A check found what keeps the connection from working; nothing was stored. ``facts`` go into the JSON."""

    def __init__(self, check: Check) -> None:
        first = next(f for f in check.findings if f.severity == "error")
        more = sum(f.severity == "error" for f in check.findings) - 1
        and_more = f" ({more} more findings above.)" if more else ""
        super().__init__(f"{first.message}{and_more}", first.remedy)
        self.facts = {"findings": [finding.to_json() for finding in check.findings]}


@click.group()
def connect() -> None:
    """Connect a PSA."""


@command(connect)
@click.option("--site", required=True, metavar="URL_OR_HOST", help="Like na.myconnectwise.net.")
@click.option("--company-id", required=True, metavar="ID", help="The company that you log in to at ConnectWise.")
@click.option("--public-key", required=True, metavar="K", help="Of the API member.")
@click.option("--client-id", required=True, metavar="GUID", help="From developer.connectwise.com.")
@pass_context
def connectwise(context: Context, site: str, company_id: str, public_key: str, client_id: str) -> None:
    """Check a ConnectWise PSA and store the connection if it works.

    The private key is read from CONNECTWISE_PRIVATE_KEY (or the file that CONNECTWISE_PRIVATE_KEY_FILE names), else
    asked for. Run again with the same site and company, it replaces the keys.
    """
    check = connections.connect_source(
        context.database,
        context.connectors,
        settings={"site": site, "company_id": company_id, "public_key": public_key, "client_id": client_id},
        secrets={"private_key": _private_key()},
        by=context.actor,
    )
    if not connections.connects(check):
        if not context.as_json:
            emit(None, finding_lines(check.findings), as_json=False)
        raise NotConnectedError(check)
    lines = [f"Connected: {printable(check.name)}", *(f"  {k}: {printable(v)}" for k, v in check.facts.items())]
    emit(_check_json(check), [*lines, *finding_lines(check.findings)], as_json=context.as_json)


def _check_json(check: Check) -> dict[str, Any]:
    findings = [finding.to_json() for finding in check.findings]
    return {"connected": True, "name": check.name, "facts": dict(check.facts), "findings": findings}


def _private_key() -> Secret:
    given = Environment(os.environ).secret(KEY_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise ValidationError("The private key is missing.", f"Set {KEY_VARIABLE} or {KEY_VARIABLE}_FILE.")
    return Secret(click.prompt("Private key", hide_input=True, err=True).strip())
