"""Who may do what in which company: a user's own role, or what a BookRole says in its place."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session, col, select

from app.domain.problems import ValidationError
from app.models.people import NO_ROLE, ROLES, BookRole, User
from app.services import audit


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
