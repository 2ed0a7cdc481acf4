"""Every table, for migrations: importing this module fills SQLModel's metadata."""

from sqlmodel import SQLModel

from app.models import batches, connections, mail, people, postings, records

metadata = SQLModel.metadata

__all__ = ["batches", "connections", "mail", "metadata", "people", "postings", "records"]
