"""What a PSA's own lists say: companies, vendors, members, products, codes; whole."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.documents import Address
from app.domain.links import LinkKind

#: Begins the PSA id of a member, who is paid back as a vendor.
MEMBER = "member:"


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One row of a PSA's list.

    Attributes:
        ident: the id under which documents refer to it, and under which it is linked: an account's is its number.
        number: what the accounting side knows it by: a customer's account number, a vendor's cross-reference.
        detail: the PSA's type in words; for people.
        status: of a customer, as the site names it.
        terms_id: id of a customer's billing terms in the PSA.
        due_days: of billing terms; None where they have none.
    """

    kind: LinkKind
    ident: str
    name: str
    active: bool = True
    number: str = ""
    email: str = ""
    phone: str = ""
    address: Address | None = None
    terms_id: str = ""
    due_days: int | None = None
    detail: str = ""
    status: str = ""

    @property
    def is_member(self) -> bool:
        """Whether it is a person of the MSP and not a company."""
        return self.ident.startswith(MEMBER)
