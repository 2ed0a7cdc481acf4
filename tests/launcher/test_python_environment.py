"""The environment is rebuilt when it no longer fits, and only then."""

import shutil
import sys
from pathlib import Path

import pytest

from launcher import python_environment
from launcher.messages import LauncherError
from launcher.project import Project
from launcher.steps import Step, all_current


def packages(project: Project) -> Step:
    return python_environment.steps(project, ["requirements.txt"])[1]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A checkout with an environment that looks as pip leaves it."""
    (tmp_path / "requirements.txt").write_text("flask==1\n")
    (tmp_path / ".venv/lib/python3.11/site-packages/pip").mkdir(parents=True)
    (tmp_path / ".venv/bin").mkdir()
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    return Project(tmp_path)


def test_packages_are_due_again_when_the_requirements_change(project: Project) -> None:
    before = packages(project).fingerprint()
    (project.root / "requirements.txt").write_text("flask==2\n")
    assert packages(project).fingerprint() != before


def test_packages_are_due_again_for_another_python(project: Project) -> None:
    before = packages(project).fingerprint()
    shutil.move(project.venv / "lib/python3.11", project.venv / "lib/python3.12")
    assert packages(project).fingerprint() != before


def test_packages_are_due_again_when_the_environment_was_deleted(project: Project) -> None:
    shutil.rmtree(project.venv)
    assert not packages(project).is_there()


def test_an_environment_whose_python_is_gone_is_not_current(project: Project) -> None:
    step = python_environment.steps(project, [])[0]
    project.python.unlink()
    project.python.symlink_to("/nowhere/python3")
    assert not all_current(project.setup, [step])
    assert step.fingerprint() == "missing"


def test_a_python_that_another_account_may_not_even_see_is_named_with_the_way_out(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(LauncherError, match=r"may not run .*python.* such as /usr/bin/python3"):
        python_environment.steps(project, [])[0].fingerprint()


def test_a_python_without_its_venv_module_names_the_package(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    project.python.unlink()
    with pytest.raises(LauncherError, match=r"venv module is missing.*sudo apt-get install python3.*-venv"):
        python_environment.steps(project, [])[0].run()
