"""Every page is looked at in a browser; of the few that are not, it is said where they are tried."""

from __future__ import annotations

from flask import Flask

from tests.journeys.test_pages import GATE, PAGES

#: What answers a GET and is no page of its own, by the beginning of its endpoint.
NO_PAGE = (
    "static", "assets.", "system.healthz", "system.readyz", "system.metrics",  # for browsers and machines
    "connections.health", "dashboard.standing", "system.banners", "rows.", "batches.live", "batches.rows",  # parts
    "mappings.reading", "reconcile.live", "updates.live", "customer_mail.letter", "customer_mail.preview",
    "batches.errors", "batches.invoices", "batches.log", "books.export", "books.archive", "mappings.export",  # files
    "audit.save", "reconcile.as_csv", "reconcile.as_xlsx",
    "quickbooks.", "mail_sign_in.",  # ways to a vendor's own page and back
    "customer_mail.begin", "everything.first", "reconcile.begin",  # ways to the page of the first company
)  # fmt: skip
#: Pages that need what the furnished installation does not have, and where they are tried instead.
ELSEWHERE = {
    "login.set_up": "test_main_path, which begins there",
    "login.ask_code": "routes/test_two_factor",
    "pay.show": "test_a_customer_pays_by_stripe_from_a_page_that_names_nothing_but_the_payee",
    "pay.back": "the same",
    "pay.cancelled": "the same form as pay.show, with a sentence",
    "run.ask": "test_the_end_of_a_batch_is_told_once_to_whoever_asked_for_it",
    "everything.show_round": "test_a_paused_autosync_its_banner_and_its_runs_are_accessible",
    "approval.show": "test_a_batch_to_approve_and_a_mail_that_failed_are_accessible",
    "customer_mail.one": "the same",
}


def test_no_page_is_left_out(app: Flask) -> None:
    addresses = app.url_map.bind("books.test")
    paths = [path.partition("?")[0] for path in (*PAGES, *GATE) if "no-such" not in path]
    looked_at = {addresses.match(path, method="GET")[0] for path in paths}
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    left_out = {page for page in pages - looked_at - set(ELSEWHERE) if not page.startswith(NO_PAGE)}
    assert left_out == set()
    assert set(ELSEWHERE) <= pages - looked_at
