"""What the tests need of the machine is found, or said to be missing."""

from pathlib import Path

import psycopg
import pytest

from launcher import machine
from launcher.messages import LauncherError
from launcher.testing import PROCESSES, Part, absolute, parallel, provide, requires_all


def program(folder: Path, name: str, body: str = "exit 0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_the_newest_postgresql_of_debian_is_found_where_the_path_has_none(tmp_path: Path) -> None:
    for version in ("9.6", "15", "17"):
        for name in machine.POSTGRES_PROGRAMS:
            program(tmp_path / "usr/lib/postgresql" / version / "bin", name)
    found = machine.find_postgres(path=str(tmp_path), root=tmp_path)
    assert found == tmp_path / "usr/lib/postgresql/17/bin"


def test_a_postgresql_without_its_server_does_not_count(tmp_path: Path) -> None:
    program(tmp_path / "usr/lib/postgresql/15/bin", "pg_ctl")
    assert machine.find_postgres(path=str(tmp_path), root=tmp_path) is None


def test_a_browser_that_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CROSSFOOT_TEST_BROWSER", raising=False)
    program(tmp_path, "chromium", "exit 1")
    good = program(tmp_path / "elsewhere", "browser")
    assert machine.find_browser([str(tmp_path / "nothing"), str(good)]) == str(good)


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"CROSSFOOT_REQUIRE_ALL": "1"}])
def test_ci_requires_every_part(environ: dict[str, str]) -> None:
    assert requires_all(environ)


def test_several_processes_run_the_tests_unless_told_otherwise() -> None:
    assert parallel(["-k", "money"]) == ["-n", PROCESSES]
    assert parallel(["-n0"]) == parallel(["--pdb"]) == []


def test_a_test_file_is_named_from_the_callers_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_money.py").touch()
    monkeypatch.chdir(tmp_path)
    assert absolute("test_money.py::test_sums") == f"{tmp_path}/test_money.py::test_sums"
    assert absolute("-x") == "-x"
    assert absolute("money") == "money"


def absent() -> Part:
    def fails() -> None:
        raise LauncherError("No network.", "Plug it in.")

    return Part("Chromium", lambda: None, fails, "apt-get install chromium", "VARIABLE", "the tests in a browser")


def test_a_missing_part_is_named_with_its_remedy_and_the_rest_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert provide(absent(), strict=False) is None
    said = capsys.readouterr().err
    assert "the tests in a browser are left out" in said
    assert "apt-get install chromium" in said


def test_a_missing_part_ends_the_run_where_all_are_required() -> None:
    with pytest.raises(LauncherError, match="Chromium is missing") as caught:
        provide(absent(), strict=True)
    assert caught.value.status == 1


def test_a_throw_away_postgresql_answers(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
