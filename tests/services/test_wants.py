"""What a document wants of the books, and what it only takes where it is there."""

from __future__ import annotations

import dataclasses

from app.domain.documents import Reference
from app.domain.links import LinkKind, Rules
from app.services.mapping import wants
from app.services.mapping.links import Index
from tests.builders import a_document, an_entry


def test_the_own_tax_code_of_an_untaxed_document_is_known_where_it_is_linked_and_needed_nowhere() -> None:
    code = Reference("21", "ZERO")
    untaxed = dataclasses.replace(a_document(tax="0"), tax_code=code, tax_levels=())
    zero = an_entry(LinkKind.TAX_CODES, "4", "0 % Z")
    linked = Index({(LinkKind.TAX_CODES, "21"): "4"}, [zero])
    for index, there in ((linked, True), (Index({}, [zero]), False)):
        found = wants.of(untaxed, index, Rules(), {}, accept=False)
        assert ((LinkKind.TAX_CODES, "21") in found.links) is there
        assert not [problem for problem in found.problems if "tax" in problem.code]
