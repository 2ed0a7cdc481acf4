"""Invoices as JSON, for `POST /_add`: whatever can stand on an invoice can be asked for, and it is closed at once.

`{"company": "Acme Dental", "type": "Standard", "date": "2026-11-20", "lines": [{"account": "4010", "text": "…",
"quantity": "2", "price": "145.00"}]}`. A company or tax code that the site doesn't have is made from an object in the
place of its name; every other field is named as `model.Invoice`, `model.Line`, `model.Product` and `model.Work` do.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sandbox.connectwise.currencies import CURRENCIES
from sandbox.connectwise.model import Company, Invoice, Line, Product, TaxCode, TaxLevel, Work, line

if TYPE_CHECKING:
    from sandbox.connectwise.site import Site

Row = dict[str, Any]

TYPES = ("Agreement", "CreditMemo", "DownPayment", "Miscellaneous", "Progress", "Standard")
PLAIN = (
    "attention",
    "territory",
    "agreement",
    "custom",
    "gl_class",
    "currency",
    "prepayment",
    "tax_on_down_payment",
    "avalara",
    "due_days",
    "purchase_order",
    "top_comment",
    "mapped",
)


def add_draft(site: Site, wanted: Row) -> Invoice:
    """Make the invoice, or the one of the site's drafts that is `named`; `number` and `date` may be given beside it.

    Raises:
        ValueError: something in it is unknown, or missing.
    """
    named = wanted.get("named")
    if named is not None and named not in site.drafts:
        raise ValueError(f"no draft {named!r}; there are {', '.join(sorted(site.drafts))}")
    try:
        return site.add_invoice(_invoice(site, {**site.drafts.get(str(named), {}), **wanted}))
    except (KeyError, TypeError, InvalidOperation) as error:
        raise ValueError(f"the invoice cannot be made: {error!r}") from error


def _invoice(site: Site, wanted: Row) -> Invoice:
    kind, currency = str(wanted.get("type", "Standard")), str(wanted.get("currency", "USD"))
    if kind not in TYPES or currency not in CURRENCIES:
        raise ValueError(f"types are {', '.join(TYPES)}, currencies {', '.join(CURRENCIES)}")
    number, text = site.next_invoice()
    company = company_of(site, wanted["company"])
    day = day_of(wanted.get("date"), site.today - timedelta(days=1))
    term = next((each for each in site.terms.values() if each.name == wanted.get("term")), site.terms[company.term_id])
    code = (
        tax_code_of(site, wanted["tax_code"]) if "tax_code" in wanted else site.tax_codes.get(company.tax_code_id or 0)
    )
    return Invoice(
        id=number,
        number=str(wanted.get("number", text)),
        type=kind,
        date=day,
        due_date=day_of(wanted.get("due_date"), day + timedelta(days=term.due_days)),
        company=company,
        location_id=int(wanted.get("location", company.location_id)),
        term=term,
        tax_code=code,
        lines=tuple(_line(site, each) for each in wanted["lines"]),
        closed=datetime.now(UTC) if wanted.get("closed", True) else None,
        sales_rep=_pair(wanted.get("sales_rep", ("", ""))),
        project=(int(wanted["project"][0]), str(wanted["project"][1])) if wanted.get("project") else None,
        avalara_tax=Decimal(str(wanted["avalara_tax"])) if "avalara_tax" in wanted else None,
        drift=Decimal(str(wanted.get("drift", 0))),
        **{name: wanted[name] for name in PLAIN if name in wanted},
    )


def _pair(value: Any) -> tuple[str, str]:
    return str(value[0]), str(value[1])


def day_of(value: Any, default: date) -> date:
    """A date in ISO form, or the default."""
    return date.fromisoformat(str(value)[:10]) if value else default


def company_of(site: Site, wanted: Any) -> Company:
    """By name or id; an object makes a new one like the first, changed by what it says."""
    if isinstance(wanted, dict):
        number = max(site.companies, default=400) + 1
        plain = "".join(each for each in str(wanted["name"]) if each.isalnum())
        first = next(iter(site.companies.values()))
        fresh = {"identifier": plain[:25], "account_number": f"{plain[:6].upper()}{number % 100:02d}", **wanted}
        site.companies[number] = replace(first, id=number, **fresh)
        return site.companies[number]
    found = [each for each in site.companies.values() if wanted in (each.name, each.id)]
    if not found:
        raise ValueError(f"no company {wanted!r}")
    return found[0]


def tax_code_of(site: Site, wanted: Any) -> TaxCode | None:
    """By identifier, None for no tax; an object makes a new code with its levels."""
    if wanted is None:
        return None
    name = str(wanted["identifier"] if isinstance(wanted, dict) else wanted)
    known = next((each for each in site.tax_codes.values() if each.identifier == name), None)
    if known is not None:
        return known
    if isinstance(wanted, dict):
        return _new_code(site, name, wanted)
    raise ValueError(f"no tax code {wanted!r}")


def _new_code(site: Site, name: str, wanted: Row) -> TaxCode:
    levels = tuple(
        TaxLevel(int(each["level"]), Decimal(str(each["rate"])), each["xref"], each.get("agency", ""), each["xref"])
        for each in wanted["levels"]
    )
    made = TaxCode(max(site.tax_codes, default=20) + 1, name, str(wanted.get("description", name)), levels)
    site.tax_codes[made.id] = made
    return made


def _line(site: Site, wanted: Row) -> Line:
    product = product_of(site, wanted["product"]) if "product" in wanted else None
    made = line(
        str(wanted.get("gl_type", "RP" if product else "R")),
        str(wanted.get("account", product.account if product else "4010")),
        str(wanted.get("text", product.description if product else "Service")),
        str(wanted.get("quantity", 1)),
        str(wanted.get("price", product.price if product else 0)),
        taxable=bool(wanted.get("taxable", product.taxable if product else False)),
        product=product,
        work=Work(**wanted["work"]) if "work" in wanted else None,
    )
    return replace(made, serials=str(wanted.get("serials", "")), drop_shipped=bool(wanted.get("drop_shipped", False)))


def product_of(site: Site, wanted: Any) -> Product:
    """By identifier; an object makes a new product, or gives back the one that has its identifier."""
    name = wanted["identifier"] if isinstance(wanted, dict) else wanted
    known = next((each for each in site.products.values() if each.identifier == name), None)
    if known is not None:
        return known
    if isinstance(wanted, dict):
        return _new_product(site, wanted)
    raise ValueError(f"no product {wanted!r}")


def _new_product(site: Site, wanted: Row) -> Product:
    fields = {**wanted, "price": Decimal(str(wanted["price"])), "cost": Decimal(str(wanted.get("cost", 0)))}
    made = Product(**{"id": max(site.products, default=800) + 1, "account": "4100", "type_id": 1, **fields})
    site.products[made.id] = made
    return made
