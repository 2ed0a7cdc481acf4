"""`./crossfoot up`: web, workers, scheduler and the private Redis in the foreground."""

import argparse
import errno
import http.client
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from launcher import data_lock
from launcher.child import Child
from launcher.demo_mark import refuse_demo
from launcher.messages import LauncherError, UsageError
from launcher.migrations import prepare_database
from launcher.project import Project, data_folder, environment, prepare_data_folder
from launcher.redis_server import NOISE, private_server, wait_until_it_answers
from launcher.set_up import set_up
from launcher.supervisor import Supervisor

#: A predecessor that was killed gives its port back within this time.
PORT_SECONDS = 4.0
MOST_WORKERS = 64


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors end with 64, as those of every command."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", f"See {self.prog} --help.")


@dataclass(frozen=True)
class Service:
    """One installation to be served: where, with what, and in which environment."""

    project: Project
    folder: Path
    env: Mapping[str, str]
    port: int
    workers: int

    @property
    def bind(self) -> str:
        return self.env.get("CROSSFOOT_BIND", "").strip() or "127.0.0.1"

    @property
    def public_url(self) -> str:
        return self.env.get("CROSSFOOT_PUBLIC_URL", "").strip() or f"http://localhost:{self.port}"


def command(project: Project, arguments: list[str]) -> int:
    """Parse the command line and serve until a signal."""
    parser = Parser(prog="./crossfoot up", description="Serve Crossfoot in the foreground.")
    parser.add_argument("--port", type=port_number, default=8000, help="of the web server (8000)")
    parser.add_argument("--workers", type=worker_count, default=2, help="processes that post batches (2)")
    chosen = parser.parse_args(arguments)
    set_up(project)
    folder = data_folder(project, os.environ)
    prepare_data_folder(folder)
    refuse_demo(folder, os.environ)
    return serve(service(project, folder, os.environ, port=chosen.port, workers=chosen.workers))


def service(project: Project, folder: Path, environ: Mapping[str, str], *, port: int, workers: int) -> Service:
    """The service for a data folder; the port tells the app its default public address."""
    env = environment(project, folder, environ) | {"CROSSFOOT_PORT": str(port)}
    return Service(project, folder, env, port, workers)


def port_number(text: str) -> int:
    """A TCP port from a command line."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"“{text}” is not a port (1 to 65535)")
    return int(text)


def worker_count(text: str) -> int:
    """A number of workers from a command line."""
    if not text.isdecimal() or not 0 < int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number of workers (1 to {MOST_WORKERS})")
    return int(text)


def serve(what: Service) -> int:
    """Run everything until SIGTERM, SIGINT or SIGHUP; 0 after a clean stop."""
    with data_lock.only_one(what.folder) as lock:
        wait_for_port(what.bind, what.port)
        data_lock.publish(lock, data_lock.Running(os.getpid(), what.port))
        with Supervisor() as supervisor:
            _start_redis(supervisor, what)
            code = prepare_database(what.project, what.env)
            for child in processes(what):
                supervisor.begin(child)
            supervisor.watch(lambda: _announce(supervisor, what, code))
            supervisor.run()
            supervisor.tell("crossfoot", "Stopping.")
        supervisor.tell("crossfoot", "Stopped.")
    return 0


def _start_redis(supervisor: Supervisor, what: Service) -> None:
    if what.env.get("CROSSFOOT_REDIS_URL", "").strip():
        return
    server = private_server(what.project, what.folder)
    command = [server.program, "-"]
    supervisor.begin(Child("redis", command, what.env, what.folder, stdin=server.configuration, mute=NOISE))
    if not wait_until_it_answers(server.socket):
        raise LauncherError("The private Redis does not start.", f"Try it by hand: {server.program} --version")


def processes(what: Service) -> list[Child]:
    """Everything but Redis, in the order of the start."""
    module, root = what.project.module, what.project.root
    workers = module("app.jobs.rq_worker", str(what.workers))
    commands = {"web": web_command(what), "workers": workers, "scheduler": module("app.jobs.rq_scheduler")}
    return [Child(name, command, what.env, root) for name, command in commands.items()]


def web_command(what: Service) -> list[str]:
    """One gunicorn process with a few threads: the work is done by the workers.

    Whether a proxy's headers are believed is the app's decision (CROSSFOOT_TRUSTED_PROXIES), so gunicorn believes
    none. Its heartbeat file belongs into memory: on a slow disk it would look dead.
    """
    host = f"[{what.bind}]" if ":" in what.bind else what.bind
    memory = ["--worker-tmp-dir", "/dev/shm"] if os.access("/dev/shm", os.W_OK) else []  # noqa: S108 - tmpfs of Linux
    return what.project.module(
        "gunicorn",
        *("--bind", f"{host}:{what.port}", "--worker-class", "gthread", "--threads", "4"),
        *("--timeout", "120", "--graceful-timeout", "5", "--keep-alive", "5"),
        *("--forwarded-allow-ips", "", "--no-control-socket", "--log-level", "warning"),
        *memory,
        "wsgi:app",
    )


def wait_for_port(bind: str, port: int) -> None:
    """Make sure that the port is free before anything is started. Raises LauncherError."""
    end = time.monotonic() + PORT_SECONDS
    while error := _bind_error(bind, port):
        if error.errno != errno.EADDRINUSE:
            raise LauncherError(
                f"The web server cannot listen on {bind} port {port}: {error.strerror}.",
                "Check CROSSFOOT_BIND, and take a port above 1023 unless you are root.",
            ) from error
        if time.monotonic() > end:
            raise LauncherError(
                f"Port {port} is in use by another program.", "Stop that program or choose another port: --port N"
            )
        time.sleep(0.2)


def _bind_error(bind: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            return error
    return None


def _announce(supervisor: Supervisor, what: Service, code: list[str]) -> bool:
    """Say it once the first page is there, with the set-up code while there is no admin."""
    if not _answers(what.bind, what.port):
        return False
    supervisor.tell("crossfoot", f"Ready at {what.public_url} - Ctrl-C stops it.")
    for line in code:
        supervisor.tell("crossfoot", line)
    return True


def _answers(bind: str, port: int) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104 - only recognised here
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
