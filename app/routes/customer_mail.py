"""Mail to customers: the queue of a company, one mail as the customer sees it, and what people decide about them."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.problems import CrossfootError, ValidationError
from app.jobs import doorbell
from app.models.connections import Book
from app.routes import shell
from app.routes.formats import plural
from app.routes.guard import me, requires
from app.routes.web import reading, web, writing
from app.services.connections import books
from app.services.mail import bounces, mail_lists, mail_settings, samples
from app.services.mail import customer_mail as service
from app.services.paying import online_payments, pay_links
from app.services.people import users

customer_mail = Blueprint("customer_mail", __name__)

#: A mail carries its own styles, as mail programs want it; nothing else may come with it.
LETTER_CSP = {
    "content_security_policy": {"default-src": "'none'", "style-src": "'unsafe-inline'", "frame-ancestors": "'none'"}
}


@customer_mail.get("/mail")
@requires("viewer")
def begin() -> ResponseReturnValue:
    """The queue of the company that pages begin with."""
    book = books.default_book(reading())
    return redirect(url_for("customer_mail.show", book_id=book.id) if book else url_for("connections.show"))


@customer_mail.get("/mail/<int:book_id>")
@requires("viewer")
def show(book_id: int) -> ResponseReturnValue:
    """One view of the queue."""
    return _page(_book(book_id))


def _book(book_id: int) -> Book:
    book = books.find_book(reading(), book_id)
    shell.use_book(book)
    return book


def _page(book: Book, status: int = 200, **more: Any) -> ResponseReturnValue:
    session, before = reading(), request.args.get("before", type=int)
    batch_id = _batch_id(request.values.get("batch", type=int))
    counts = mail_lists.counts(session, book.id or 0, batch_id)
    chosen = request.args.get("view", "")
    view = chosen if chosen in mail_lists.VIEWS else next((name for name, count in counts.items() if count), "sent")
    rows = mail_lists.listing(session, book.id or 0, view, before, batch_id)
    following = rows[-1].mail.id if len(rows) == mail_lists.PAGE else None
    return render_template(
        "letters/show.html", book=book, books=books.list_books(session), view=view, counts=counts, rows=rows,
        batches=mail_lists.batches_in(session, book.id or 0, view), batch_id=batch_id,
        before=before, following=following, server=mail_settings.server(session), box_wrong=bounces.wrong(session),
        on=books.setting_of(book, "email.invoices") != "no", **more,
    ), status  # fmt: skip


def _batch_id(given: int | None) -> int:
    """0 for every batch; no id is larger than PostgreSQL's integers."""
    return given if given and 0 < given < 2**31 else 0


@customer_mail.get("/mail/<int:book_id>/<int:mail_id>")
@requires("viewer")
def one(book_id: int, mail_id: int) -> ResponseReturnValue:
    """One mail: its text, what became of it, and the ways to send it again."""
    return _one(book_id, mail_id)


def _one(book_id: int, mail_id: int, status: int = 200, **more: Any) -> ResponseReturnValue:
    book, session = _book(book_id), reading()
    row = service.find(session, book_id, mail_id)
    try:
        text, wrong = _shown(row)["text"], None
    except ValidationError as error:
        text, wrong = "", error
    return render_template(
        "letters/one.html", book=book, row=row, text=text, wrong=wrong, again=service.AGAIN,
        names=users.labels(session), **more,
    ), status  # fmt: skip


def _shown(row: mail_lists.Row) -> dict[str, str]:
    """A viewer does not get the link to pay: it is good for whoever has it."""
    return service.shown(reading(), row, with_link=me().may("bookkeeper"))


@customer_mail.get("/mail/<int:book_id>/<int:mail_id>/letter")
@requires("viewer")
def letter(book_id: int, mail_id: int) -> ResponseReturnValue:
    """As the customer sees it; where the text can't be made, the page that says why."""
    row = service.find(reading(), book_id, mail_id)
    try:
        return Response(_shown(row)["html"])
    except ValidationError:
        return redirect(url_for("customer_mail.one", book_id=book_id, mail_id=mail_id))


@customer_mail.get("/mail/<int:book_id>/invoices/<int:posting_id>")
@requires("viewer")
def invoice(book_id: int, posting_id: int) -> ResponseReturnValue:
    """The mails of one invoice, and the way to mail it by hand."""
    return _invoice(book_id, posting_id)


def _invoice(book_id: int, posting_id: int, status: int = 200, **more: Any) -> ResponseReturnValue:
    book, session = _book(book_id), reading()
    row, mails = service.of_invoice(session, book_id, posting_id)
    return render_template(
        "letters/invoice.html", book=book, row=row, mails=mails, posting_id=posting_id, token=secrets.token_urlsafe(16),
        server=mail_settings.server(session), links=pay_links.of_posting(session, posting_id),
        checkouts=online_payments.of_posting(session, posting_id), **more,
    ), status  # fmt: skip


@customer_mail.post("/mail/<int:book_id>/invoices/<int:posting_id>")
@requires("bookkeeper")
def by_hand(book_id: int, posting_id: int) -> ResponseReturnValue:
    """Mail this invoice now."""
    form = request.form
    try:
        with writing() as session:
            sent = service.by_hand(
                session, book_id, posting_id, form.get("to", ""), form.get("token", ""), me().email
            )  # fmt: skip
    except ValidationError as error:
        return _invoice(book_id, posting_id, 422, error=error)
    _ring(book_id)
    flash(f"On its way to {sent.to}.")
    return redirect(url_for("customer_mail.one", book_id=book_id, mail_id=sent.id), 303)


@customer_mail.get("/mail/<int:book_id>/preview")
@requires("viewer")
def preview(book_id: int) -> ResponseReturnValue:
    """What the settings make of a real invoice, as the customer would see it."""
    return Response(samples.mailed(reading(), _book(book_id))["html"])


for view in (letter, preview):
    vars(view)["talisman_view_options"] = LETTER_CSP


@customer_mail.post("/mail/<int:book_id>/held")
@requires("bookkeeper")
def decide(book_id: int) -> ResponseReturnValue:
    """Approve or drop held mails: those that were ticked, or all of the company's, or of one of its batches."""
    how, batch_id = request.form.get("how", ""), _batch_id(request.form.get("batch", type=int))
    wanted = None if how.endswith("_all") else request.form.getlist("mail", type=int)
    deed = service.drop if how.startswith("drop") else service.approve
    try:
        if wanted == []:
            raise ValidationError("No mail is ticked.", "Tick those that you mean, or take all.")
        with writing() as session:
            count = deed(session, book_id, wanted, me().email, batch_id)
    except CrossfootError as error:
        return _page(_book(book_id), 422, error=error)
    _ring(book_id)
    flash(f"{plural(count, 'mail')} {'will not be sent' if deed is service.drop else 'on the way'}.")
    return redirect(url_for("customer_mail.show", book_id=book_id), 303)


def _ring(book_id: int) -> None:
    doorbell.ring(web().settings.redis_url, "prepare_mails", book_id)


@customer_mail.post("/mail/<int:book_id>/<int:mail_id>/again")
@requires("bookkeeper")
def again(book_id: int, mail_id: int) -> ResponseReturnValue:
    """Send the invoice (once more), made anew, perhaps to another address."""
    try:
        with writing() as session:
            sent = service.again(session, book_id, mail_id, request.form.get("to", ""), me().email)
    except ValidationError as error:
        return _one(book_id, mail_id, 422, error=error)
    _ring(book_id)
    flash(f"On its way to {sent.to}.")
    return redirect(url_for("customer_mail.one", book_id=book_id, mail_id=sent.id), 303)


@customer_mail.post("/mail/<int:book_id>/<int:mail_id>/arrived")
@requires("bookkeeper")
def arrived(book_id: int, mail_id: int) -> ResponseReturnValue:
    """A mail in doubt arrived, a person says."""
    try:
        with writing() as session:
            service.arrived(session, book_id, mail_id, me().email)
    except ValidationError as error:
        return _one(book_id, mail_id, 422, error=error)
    flash("Settled.")
    return redirect(url_for("customer_mail.one", book_id=book_id, mail_id=mail_id), 303)
