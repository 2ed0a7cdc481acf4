"""Channels beside mail: what they are sent, and what becomes of it when the other side is not well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlmodel import col, select, update

from app.connectors.addresses import AddressRefusedError, NetRules
from app.connectors.notices.post import PostMessenger
from app.connectors.protocols import ConnectionFailedError
from app.database import Database
from app.domain.notices import Entry, Event, Part, Ref
from app.models.batches import Batch
from app.models.columns import utcnow
from app.models.connections import Book
from app.models.notices import Notice, NoticeChannel
from app.models.rounds import AutoSync, Round
from app.services.autosync import ends
from app.services.batches import approving
from app.services.mail import channels
from app.services.mail.letters import Words
from tests.rows import a_book, a_source
from tests.webhook_server import Hook, webhook_server

HOME = "https://books.example"
DAY = dt.timedelta(days=1)

ENTRY = Entry("GL account *4600* is not linked", f"{HOME}/x", "1 document.", (Ref("10484", f"{HOME}/y"),))
TOLD = Words("1 document <not> posted", ("It waits.",), "Open it", HOME, parts=(Part("II-1", (ENTRY,) * 10),))


class Desk:
    """One channel that is told of failures, without anything that fails."""

    def __init__(self, database: Database, hook: Hook) -> None:
        self.database, self.hook = database, hook
        self.messenger = PostMessenger(NetRules.parse(hook.host))
        with database.session() as session:
            session.add(a_book())
            session.commit()

    def add(self, kind: str, url: str = "") -> NoticeChannel:
        with self.database.session() as session:
            form = {"kind": kind, "name": "Accounting", "url": url or self.hook.url}
            return channels.add(session, self.messenger, form, [Event.FAILURES], "ada")

    def tell(self) -> Notice:
        with self.database.session() as session:
            channels.tell(session, Event.FAILURES, "1", TOLD, session.get_one(Book, 1))
            session.exec(update(Notice).where(col(Notice.state) == "queued").values(due_at=utcnow()))
            session.commit()
        for notice_id in channels.due(self.database):
            channels.deliver(self.database, self.messenger, notice_id)
        with self.database.reading() as session:
            return session.exec(select(Notice)).one()


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with webhook_server() as hook:
        yield Desk(database, hook)


@pytest.mark.parametrize(("kind", "state", "times"), [("webhook", "queued", 2), ("slack", "in_doubt", 1)])
def test_a_lost_answer_goes_again_where_the_receiver_knows_it_by_its_id_and_else_waits_for_a_person(
    desk: Desk, kind: str, state: str, times: int
) -> None:
    desk.add(kind)
    desk.hook.hang_up = True
    assert desk.tell().state == state
    desk.hook.hang_up = False
    notice = desk.tell()
    assert len(desk.hook.came) == times
    if kind == "slack":
        with desk.database.session() as session:
            channels.send_again(session, notice.id or 0, "ada")
        notice = desk.tell()
    assert notice.state == "sent"
    assert len({headers["webhook-id"] for _, headers, _ in desk.hook.came}) == 1


@pytest.mark.parametrize(("kind", "state"), [("webhook", "queued"), ("teams", "in_doubt")])
def test_a_sender_that_died_leaves_the_same_two_states(desk: Desk, kind: str, state: str) -> None:
    desk.add(kind)
    desk.hook.status = 500
    desk.tell()
    with desk.database.session() as session:
        session.exec(update(Notice).values(state="sending", lease_until=utcnow() - DAY, due_at=utcnow() + DAY))
        session.commit()
    channels.due(desk.database)
    with desk.database.reading() as session:
        assert session.exec(select(Notice)).one().state == state


@pytest.mark.parametrize(("status", "state"), [(500, "queued"), (429, "queued"), (404, "failed"), (302, "failed")])
def test_what_may_pass_is_tried_again_and_what_stays_has_failed(desk: Desk, status: int, state: str) -> None:
    desk.add("teams")
    desk.hook.status, desk.hook.words = status, f"no, said {desk.hook.url}"
    notice = desk.tell()
    assert (notice.state, notice.attempts) == (state, 1)
    assert "very-secret" not in notice.said + notice.problem
    assert (notice.due_at > utcnow()) == (state == "queued")


def test_a_chat_gets_a_few_lines_with_links_and_no_name_is_taken_for_its_markup(desk: Desk) -> None:
    desk.add("slack")
    desk.add("teams", desk.hook.url + "/2")
    with desk.database.session() as session:
        channels.tell(session, Event.FAILURES, "1", TOLD, session.get_one(Book, 1))
        session.commit()
    for notice_id in channels.due(desk.database):
        channels.deliver(desk.database, desk.messenger, notice_id)
    slack, teams = desk.hook.bodies
    assert slack["text"].startswith("*1 document &lt;not&gt; posted*\nIt waits.\n\n*II-1*\n")
    assert slack["text"].count(f"• <{HOME}/x|GL account *4600* is not linked> 1 document.") == 8
    assert "and 2 more" in slack["text"]
    texts = [block["text"] for block in teams["attachments"][0]["content"]["body"]]
    assert texts[0] == "1 document \\<not\\> posted"
    assert texts.count(f"[GL account \\*4600\\* is not linked]({HOME}/x) 1 document.") == 8


@pytest.mark.parametrize(
    "url", ["http://psa.example/hook", "https://user:pass@chat.example/", "https:///x", "file:///x"]
)
def test_an_address_that_may_not_be_called_is_no_channel(desk: Desk, url: str) -> None:
    with pytest.raises(AddressRefusedError):
        desk.add("slack", url)
    with desk.database.reading() as session:
        assert session.exec(select(NoticeChannel)).all() == []


def test_a_channel_gets_only_the_kinds_of_event_that_it_was_given(desk: Desk) -> None:
    made = desk.add("slack")
    with desk.database.session() as session:
        book = session.get_one(Book, 1)
        assert [channels.tell(session, event, "1", TOLD, book) for event in Event] == [1, 0, 0, 0]
        channels.set_events(session, made.id or 0, [], "ada")
        assert channels.tell(session, Event.FAILURES, "2", TOLD, book) == 0


def test_a_name_that_leads_inside_is_refused_when_it_is_called(desk: Desk) -> None:
    desk.messenger = PostMessenger(NetRules.parse(""))
    desk.add("slack", f"https://localhost:{desk.hook.port}/")
    notice = desk.tell()
    assert desk.hook.came == []
    assert (notice.state, "inside this network" in notice.problem) == ("failed", True)


def test_a_pause_of_autosync_and_a_batch_that_waits_for_approval_are_told_without_any_mail_server(desk: Desk) -> None:
    made = desk.add("webhook")
    with desk.database.session() as session:
        channels.set_events(session, made.id or 0, [Event.PAUSED, Event.APPROVAL], "ada")
        session.add(a_source())
        session.add(AutoSync(book_id=1, enabled=True))
        due = Round(book_id=1, by="AutoSync", auto=True)
        session.add(due)
        session.flush()
        session.add(Batch(book_id=1, source_id=1, kind="invoices", name="II-1", by="ben", approval="wanted"))
        session.commit()
    refused = ConnectionFailedError("The PSA refuses the key.", "Enter it again.", systemic=True)
    ends.fail(desk.database, due, refused, HOME)
    for _ in range(2):
        approving.tell(desk.database, HOME)
    for notice_id in channels.due(desk.database):
        channels.deliver(desk.database, desk.messenger, notice_id)
    told = {body["type"]: body for body in desk.hook.bodies}
    assert len(desk.hook.bodies) == 2
    assert told["crossfoot.autosync_paused"]["link"] == f"{HOME}/settings/books/1/autosync"
    assert "The PSA refuses the key." in told["crossfoot.autosync_paused"]["text"]
    assert told["crossfoot.approval"]["link"] == f"{HOME}/batches/1/approval"
