"""Set-up does what has changed, and nothing else."""

import fcntl
import multiprocessing
import time
from pathlib import Path

import pytest

from launcher.messages import LauncherError
from launcher.programs import explain, run_logged
from launcher.steps import Step, all_current, run_chains


class Work:
    """A step that counts how often it was done."""

    def __init__(self, result: Path) -> None:
        self.result = result
        self.version = "1"
        self.times = 0

    def do(self) -> None:
        self.times += 1
        self.result.write_text(self.version)

    @property
    def step(self) -> Step:
        return Step("work", lambda: self.version, self.result.exists, self.do)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "result")


def test_a_step_is_done_once_while_nothing_changes(tmp_path: Path, work: Work) -> None:
    for _ in range(3):
        run_chains(tmp_path / "setup", [[work.step]])
    assert work.times == 1
    assert all_current(tmp_path / "setup", [work.step])


def test_a_step_is_done_again_when_what_it_depends_on_changes(tmp_path: Path, work: Work) -> None:
    run_chains(tmp_path / "setup", [[work.step]])
    work.version = "2"
    assert not all_current(tmp_path / "setup", [work.step])
    run_chains(tmp_path / "setup", [[work.step]])
    assert work.times == 2


def test_a_step_is_done_again_when_its_result_was_deleted(tmp_path: Path, work: Work) -> None:
    run_chains(tmp_path / "setup", [[work.step]])
    work.result.unlink()
    run_chains(tmp_path / "setup", [[work.step]])
    assert work.times == 2


def test_a_step_that_failed_is_tried_again_next_time(tmp_path: Path, work: Work) -> None:
    def fails() -> None:
        raise LauncherError("No network.", "Plug it in.")

    broken = Step("work", lambda: "1", work.result.exists, fails)
    with pytest.raises(LauncherError, match="No network"):
        run_chains(tmp_path / "setup", [[broken]])
    run_chains(tmp_path / "setup", [[work.step]])
    assert work.times == 1


def hold(lock: Path, seconds: float, held: "multiprocessing.synchronize.Event") -> None:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        held.set()
        time.sleep(seconds)


def test_a_second_command_waits_for_the_first_and_says_so(
    tmp_path: Path, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "setup" / "stamps").mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    other = context.Process(target=hold, args=(tmp_path / "setup" / "lock", 0.3, held))
    other.start()
    held.wait(20)
    run_chains(tmp_path / "setup", [[work.step]])
    other.join()
    assert "waiting" in capsys.readouterr().err
    assert work.times == 1


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("npm error code ENOTFOUND\n", "The package servers cannot be reached"),
        ("WARNING: Retrying … Temporary failure in name resolution\n", "The package servers cannot be reached"),
        ("OSError: [Errno 28] No space left on device\n", "The disk is full"),
        ("ERROR: something new\n\n", "pip failed: ERROR: something new"),
    ],
)
def test_an_installer_that_fails_is_explained_in_one_sentence(tmp_path: Path, printed: str, sentence: str) -> None:
    log = tmp_path / "pip.log"
    log.write_text(printed)
    error = explain("pip", log)
    assert error.sentence.startswith(sentence)
    assert str(log) in error.remedy


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="no-such-program cannot be started"):
        run_logged([str(tmp_path / "no-such-program")], tmp_path / "log", cwd=tmp_path)
