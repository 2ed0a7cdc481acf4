"""Customers’ online payments for people of the house: what came in, what could not be recorded, links, Stripe’s key."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.problems import CrossfootError, ValidationError
from app.jobs import doorbell
from app.routes import shell
from app.routes.formats import plural
from app.routes.guard import me, requires
from app.routes.pacing import asks_vendors
from app.routes.web import reading, web, writing
from app.services.connections import books
from app.services.paying import online_payments as service
from app.services.paying import pay_links, stripe_keys

online_payments = Blueprint("online_payments", __name__)

SAID = {
    "again": "It is recorded anew.",
    "loose": "It is recorded as money that pays nothing yet.",
    "settled": "Settled.",
}


@online_payments.get("/online-payments/<int:book_id>")
@requires("viewer")
def show(book_id: int) -> ResponseReturnValue:
    """A company's online payments, newest first."""
    return _page(book_id)


def _page(book_id: int, status: int = 200, **more: object) -> ResponseReturnValue:
    session, before = reading(), request.args.get("before", type=int)
    book = books.find_book(session, book_id)
    shell.use_book(book)
    rows = service.listing(session, book_id, before)
    following = rows[-1].checkout.id if len(rows) == service.PAGE else None
    return render_template(
        "pay/payments.html", book=book, rows=rows, before=before, following=following,
        on=stripe_keys.is_on(session, book), **more,
    ), status  # fmt: skip


@online_payments.post("/online-payments/<int:book_id>/<int:payment_id>")
@requires("bookkeeper")
def decide(book_id: int, payment_id: int) -> ResponseReturnValue:
    """What becomes of a payment that could not be recorded."""
    how = request.form.get("how", "")
    try:
        with writing() as session:
            service.decide(session, book_id, payment_id, how, me().email)
    except ValidationError as error:
        return _page(book_id, 422, error=error)
    doorbell.ring(web().settings.redis_url, "record_payments", book_id)
    flash(SAID[how])
    return redirect(url_for("online_payments.show", book_id=book_id), 303)


@online_payments.post("/mail/<int:book_id>/invoices/<int:posting_id>/revoke")
@requires("bookkeeper")
def revoke(book_id: int, posting_id: int) -> ResponseReturnValue:
    """An invoice's links to pay stop working."""
    with writing() as session:
        count = pay_links.revoke(session, book_id, posting_id, me().email)
    doorbell.ring(web().settings.redis_url, "record_payments", book_id)
    flash(f"{plural(count, 'link')} taken back.")
    return redirect(url_for("customer_mail.invoice", book_id=book_id, posting_id=posting_id), 303)


@online_payments.post("/settings/books/<int:book_id>/stripe")
@requires("admin")
@asks_vendors
def store(book_id: int) -> ResponseReturnValue:
    """Try the key of Stripe, and keep it; or take it away."""
    form, parts = request.form, web()
    back = url_for("books.show_tab", book_id=book_id, tab="payments") + "#stripe"
    books.find_book(reading(), book_id)
    if form.get("how") == "forget":
        with writing() as session:
            stripe_keys.forget(session, book_id, me().email)
        flash("Nobody can pay by Stripe any more.")
        return redirect(back, 303)
    try:
        stripe_keys.store(
            parts.database, parts.connectors, book_id, form.get("key", ""), form.get("webhook", ""), me().email
        )  # fmt: skip
    except CrossfootError as error:
        flash(f"{error.message} {error.remedy} Nothing was changed.", "bad")
        return redirect(back, 303)
    flash("Stripe takes the key.")
    return redirect(back, 303)
