"""The Flask app: the only module that knows everyone."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from redis import Redis

from app import logs
from app.composition import connectors_of, mailer_of, messenger_of
from app.connectors.mail.mailer import Mailer
from app.database import Database
from app.routes import (
    approval,
    assets,
    attention,
    audit,
    autosync,
    batches,
    books,
    connections,
    customer_mail,
    dashboard,
    errors,
    everything,
    first_day,
    formats,
    fragments,
    guard,
    installation,
    kinds,
    login,
    mail,
    mail_bounces,
    mail_sign_in,
    mappings,
    notices,
    online_payments,
    pay,
    payments,
    problems,
    quickbooks,
    reconcile,
    records,
    rows,
    run,
    security,
    sessions,
    shell,
    system,
    two_factor,
    updates,
    users,
    web,
    webhooks,
    why,
    wording,
)
from app.settings import Settings

BLUEPRINTS = (
    system.system,
    login.login,
    dashboard.dashboard,
    everything.everything,
    run.run,
    rows.rows,
    why.why,
    payments.payments,
    online_payments.online_payments,
    pay.pay,
    webhooks.webhooks,
    batches.batches,
    approval.approval,
    problems.problems,
    records.records,
    attention.attention,
    reconcile.reconcile,
    mappings.mappings,
    updates.updates,
    first_day.first_day,
    connections.connections,
    quickbooks.quickbooks,
    autosync.autosync,
    books.books,
    users.users,
    audit.audit,
    installation.installation,
    mail.mail,
    notices.notices,
    mail_sign_in.mail_sign_in,
    mail_bounces.mail_bounces,
    customer_mail.customer_mail,
    two_factor.two_factor,
    sessions.sessions,
)


def create_app(
    settings: Settings,
    database: Database | None = None,
    redis: Redis | None = None,
    connectors: web.Gateway | None = None,
    mailer: Mailer | None = None,
) -> Flask:
    """Put the app together; what is not given is made from the settings."""
    logs.configure()
    database = database or Database.of(settings)
    redis = redis or Redis.from_url(settings.redis_url)
    connectors = connectors or connectors_of(settings, database, redis)
    app = Flask("app", root_path=str(Path(__file__).parent), static_folder=None)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    parts = web.Web(settings, database, redis, connectors, mailer or mailer_of(settings), messenger_of(settings))
    web.install(app, parts)
    security.install(app, settings)
    for part in (fragments, guard, formats, kinds, wording, shell, errors, assets):
        part.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
