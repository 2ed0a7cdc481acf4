"""``user``: people who may log in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from app.cli.context import Context, pass_context
from app.cli.options import command
from app.cli.output import emit, table
from app.models.people import NO_ROLE, ROLES, User
from app.services.connections import books
from app.services.people import access, invitations, two_factor, users


@click.group()
def user() -> None:
    """People who may log in."""


email_argument = click.argument("email", metavar="EMAIL")
mail_option = click.option("--mail", "by_mail", is_flag=True, help="Mail the link instead of printing it.")


@command(user)
@email_argument
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--book", "book_ref", default="", metavar="BOOK", help="Only in this QuickBooks company: id or name.")
@mail_option
@pass_context
def add(context: Context, email: str, role: str, book_ref: str, by_mail: bool) -> None:
    """Add a user; prints a one-time link for choosing the password, or mails it.

    With --book the role holds in that company only; a user who is there already gets it beside the roles there are.
    """
    with context.database.session() as session:
        if book_ref:
            book = books.find_book(session, book_ref)
            added, new = access.let_in(session, email=email, role=role, book=book, by=context.actor)
            if not new:
                value = _json(added, access.own(session, added.id or 0))
                emit(value, [f"{added.email} is {role} in {book.name}."], as_json=context.as_json)
                return
        else:
            added = users.create_user(session, email=email, role=role, by=context.actor)
        handed = invitations.invite(session, added, _sender(context), by_mail=by_mail)
    _emit(context, added, handed)


@command(user, "list")
@pass_context
def list_(context: Context) -> None:
    """List everybody."""
    with context.database.reading() as session:
        beside, names = access.everybodys(session), {book.id: book.name for book in books.list_books(session)}
        found = [_json(row, beside.get(row.id or 0, {})) for row in users.list_users(session)]
    cells = [[u["email"], u["name"], _roles(u, names), "yes" if u["active"] else "no"] for u in found]
    lines = table(cells, ["EMAIL", "NAME", "ROLE", "ACTIVE"]) if found else ["There is no user yet."]
    emit({"users": found}, lines, as_json=context.as_json)


@command(user)
@email_argument
@pass_context
def disable(context: Context, email: str) -> None:
    """End a user's sessions; no more log-ins."""
    with context.database.session() as session:
        found = users.find(session, email)
        users.disable(session, found, by=context.actor)
        emit(_json(found), [f"{found.email} can no longer log in."], as_json=context.as_json)


@command(user)
@email_argument
@mail_option
@pass_context
def reset(context: Context, email: str, by_mail: bool) -> None:
    """Take away a user's password; prints a one-time link for choosing a new one, or mails it."""
    with context.database.session() as session:
        found = users.find(session, email)
        handed = invitations.reset(session, found, _sender(context), by_mail=by_mail)
    _emit(context, found, handed)


@command(user, "reset-two-factor")
@email_argument
@pass_context
def reset_two_factor(context: Context, email: str) -> None:
    """For a user who lost app and recovery codes: no code is asked for, and every session ends."""
    with context.database.session() as session:
        found = users.find(session, email)
        two_factor.reset(session, found, by=context.actor)
        emit(_json(found), [f"{found.email} logs in with the password alone."], as_json=context.as_json)


def _sender(context: Context) -> invitations.Sender:
    return invitations.Sender(context.actor, context.actor, context.settings.public_url)


def _emit(context: Context, found: User, handed: invitations.Handed) -> None:
    days = users.TICKET_LIFE.days
    lines = [f"One-time link for {found.email}, good for {days} days:", handed.link]
    if handed.mail:
        lines = [f"A one-time link, good for {days} days, is on its way to {found.email}."]
    more = {"mail": handed.mail.id} if handed.mail else {"link": handed.link}
    with context.database.reading() as session:
        roles = access.own(session, found.id or 0)
    emit({**_json(found, roles), **more}, lines, as_json=context.as_json)


def _roles(user: dict[str, Any], names: Mapping[int | None, str]) -> str:
    """``viewer, bookkeeper in Demo MSP``; only the latter for one who has a role in companies only."""
    places = [f"{role} in {names.get(book, book)}" for book, role in user["books"].items()]
    general = [] if places and user["role"] == NO_ROLE else [access.words(user["role"])]
    return ", ".join([*general, *places])


def _json(row: User, roles: Mapping[int, str] | None = None) -> dict[str, Any]:
    return {
        "email": row.email,
        "name": row.name,
        "role": row.role,
        "books": dict(roles or {}),
        "active": row.active,
        "last_login": row.last_login_at,
    }
