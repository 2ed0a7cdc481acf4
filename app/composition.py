"""Puts the connectors together from settings and database: for the web, the workers and the command line alike."""

from __future__ import annotations

from urllib.parse import urlsplit

from redis import Redis

from app.connectors.addresses import NetRules
from app.connectors.mail.mailer import Mailer
from app.connectors.mail.smtp import SmtpMailer
from app.connectors.notices.messenger import Messenger
from app.connectors.notices.post import PostMessenger
from app.connectors.quickbooks_online.settings import App
from app.connectors.registry import Registry
from app.database import Database
from app.services.connections import intuit_keys
from app.settings import Settings


def connectors_of(settings: Settings, database: Database, redis: Redis) -> Registry:
    """Every vendor, with the address rules of the environment and the Intuit keys of the moment."""
    return Registry(redis, _rules(settings), lambda: _intuit_app(settings, database), stripe=settings.stripe_api)


def mailer_of(settings: Settings) -> Mailer:
    """Mail, under the same address rules; it greets with the public host name."""
    return SmtpMailer(_rules(settings), urlsplit(settings.public_url).hostname or "localhost")


def messenger_of(settings: Settings) -> Messenger:
    """Webhooks, Teams and Slack, under the same address rules."""
    return PostMessenger(_rules(settings))


def _rules(settings: Settings) -> NetRules:
    return NetRules.parse(",".join(settings.allow_hosts))


def _intuit_app(settings: Settings, database: Database) -> App:
    with database.reading() as session:
        keys = intuit_keys.keys(session, settings)
    return App(keys.client_id, str(keys.client_secret), settings.qbo, settings.qbo_environment)
