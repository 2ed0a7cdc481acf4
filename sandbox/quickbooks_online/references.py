"""References from one object to another: the id must exist and be active; the name is filled in by the server."""

from __future__ import annotations

from sandbox.quickbooks_online import problems
from sandbox.quickbooks_online.company import Company, name_of
from sandbox.quickbooks_online.problems import Json

_NAMES_OF_TABLES = {"Customer": "Customers", "Vendor": "Vendors", "Item": "Item elements", "Account": "Accounts"}


def target(company: Company, entity: str, reference: Json | None, element: str) -> Json:
    """The object that a reference means.

    Raises:
        Refusal: 2020 no reference, 2500 nothing has this id, 610 it is inactive.
    """
    if reference is None:
        raise problems.missing(element)
    found = company.find(entity, reference.get("value"))
    if found is None:
        raise problems.bad_reference(_NAMES_OF_TABLES.get(entity, entity), reference.get("value"), element)
    if found.get("Active") is False:
        raise problems.not_found(element)
    return found


def filled(company: Company, entity: str, reference: Json, element: str) -> Json:
    """`{"value", "name"}` of a reference that holds."""
    found = target(company, entity, reference, element)
    return to(entity, found)


def to(entity: str, obj: Json) -> Json:
    """A reference to this object."""
    name = obj.get("FullyQualifiedName") or name_of(entity, obj)
    return {"value": obj["Id"], "name": name}


def settle(company: Company, body: Json, **entities: str) -> None:
    """Check and fill each of these references of `body` that is there: `settle(c, body, ClassRef="Class")`."""
    for name, entity in entities.items():
        if name in body:
            body[name] = filled(company, entity, body[name], name)
