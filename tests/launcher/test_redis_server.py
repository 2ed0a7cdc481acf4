"""The private Redis starts wherever the data folder lies, and nobody else can reach it."""

import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from launcher.child import Child
from launcher.messages import LauncherError
from launcher.project import Project, this_project
from launcher.redis_server import (
    LONGEST_SOCKET_PATH,
    RedisServer,
    answers,
    find_program,
    private_server,
    socket_path,
    wait_until_it_answers,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder."""
    made = tmp_path / "data"
    made.mkdir()
    return made


@pytest.fixture
def awkward(tmp_path: Path) -> Iterator[Path]:
    """A data folder with blanks and quotes in its name."""
    made = tmp_path / 'my "data" folder'
    made.mkdir()
    yield made
    shutil.rmtree(socket_path(made).parent)


@contextmanager
def running(folder: Path) -> Iterator[RedisServer]:
    made = private_server(this_project(), folder)
    child = Child("redis", [made.program, "-"], {}, made.folder, stdin=made.configuration)
    with child.start():
        assert wait_until_it_answers(made.socket)
        yield made
        child.signal(signal.SIGKILL)
        assert child.process is not None
        child.process.wait()


@pytest.fixture
def server(folder: Path) -> Iterator[RedisServer]:
    with running(folder) as made:
        yield made


def test_it_answers_on_a_socket_that_only_its_owner_can_open(server: RedisServer) -> None:
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700


def test_clients_understand_what_it_says_about_them_although_the_folder_has_blanks(awkward: Path) -> None:
    with running(awkward) as made, redis.Redis.from_url(f"unix://{made.socket}") as client:
        assert client.client_info()["id"]


def test_it_opens_no_port_and_keeps_nothing(server: RedisServer) -> None:
    settings = server.configuration.splitlines()
    assert "port 0" in settings
    assert 'save ""' in settings


def test_a_socket_left_behind_is_not_taken_for_a_server(tmp_path: Path) -> None:
    (tmp_path / "redis.sock").touch()
    assert not answers(tmp_path / "redis.sock")


@pytest.mark.parametrize("name", ["long" * 30, "my data", "50% done"])
def test_a_folder_that_cannot_hold_a_socket_gets_one_elsewhere_and_a_note_where(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    server = private_server(this_project(), folder)
    try:
        assert len(str(server.socket)) <= LONGEST_SOCKET_PATH
        assert (folder / "redis.path").read_text() == str(server.socket)
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(server.socket.parent)


def test_a_note_from_a_longer_path_is_removed() -> None:
    with tempfile.TemporaryDirectory(prefix="cf-") as short:
        note = Path(short) / "redis.path"
        note.write_text("/somewhere/else")
        private_server(this_project(), Path(short))
        assert not note.exists()


def test_the_server_from_pypi_is_taken_where_the_system_has_none(tmp_path: Path) -> None:
    found = find_program(this_project(), path=str(tmp_path))
    assert found is not None
    assert "site-packages" in found


@pytest.mark.parametrize("says", ["echo 'Redis server v=5.0.3 sha=0'", "exit 1"])
def test_a_server_that_is_too_old_or_does_not_start_is_passed_over(tmp_path: Path, says: str) -> None:
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    assert find_program(Project(tmp_path), path=str(tmp_path)) is None


def test_without_any_server_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LauncherError, match=r"apt-get install redis-server.*CROSSFOOT_REDIS_URL"):
        private_server(Project(tmp_path), tmp_path)
