"""Running other programs during set-up: their output into a log, their failure into one sentence."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from launcher.messages import LauncherError

#: What the installers print when a machine lacks something, and what that means to the user.
CAUSES = (
    (re.compile(r"No space left on device|ENOSPC"), "The disk is full.", "Free some space and run the command again."),
    (
        re.compile(
            r"Temporary failure in name resolution|Name or service not known|Network is unreachable|ENOTFOUND|EAI_AGAIN"
            r"|ECONNREFUSED|ETIMEDOUT|Failed to establish a new connection|Read timed out|ProxyError"
        ),
        "The package servers cannot be reached.",
        "Check the network or the proxy settings and run the command again.",
    ),
    (
        re.compile(r"CERT_IN_CHAIN|CERTIFICATE_VERIFY_FAILED|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY_LEAF"),
        "The package servers' certificate is not trusted here.",
        "Behind a proxy that inspects traffic, name its certificate in PIP_CERT and NODE_EXTRA_CA_CERTS.",
    ),
    (
        re.compile(r"Permission denied|EACCES"),
        "A file or folder of the installation may not be written.",
        "Run ./crossfoot setup once as the owner of the folder.",
    ),
    (
        re.compile(r"No matching distribution found|Could not find a version"),
        "A Python package has no release for this machine.",
        "Check the network and the Python version.",
    ),
)


def run_logged(command: Sequence[str], log: Path, *, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run an installer with its output in `log`; raise LauncherError with a cause and a remedy if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        try:
            process = subprocess.Popen(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        except OSError as error:
            raise LauncherError(f"{command[0]} cannot be started: {error.strerror}.", f"See {log}.") from error
    if process.wait():
        raise explain(Path(command[0]).name, log)


def explain(program: str, log: Path) -> LauncherError:
    """The error for an installer that failed, from what it printed."""
    text = log.read_text(errors="replace")
    for pattern, sentence, remedy in CAUSES:
        if pattern.search(text):
            return LauncherError(sentence, f"{remedy} Details: {log}")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return LauncherError(f"{program} failed: {lines[-1] if lines else 'it printed nothing'}.", f"Details: {log}")
