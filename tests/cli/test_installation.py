from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from app.cli import main
from app.database import Database
from app.models.connections import InstallationSetting
from app.services.people import users as people
from tests.cli.conftest import CommandLine
from tests.rows import a_book

PASSWORD = "Ledger-Harbor-4417-tern"


def init(crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch, email: str = "owner@example.test") -> None:
    monkeypatch.setenv("CROSSFOOT_ADMIN_PASSWORD", PASSWORD)
    assert crossfoot("init", "--admin", email).status == 0


def test_the_first_admin_is_made_once(crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    init(crossfoot, monkeypatch)
    again = crossfoot("init", "--admin", "OWNER@example.test", "--json")
    assert (again.status, again.json["created"]) == (0, False)
    other = crossfoot("init", "--admin", "second@example.test")
    assert other.status == 2
    assert "There is an admin already" in other.err


def test_the_admin_can_log_in_with_the_password_of_the_file(
    crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = crossfoot.settings.home / "password"
    path.write_text(PASSWORD + "\n")
    monkeypatch.setenv("CROSSFOOT_ADMIN_PASSWORD_FILE", str(path))
    crossfoot("init", "--admin", "owner@host.local")
    assert crossfoot.database(_logs_in)


def _logs_in(database: Database) -> bool:
    with database.session() as session:
        return people.authenticate(session, "owner@host.local", PASSWORD) is not None


@pytest.mark.parametrize("password", ["short", "password1234"])
def test_a_weak_password_makes_no_admin(crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("CROSSFOOT_ADMIN_PASSWORD", password)
    assert crossfoot("init", "--admin", "owner@example.test").status == 2
    assert crossfoot("user", "list", "--json").json == {"users": []}


def test_without_a_terminal_and_a_password_it_says_what_to_set(
    crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CROSSFOOT_ADMIN_PASSWORD", raising=False)
    told = crossfoot("init", "--admin", "owner@example.test")
    assert told.status == 2
    assert "CROSSFOOT_ADMIN_PASSWORD" in told.err


def test_the_setup_code_is_printed_until_there_is_an_admin(
    crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = crossfoot("setup-code", "--json").json["code"]
    assert code
    assert code in crossfoot("setup-code").out
    init(crossfoot, monkeypatch)
    assert crossfoot("setup-code").out == ""


def test_models_and_migrations_agree(crossfoot: CommandLine) -> None:
    (crossfoot.settings.home / "crossfoot.db").unlink()
    assert crossfoot("migrate", "--json").json == {"migrated": True}
    assert crossfoot("migrate", "--json").json == {"migrated": False}
    assert crossfoot("migration-check").status == 0


def test_a_database_of_a_newer_version_is_left_alone(crossfoot: CommandLine) -> None:
    crossfoot("migrate")

    def pretend(database: Database) -> None:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("update alembic_version set version_num = '9999'")

    crossfoot.database(pretend)
    told = crossfoot("book", "list", "--json")
    assert told.status == 2
    assert "newer" in told.json["remedy"]


def test_users_are_invited_disabled_and_reset_by_one_time_links(
    crossfoot: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(crossfoot, monkeypatch)
    link = crossfoot("user", "add", "ab@example.test", "--role", "bookkeeper", "--json").json["link"]
    assert link.startswith(f"{crossfoot.settings.public_url}/welcome/")
    assert crossfoot("user", "disable", "ab@example.test").status == 0
    users = {u["email"]: (u["role"], u["active"]) for u in crossfoot("user", "list", "--json").json["users"]}
    assert users == {"owner@example.test": ("admin", True), "ab@example.test": ("bookkeeper", False)}
    assert crossfoot("user", "reset", "ab@example.test").out.count("/welcome/") == 1
    assert crossfoot("user", "disable", "owner@example.test").status == 2


def two_companies(database: Database) -> None:
    with database.session() as session:
        session.add_all([a_book(), a_book("Other Ltd", "77")])
        session.commit()


def test_a_role_may_be_for_one_company_only(crossfoot: CommandLine) -> None:
    crossfoot("user", "list")  # makes the database
    crossfoot.database(two_companies)
    new = crossfoot("user", "add", "ab@example.test", "--role", "bookkeeper", "--book", "Demo MSP", "--json").json
    assert (new["role"], new["books"], "/welcome/" in new["link"]) == ("none", {"1": "bookkeeper"}, True)
    more = crossfoot("user", "add", "ab@example.test", "--role", "viewer", "--book", "2")
    assert more.out == "ab@example.test is viewer in Other Ltd.\n"
    assert "bookkeeper in Demo MSP, viewer in Other Ltd" in crossfoot("user", "list").out
    assert crossfoot("user", "add", "ab@example.test", "--book", "3").status == 2


def test_the_doctor_names_what_is_missing_and_ends_with_0(crossfoot: CommandLine) -> None:
    told = crossfoot("doctor", "--json")
    bad = {check["name"]: check["remedy"] for check in told.json["checks"] if not check["ok"]}
    assert told.status == 0
    assert not told.json["ok"]
    assert {"admin", "workers", "scheduler", "source", "book", "public address"} <= bad.keys()
    assert all(bad.values())


def test_the_doctor_checks_every_connection(connected: CommandLine, tmp_path: Path) -> None:
    connected.source.down = "The PSA is down."
    checks = {check["name"]: check for check in connected("doctor", "--json").json["checks"]}
    assert checks["Demo MSP"]["ok"]
    assert checks["Demo PSA"] == {
        "name": "Demo PSA", "ok": False, "message": "The PSA is down.", "remedy": "Try again later.",
    }  # fmt: skip
    sign = next(tmp_path.rglob("crossfoot.db.sent"))
    sign.unlink()
    sign.mkdir()  # as unusable as on a full disk
    connected.database(_with_a_key_of_stripe)
    checks = {check["name"]: check for check in connected("doctor", "--json").json["checks"]}
    assert checks["Stripe for Demo MSP"]["message"] == "Stripe can’t be reached."
    assert "Nothing is sent" in checks["sending"]["message"]


def _with_a_key_of_stripe(database: Database) -> None:
    with database.session() as session:
        session.add(InstallationSetting(key="stripe:1", value={"key": "rk_test_of_nobody", "webhook": ""}))
        session.commit()


def test_the_sweep_rings_for_nothing_when_nothing_waits(crossfoot: CommandLine) -> None:
    assert crossfoot("sweep", "--json").json == {"due": [], "rung": []}


def test_a_database_that_cannot_be_written_is_said_with_what_its_folder_needs() -> None:
    error = OperationalError("", {}, Exception("attempt to write a readonly database"))
    assert main._no_database(error).remedy.startswith("Make room on its disk, or give it and its folder")
