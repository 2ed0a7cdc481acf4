"""``user``: people who may log in."""

from __future__ import annotations

from typing import Any

import click

from app.cli.context import Context, pass_context
from app.cli.options import command
from app.cli.output import emit, table
from app.models.people import ROLES, User
from app.services import people


@click.group()
def user() -> None:
    """People who may log in."""


email_argument = click.argument("email", metavar="EMAIL")


@command(user)
@email_argument
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@pass_context
def add(context: Context, email: str, role: str) -> None:
    """Add a user; prints a one-time link for choosing the password."""
    with context.database.session() as session:
        added = people.create_user(session, email=email, role=role, by=context.actor)
        token = people.issue_ticket(session, added, context.actor)
    _emit_link(context, added, token)


@command(user, "list")
@pass_context
def list_(context: Context) -> None:
    """List everybody."""
    with context.database.reading() as session:
        found = [_json(row) for row in people.list_users(session)]
    cells = [[u["email"], u["name"], u["role"], "yes" if u["active"] else "no"] for u in found]
    lines = table(cells, ["EMAIL", "NAME", "ROLE", "ACTIVE"]) if found else ["There is no user yet."]
    emit({"users": found}, lines, as_json=context.as_json)


@command(user)
@email_argument
@pass_context
def disable(context: Context, email: str) -> None:
    """End a user's sessions; no more log-ins."""
    with context.database.session() as session:
        found = people.find(session, email)
        people.disable(session, found, by=context.actor)
        emit(_json(found), [f"{found.email} can no longer log in."], as_json=context.as_json)


@command(user)
@email_argument
@pass_context
def reset(context: Context, email: str) -> None:
    """Take away a user's password; prints a one-time link for choosing a new one."""
    with context.database.session() as session:
        found = people.find(session, email)
        token = people.reset(session, found, by=context.actor)
    _emit_link(context, found, token)


def _emit_link(context: Context, found: User, token: str) -> None:
    link = f"{context.settings.public_url}/welcome/{token}"
    lines = [f"One-time link for {found.email}, good for {people.TICKET_LIFE.days} days:", link]
    emit({**_json(found), "link": link}, lines, as_json=context.as_json)


def _json(row: User) -> dict[str, Any]:
    return {
        "email": row.email,
        "name": row.name,
        "role": row.role,
        "active": row.active,
        "last_login": row.last_login_at,
    }
