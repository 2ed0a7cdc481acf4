"""The connection check: keys, rights, licence, set-up. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.connectors.connectwise import answers, package_setup, values
from app.connectors.connectwise.answers import PsaError
from app.connectors.connectwise.client import Client
from app.connectors.connectwise.values import Row
from app.connectors.protocols import Check
from app.domain.problems import Problem, Severity

#: Locations that are counted one by one; a site with more is told about the first.
MOST_LOCATIONS = 25
#: What to do where the API member sees too few locations.
LEVEL_REMEDY = (
    "If the others bill too, set the API member’s Level to Corporate (level 1): "
    "System ▸ Members ▸ API Members ▸ the member ▸ Role & Structure."
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A list that Crossfoot reads, and what is missing without it."""

    path: str
    purpose: str
    severity: Severity


PROBES = (
    Probe("/finance/accounting/unpostedinvoices", "list what is to be posted", Severity.ERROR),
    Probe("/finance/accounting/batches", "mark as posted and take it back", Severity.ERROR),
    Probe("/finance/invoices", "tell which batch an invoice is in, and its addresses", Severity.ERROR),
    Probe("/company/companies", "name customers and their addresses", Severity.ERROR),
    Probe("/procurement/catalog", "describe products", Severity.WARNING),
    Probe("/procurement/purchaseorders", "read the numbers of vendors’ invoices", Severity.WARNING),
    Probe("/procurement/adjustments", "describe adjustments of stock", Severity.WARNING),
    Probe("/expense/entries", "describe expenses", Severity.WARNING),
    Probe("/time/entries", "describe labour on invoice lines", Severity.WARNING),
    Probe("/system/members", "name members as vendors of their expenses", Severity.WARNING),
    Probe("/finance/billingStatuses", "set and explain the status of invoices", Severity.WARNING),
    Probe("/finance/taxCodes", "offer tax codes for linking", Severity.WARNING),
    Probe("/finance/billingTerms", "offer terms for linking", Severity.WARNING),
    Probe("/system/locations", "offer locations", Severity.WARNING),
)


def check(client: Client) -> Check:
    """The whole check. Raises ConnectionFailedError where there is no connection at all."""
    client.discover()
    info, findings = _system_info(client)
    for probe in PROBES:
        findings += _probed(client, probe)
    if not any(problem.severity is Severity.ERROR for problem in findings):
        findings += _export_allowed(client)
    findings += _setup(client)
    seen, more = _locations(client)
    facts = {
        "version": values.text(info, "version"),
        "site": client.settings.origin,
        "locations": seen,
        "unposted_invoices": _unposted(client),
    }
    return Check(
        name=f"{client.settings.company_id} at {client.settings.host}",
        findings=(*findings, *more),
        facts={key: value for key, value in facts.items() if value},
    )


def _system_info(client: Client) -> tuple[Row, list[Problem]]:
    """Version and licences. Wrong keys show here and are raised; a weak role is a finding of the probes."""
    try:
        info = client.read("/system/info").json()
    except PsaError as error:
        if error.code not in {"role_too_weak", "not_found"}:
            raise
        return {}, []
    info = info if isinstance(info, dict) else {}
    licences = {values.text(bit, "name"): bit.get("activeFlag") for bit in values.rows(info, "licenseBits")}
    if licences.get("GLInterface", True):
        return info, []
    return info, [
        Problem(
            "no_gl_licence",
            "ConnectWise’s accounting interface is not licensed for this site.",
            "Ask ConnectWise to add the GL Interface to your licence.",
            Severity.WARNING,
        )
    ]


def _probed(client: Client, probe: Probe) -> Iterator[Problem]:
    try:
        client.page(probe.path, {"pageSize": "1"})
    except PsaError as error:
        if error.code not in {"role_too_weak", "not_found", "bad_request"}:
            raise
        # A version without the list is no fault of the role, and a loss only where nothing works without it.
        is_loss = error.code == "role_too_weak" or probe.path.startswith("/finance/accounting/")
        severity = probe.severity if is_loss else Severity.WARNING
        message = f"Crossfoot can’t {probe.purpose}: {error.message}"
        yield Problem(error.code, message, error.remedy, severity, subject=answers.area_of(probe.path))


def _export_allowed(client: Client) -> Iterator[Problem]:
    """Exporting takes the level Add, which only an export shows; this one is a preview of a single record."""
    found = client.read("/finance/accounting/unpostedinvoices", {"pageSize": "1"}).json()
    first = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    record = values.identity(first, "billingLogId")
    if not values.is_number(record):
        return
    body = {
        "batchIdentifier": "preview",
        "glInterfaceIdentifier": "preview",
        "exportInvoicesFlag": True,
        "includedInvoiceIds": [int(record)],
    }
    try:
        client.read("/finance/accounting/export", body=body)
    except PsaError as error:
        if error.code != "role_too_weak":
            raise
        message = "Crossfoot can’t export: the API member may see the accounting interface but not use it."
        yield Problem(error.code, message, error.remedy, subject=answers.AREAS["/finance/accounting/"])


def _setup(client: Client) -> list[Problem]:
    setup = _rows(client, "/finance/accountingPackageSetup")
    if not setup:
        return [
            Problem(
                "package_unknown",
                "The accounting package can’t be read, so its settings could not be checked.",
                f"Raise the role under System ▸ Security Roles: {answers.AREAS['/finance/']}.",
                Severity.WARNING,
            )
        ]
    captions = _rows(client, "/finance/glCaptions")
    return package_setup.findings(setup[0]) + package_setup.segment_findings(captions)


def _rows(client: Client, path: str) -> list[Row]:
    """A set-up table, which some versions answer as a single object; nothing where it can't be read."""
    try:
        found = client.read(path).json()
    except PsaError as error:
        if error.code not in {"role_too_weak", "not_found", "bad_request"}:
            raise
        return []
    rows = found if isinstance(found, list) else [found]
    return [row for row in rows if isinstance(row, dict)]


def _locations(client: Client) -> tuple[str, list[Problem]]:
    """How many locations' invoices the member sees. Its structure level itself can't be read through the API."""
    locations = [row for row in _rows(client, "/system/locations") if row.get("locationFlag") is not False]
    if not locations:
        return "", []
    looked_at = locations[:MOST_LOCATIONS]
    unseen = [values.text(row, "name") for row in looked_at if not _has_invoices(client, values.identity(row))]
    seen = len(looked_at) - len(unseen)
    words = f"sees invoices of {seen} of {len(locations)} locations"
    if not unseen or not seen:
        return words, []
    return words, [
        Problem(
            "structure_level",
            f"The API member {words} (none of: {', '.join(unseen[:5])}). Its structure level can’t be read.",
            LEVEL_REMEDY,
            Severity.WARNING if seen == 1 else Severity.INFO,
        )
    ]


def _has_invoices(client: Client, location: str) -> bool:
    try:
        return client.count("/finance/invoices", f"locationId={location}") > 0
    except PsaError as error:
        if error.code not in {"role_too_weak", "not_found", "bad_request"}:
            raise
        return False


def _unposted(client: Client) -> str:
    try:
        return str(client.count("/finance/accounting/unpostedinvoices"))
    except PsaError as error:
        if error.code not in {"role_too_weak", "not_found", "bad_request"}:
            raise
        return ""
