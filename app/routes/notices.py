"""Settings ▸ Notifications: channels beside mail, and what went out through them; and which mails a user wants."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.notices import EVENTS, ChannelKind
from app.domain.problems import CrossfootError, ValidationError
from app.jobs import doorbell
from app.models.notices import Notice
from app.routes.guard import me, me_in, requires
from app.routes.web import reading, web, writing
from app.services.mail import channels, mail_settings, notice_wishes
from app.services.mail.notice_wishes import Wish

notices = Blueprint("notices", __name__)

KINDS = (
    (ChannelKind.WEBHOOK, "Webhook (signed JSON)"),
    (ChannelKind.TEAMS, "Microsoft Teams (Workflows)"),
    (ChannelKind.SLACK, "Slack, or what takes the same"),
)


@notices.get("/settings/notifications")
@requires("admin")
def show() -> ResponseReturnValue:
    """Channels, the form for a new one, and the newest messages."""
    return _page()


def _page(status: int = 200, **context: object) -> ResponseReturnValue:
    before = request.args.get("before", type=int)
    sent = channels.recent(reading(), before)
    following = sent[-1][0].id if len(sent) == channels.PAGE else None
    typed = request.form if status == 422 else {}
    return render_template(
        "settings/notifications.html",
        channels=channels.listing(reading()), kinds=KINDS, events=EVENTS, sent=sent, before=before,
        following=following, typed=typed, mail_on=mail_settings.server(reading()) is not None, **context,
    ), status  # fmt: skip


@notices.post("/settings/notifications")
@requires("admin")
def add() -> ResponseReturnValue:
    """A new channel; a webhook's key is shown on this answer and never again."""
    try:
        with writing() as session:
            made = channels.add(session, web().messenger, request.form, request.form.getlist("event"), me().email)
    except CrossfootError as error:
        return _page(422, error=error)
    if key := made.secrets.get("key"):
        return _page(added=made, key=key)
    flash(f"{made.name} is added. Send a test message to see that it arrives.")
    return redirect(url_for("notices.show"), 303)


@notices.post("/settings/notifications/<int:channel_id>")
@requires("admin")
def change(channel_id: int) -> ResponseReturnValue:
    """Which kinds of event go to a channel."""
    with writing() as session:
        channels.set_events(session, channel_id, request.form.getlist("event"), me().email)
    flash("Saved.")
    return redirect(url_for("notices.show"), 303)


@notices.post("/settings/notifications/<int:channel_id>/test")
@requires("admin")
def test(channel_id: int) -> ResponseReturnValue:
    """A message goes out while the person waits; the page shows what the other side said."""
    with writing() as session:
        made = channels.trial(session, channel_id, web().settings.public_url, me().label)
    channels.deliver(web().database, web().messenger, made.id or 0)
    return _page(tested=reading().get_one(Notice, made.id), tested_channel=channels.find(reading(), channel_id))


@notices.post("/settings/notifications/<int:channel_id>/remove")
@requires("admin")
def remove(channel_id: int) -> ResponseReturnValue:
    """Nothing goes there any more."""
    with writing() as session:
        channels.remove(session, channel_id, me().email)
    flash("Removed. Nothing goes there any more.")
    return redirect(url_for("notices.show"), 303)


@notices.post("/settings/notifications/messages/<int:notice_id>/again")
@requires("admin")
def again(notice_id: int) -> ResponseReturnValue:
    """A failed message, or one in doubt, goes out (once more)."""
    try:
        with writing() as session:
            channels.send_again(session, notice_id, me().email)
    except ValidationError as error:
        return _page(422, error=error)
    doorbell.ring(web().settings.redis_url, "send_notice", notice_id)
    flash("It is on its way.")
    return redirect(url_for("notices.show"), 303)


@notices.post("/me/notices")
@requires("viewer")
def wish() -> ResponseReturnValue:
    """Which mails one wants, of the companies that the form named."""
    shown = request.form.getlist("book", type=int)
    wanted = {
        book_id: Wish(f"failures-{book_id}" in request.form, f"digest-{book_id}" in request.form) for book_id in shown
    }
    with writing() as session:
        notice_wishes.store(session, me_in(session), wanted)
    flash("Saved.")
    return redirect(url_for("login.me"), 303)
