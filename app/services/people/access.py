"""Who may do what in which company: a user's own role, or what a BookRole says in its place; and who sees which.

What a person may not see is kept from every query of the request: whatever a page, a search, an export or a count asks
for, rows of other companies are not there. A query that must know them all the same (has another company's batch this
record?) says so: ``execution_options(**EVERY_BOOK)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any

from sqlalchemy import event, or_, true
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlmodel import Session, SQLModel, col, select

from app.domain.problems import ValidationError
from app.models.connections import Book, SourceRow
from app.models.people import NO_ROLE, ROLES, BookRole, User
from app.services.people import audit
from app.services.people import users as people

#: The companies that the request under way may see; None for all of them, as outside of requests.
visible: ContextVar[frozenset[int] | None] = ContextVar("visible", default=None)
EVERY_BOOK: dict[str, Any] = {"every_book": True}
#: What is one company's and yet counts for all: what is taken, which generations were on the wire, a person's draft.
SHARED = frozenset({"postings", "calls", "creations", "selections", "book_roles"})


@event.listens_for(Session, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    """Leave out rows of companies that the person may not see."""
    seen = visible.get()
    if seen is None or not state.is_select or state.is_column_load or state.execution_options.get("every_book"):
        return
    state.statement = state.statement.options(*_criteria(seen))


@cache
def _owned() -> tuple[tuple[type[Any], Any], ...]:
    """Every table that belongs to a company, and the column that says to which."""
    tables: list[Any] = [table for table in SQLModel.__subclasses__() if hasattr(table, "__table__")]
    own = [(table, col(table.book_id)) for table in tables if hasattr(table, "book_id")]
    return (Book, col(Book.id)), *(pair for pair in own if pair[0].__tablename__ not in SHARED)


def _criteria(seen: frozenset[int]) -> list[Any]:
    ids = sorted(seen)
    return [
        with_loader_criteria(
            table, or_(column.in_(ids), column.is_(None)) if column.nullable else column.in_(ids), include_aliases=True
        )
        for table, column in _owned()
    ]  # fmt: skip


def seen_by(session: Session, user: User) -> tuple[dict[int, str], frozenset[int] | None]:
    """Book → role beside the user's own; and the companies that the user may see, None for all."""
    roles = {} if user.role == "admin" else own(session, user.id or 0)
    if user.role in ROLES and NO_ROLE not in roles.values():
        return roles, None
    ids = session.exec(select(Book.id)).all()
    return roles, frozenset(i for i in ids if i is not None and role_in(user.role, roles, i) in ROLES)


def sources_seen() -> Any:
    """SQL: PSAs of companies that the person may see."""
    seen = visible.get()
    return true() if seen is None else col(SourceRow.id).in_(select(Book.source_id).where(col(Book.id).in_(seen)))


def at_least(role: str, least: str) -> bool:
    """Whether a role includes another; ``none`` includes nothing."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(least)


def own(session: Session, user_id: int) -> dict[int, str]:
    """Book → what its BookRole says for one user."""
    query = select(BookRole.book_id, BookRole.role).where(BookRole.user_id == user_id)
    return dict(session.exec(query).all())


def everybodys(session: Session) -> dict[int, dict[int, str]]:
    """User → Book → role, of all that stand beside a user's own."""
    found: dict[int, dict[int, str]] = {}
    for row in session.exec(select(BookRole).order_by(col(BookRole.id))):
        found.setdefault(row.user_id, {})[row.book_id] = row.role
    return found


def role_in(general: str, own_roles: Mapping[int, str], book_id: int) -> str:
    """The role that holds in a company."""
    return general if general == "admin" else own_roles.get(book_id, general)


def people_with(session: Session, book_id: int, least: str) -> list[User]:
    """Everybody active who has at least this role in a company."""
    beside = dict(session.exec(select(BookRole.user_id, BookRole.role).where(BookRole.book_id == book_id)).all())
    users = session.exec(select(User).where(col(User.active)).order_by(User.email)).all()
    return [u for u in users if at_least(u.role if u.role == "admin" else beside.get(u.id or 0, u.role), least)]


def set_roles(session: Session, user: User, wanted: Mapping[int, str], by: str) -> bool:
    """Book → role in place of the user's own; an empty role: the user's own holds again. Commits where it changes.

    Raises ValidationError for what is no role.
    """
    for role in wanted.values():
        if role not in ("", NO_ROLE, *ROLES):
            raise ValidationError(f"“{role}” is not a role.", f"Choose {NO_ROLE}, {', '.join(ROLES)}.")
    rows = {row.book_id: row for row in session.exec(select(BookRole).where(BookRole.user_id == user.id))}
    changed = {
        book_id: role for book_id, role in wanted.items() if role != (rows[book_id].role if book_id in rows else "")
    }
    for book_id, role in changed.items():
        old = rows[book_id].role if book_id in rows else ""
        if role == "":
            session.delete(rows[book_id])
        else:
            row = rows.get(book_id) or BookRole(user_id=user.id or 0, book_id=book_id, role=role)
            row.role = role
            session.add(row)
        audit.record(session, by, "user.book_role", f"user:{user.email}", old=old, new=role, book=book_id)
    session.commit()
    return bool(changed)


def let_in(session: Session, *, email: str, role: str, book: Book, by: str) -> tuple[User, bool]:
    """A role in one company, for a new user (who then has it there only) or one who is there; commits.

    Answers the user, and whether it is a new one. Raises ValidationError: not an address, not a role, or an admin.
    """
    address = email.strip().lower()
    user = session.exec(select(User).where(User.email == address)).first()
    if user is not None and user.role == "admin":
        raise ValidationError(f"{address} is an admin, and may do everything everywhere.", "Choose another role first.")
    new = user is None
    user = user or people.create_user(session, email=email, role=NO_ROLE, by=by)
    set_roles(session, user, {book.id or 0: role}, by)
    return user, new


def words(role: str) -> str:
    """A role as people read it; of one who has it in some companies only."""
    return "by company" if role == NO_ROLE else role
