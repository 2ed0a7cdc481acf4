"""The installation itself: the first admin, the database's schema, the set-up code."""

from __future__ import annotations

import os
import sys

import click

from app import schema
from app.cli.context import Context, pass_context
from app.cli.options import command
from app.cli.output import emit
from app.domain.problems import CrossfootError, NotFoundError, ValidationError
from app.models.people import User
from app.models.tables import metadata
from app.services.people import users
from app.settings import Environment

PASSWORD_VARIABLE = "CROSSFOOT_ADMIN_PASSWORD"  # noqa: S105 - a name, not a password


@command()
@click.option("--admin", "email", required=True, metavar="EMAIL", help="Who may do everything.")
@pass_context
def init(context: Context, email: str) -> None:
    """Make data folder, keys, database and the first admin; harmless when called again.

    The password is read from CROSSFOOT_ADMIN_PASSWORD (or the file that CROSSFOOT_ADMIN_PASSWORD_FILE names), else
    asked for: 12 to 128 characters, none of the commonest.
    """
    with context.database.session() as session:
        try:
            known: User | None = users.find(session, email)
        except NotFoundError:
            known = None
        made = known is None
        if known is None:
            if users.has_admin(session):
                raise ValidationError("There is an admin already.", "Use ./crossfoot user add EMAIL --role admin.")
            session.rollback()  # no lock while a person types
            known = users.create_user(session, email=email, role="admin", by=context.actor, password=_password())
        elif known.role != "admin":
            raise ValidationError(f"{known.email} is {known.role}, not admin.", "Give another address.")
    done = f"{known.email} is admin now." if made else f"{known.email} is admin already; nothing was changed."
    emit({"email": known.email, "role": known.role, "created": made}, [done], as_json=context.as_json)


def _password() -> str:
    given = Environment(os.environ).secret(PASSWORD_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise ValidationError(
            "The admin's password is missing.", f"Set {PASSWORD_VARIABLE} or {PASSWORD_VARIABLE}_FILE."
        )
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed


@command()
@pass_context
def migrate(context: Context) -> None:
    """Bring the database to the newest schema (every command does)."""
    was_current = context.unmigrated.is_current()
    context.database  # noqa: B018 - making it migrates it
    done = "The database is at the newest schema already." if was_current else "The database is at the newest schema."
    emit({"migrated": not was_current}, [done], as_json=context.as_json)


@command(name="migration-check")
@pass_context
def migration_check(context: Context) -> None:
    """Check that the migrations make exactly the tables that the program expects."""
    differences = schema.differences(context.database.engine, metadata)
    if differences:
        raise CrossfootError(f"Models and migrations differ: {differences[0]}.", "Write a migration.")
    emit({"differences": []}, ["Models and migrations agree."], as_json=context.as_json)


@command(name="setup-code")
@pass_context
def setup_code(context: Context) -> None:
    """Print the one-time code that /setup asks for; nothing once there is an admin."""
    with context.database.session() as session:
        code = users.setup_code(session)
    url = f"{context.settings.public_url}/setup"
    lines = [f"No admin yet. Open {url} and enter this one-time code: {code}"] if code else []
    emit({"code": code, "url": url if code else ""}, lines, as_json=context.as_json)
