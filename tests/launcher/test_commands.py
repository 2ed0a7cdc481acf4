"""Each command line is understood or refused in one sentence, with the exit status that the contract names."""

import json
import os
import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from launcher import data_lock, demo_mark, up
from launcher.main import main
from launcher.messages import LauncherError
from launcher.project import Project, data_folder, environment, prepare_data_folder


def test_help_is_given_without_any_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    assert "./crossfoot demo" in capsys.readouterr().out


def test_no_command_at_all_is_wrong_usage() -> None:
    assert main([]) == 64


@pytest.mark.parametrize(
    "arguments", [["up", "--port", "x"], ["up", "--workers", "0"], ["up", "--loud"], ["setup", "x"]]
)
def test_wrong_usage_ends_with_64(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 64
    assert capsys.readouterr().err.startswith("crossfoot: ")


def test_an_error_is_one_json_value_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    main(["up", "--port", "x", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said.keys() == {"error", "remedy"}


def test_the_data_folder_lies_beside_the_launcher_wherever_it_is_called_from(tmp_path: Path) -> None:
    assert data_folder(Project(tmp_path), {}) == tmp_path / "instance"


def test_a_relative_data_folder_is_one_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_folder(Project(Path("/elsewhere")), {"CROSSFOOT_HOME": "my data"}) == tmp_path / "my data"


def test_the_data_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    prepare_data_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LauncherError, match=r"cannot be used.*CROSSFOOT_HOME"):
        prepare_data_folder(tmp_path / "file" / "data")


def test_a_missing_home_is_replaced_by_the_data_folder(tmp_path: Path) -> None:
    assert environment(Project(tmp_path), tmp_path / "data", {})["HOME"] == str(tmp_path / "data")


def test_a_second_up_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    with data_lock.only_one(tmp_path) as handle:
        data_lock.publish(handle, data_lock.Running(4711, 8000))
        with (
            pytest.raises(LauncherError, match=r"already runs on the data folder .*process 4711, port 8000"),
            data_lock.only_one(tmp_path),
        ):
            pass
        assert data_lock.running_on(tmp_path) == data_lock.Running(4711, 8000)
    assert data_lock.running_on(tmp_path) is None


def test_a_note_of_an_up_that_was_killed_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text(json.dumps({"pid": 1, "port": 8000}))
    assert data_lock.running_on(tmp_path) is None
    with data_lock.only_one(tmp_path):
        pass


def test_up_refuses_the_folder_of_the_demo(tmp_path: Path) -> None:
    demo_mark.mark_folder(tmp_path)
    with pytest.raises(LauncherError, match="holds the demo's data"):
        demo_mark.refuse_demo(tmp_path, {})


def test_up_refuses_the_database_of_the_demo_wherever_it_was_copied_to(tmp_path: Path) -> None:
    demo_mark.mark_database(tmp_path)
    copied = tmp_path / "elsewhere" / "books.db"
    copied.parent.mkdir()
    (tmp_path / "crossfoot.db").rename(copied)
    with pytest.raises(LauncherError, match=r"books\.db holds the demo's data"):
        demo_mark.refuse_demo(tmp_path, {"CROSSFOOT_DATABASE_URL": f"sqlite:///{copied}"})


def test_an_ordinary_database_is_not_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "crossfoot.db")) as connection:
        connection.execute("CREATE TABLE book (id INTEGER)")
    demo_mark.refuse_demo(tmp_path, {"CROSSFOOT_DATABASE_URL": "postgresql+psycopg://db/crossfoot"})
    assert not (tmp_path / demo_mark.MARKER).exists()


def test_a_port_that_is_taken_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "PORT_SECONDS", 0.0)
    refused = pytest.raises(LauncherError, match=r"Port \d+ is in use by another program\..*--port")
    with socket.create_server(("127.0.0.1", 0)) as taken, refused:
        up.wait_for_port("127.0.0.1", taken.getsockname()[1])


def test_an_address_that_is_not_of_this_machine_is_named() -> None:
    with pytest.raises(LauncherError, match=r"cannot listen on 192\.0\.2\.1.*CROSSFOOT_BIND"):
        up.wait_for_port("192.0.2.1", 8000)


def test_workers_are_recognised_by_their_command_line(tmp_path: Path) -> None:
    what = up.service(Project(tmp_path), tmp_path, os.environ, port=8000, workers=3)
    [workers] = [child for child in up.processes(what) if child.name == "workers"]
    assert "rq" in " ".join(workers.command)
    assert workers.command[-1] == "3"
