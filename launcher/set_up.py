"""What each command needs before it can run."""

from launcher import front_end, python_environment
from launcher.messages import say
from launcher.project import Project
from launcher.steps import Step, all_current, run_chains

RUNTIME = ("requirements.txt",)
TESTS = ("requirements.txt", "requirements-dev.txt")


def set_up(project: Project, *, for_tests: bool = False) -> None:
    """Make what is missing or out of date; takes milliseconds when nothing is.

    pip and npm work side by side, except where npm itself must come from pip.
    """
    python = python_environment.steps(project, TESTS if for_tests else RUNTIME)
    npm, assets = front_end.packages_step(project), front_end.assets_step(project)
    if all_current(project.setup, [*python, npm, assets]):
        return
    run_chains(project.setup, _order(python, npm))
    run_chains(project.setup, [[assets]])
    say("Set-up is complete.")


def _order(python: list[Step], npm: Step) -> list[list[Step]]:
    return [python, [npm]] if front_end.has_npm() else [[*python, npm]]
