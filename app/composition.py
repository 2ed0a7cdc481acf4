"""Puts the connectors together from settings and database: for the web, the workers and the command line alike."""

from __future__ import annotations

from redis import Redis

from app.connectors.addresses import NetRules
from app.connectors.quickbooks_online.settings import App
from app.connectors.registry import Registry
from app.database import Database
from app.services import intuit_keys
from app.settings import Settings


def connectors_of(settings: Settings, database: Database, redis: Redis) -> Registry:
    """Every vendor, with the address rules of the environment and the Intuit keys of the moment."""
    rules = NetRules.parse(",".join(settings.allow_hosts))
    return Registry(redis, rules, lambda: _intuit_app(settings, database))


def _intuit_app(settings: Settings, database: Database) -> App:
    with database.reading() as session:
        keys = intuit_keys.keys(session, settings)
    return App(keys.client_id, str(keys.client_secret), settings.qbo, settings.qbo_environment)
