"""Pages for machines and for the frame: health, readiness, metrics, banners, the list of keys."""

from __future__ import annotations

import hmac

from flask import Blueprint, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.connectors.protocols import ConnectionFailedError
from app.jobs import workers
from app.routes import fragments
from app.routes.guard import public, requires
from app.routes.web import reading, web
from app.services.connections import health
from app.services.posting import copied_back

system = Blueprint("system", __name__)


@system.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """This process answers."""
    return jsonify(status="ok")


@system.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Whether batches can be worked on: 200, or 503 with what is wrong."""
    wrong = {part: why for part, why in _checks().items() if why}
    parts = {part: wrong.get(part, "ok") for part in ("database", "redis", "workers", "scheduler")}
    return jsonify(status="not ready" if wrong else "ready", **parts), 503 if wrong else 200


def _checks() -> dict[str, str]:
    """Why each part is not ready; empty where it is."""
    database, redis = _database(), _redis()
    alive = [] if redis else workers.alive(web().settings.redis_url)
    vitals = None if database else health.vitals(reading(), alive)
    silent = vitals is not None and not vitals.scheduler_alive
    return {
        "database": database or _room(),
        "redis": redis,
        "workers": "" if alive else "No worker answers.",
        "scheduler": "The scheduler is silent." if silent or database else "",
    }


def _database() -> str:
    try:
        reading().connection().execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "The database does not answer."
    return ""


def _room() -> str:
    try:
        copied_back.left(web().database, 0.0)
    except ConnectionFailedError:
        return "Nothing can be written beside it: its disk is full, or its folder belongs to another account."
    return ""


def _redis() -> str:
    try:
        web().redis.ping()
    except RedisError:
        return "Redis does not answer."
    return ""


@system.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """Figures for Prometheus, for who knows the token; not there at all where none is set."""
    token = str(web().settings.metrics_token)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token:
        abort(404)
    if not hmac.compare_digest(given.encode(), token.encode()):
        abort(403)
    return generate_latest(_figures()), 200, {"Content-Type": CONTENT_TYPE_LATEST}


def _figures() -> CollectorRegistry:
    registry = CollectorRegistry()
    vitals = health.vitals(reading(), workers.alive(web().settings.redis_url))
    Gauge("crossfoot_workers", "Workers alive", registry=registry).set(vitals.workers)
    Gauge("crossfoot_scheduler_up", "Scheduler alive", registry=registry).set(vitals.scheduler_alive)
    Gauge("crossfoot_documents_waiting", "Documents that need a worker now", registry=registry).set(vitals.waiting)
    Gauge("crossfoot_connections_broken", "Connections to mend", registry=registry).set(len(health.broken(reading())))
    states = Gauge("crossfoot_postings", "Postings by state", ["state"], registry=registry)
    for state, count in health.by_state(reading()).items():
        states.labels(state).set(count)
    return registry


@system.get("/fragments/banners")
@requires("viewer")
def banners() -> ResponseReturnValue:
    """What every page must know at once; asked for every 30 seconds."""
    return fragments.answer(render_template("shell/_banners.html"))


@system.get("/help/keys")
@requires("viewer")
def keys() -> ResponseReturnValue:
    """The list of keys."""
    return render_template("shell/keys.html")


@system.get("/help/workers")
@requires("viewer")
def help_workers() -> ResponseReturnValue:
    """What to do when nothing moves."""
    return render_template("shell/workers.html")
