"""Run a whole installation on one machine: database, broker, web, workers and clock.

One supervisor starts what is missing, restarts what dies, and stops everything on Ctrl-C.
"""

import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType

from django.core.exceptions import ImproperlyConfigured

from reticle.config import embedded
from reticle.config import environment as env

logger = logging.getLogger(__name__)
BACKOFF_SECONDS = 1.0
STOP_SECONDS = 5.0
WEB_PROCESSES, WEB_THREADS = 2, 4
BACKGROUND = 5  # niceness of what no reader waits for


class Supervisor:
    """The services and processes of one data folder.

    `start()` brings everything up and returns; `watch()` blocks until a stop signal, restarting
    what dies; `stop()` ends all of it, the database last.
    """

    def __init__(self, data: Path, base: Path, port: int) -> None:
        self.data, self.base, self.port = data, base, port
        self.services: dict[str, tuple[embedded.Service, Callable[[], embedded.Service]]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False
        self.environment: dict[str, str] = {}

    def start_services(self) -> Mapping[str, str]:
        """Start PostgreSQL and Valkey unless servers are configured; return the environment."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._stop_stranded()
        found = {"RETICLE_DATA": str(self.data)}
        embedded_services: tuple[tuple[str, str, Callable[[], embedded.Service]], ...] = (
            ("DATABASE_URL", "postgres", lambda: embedded.start_postgres(self.data)),
            ("BROKER_URL", "valkey", lambda: embedded.start_valkey(self.data)),
        )
        for variable, name, start in embedded_services:
            if variable in os.environ:
                found[variable] = os.environ[variable]
                continue
            service = start()
            _keep_to(reader_cores(), service.process.pid)
            self.services[name] = (service, start)
            found[variable] = service.url
        for name in ("SECRET_KEY", "PSEUDONYM_KEY"):
            kept = embedded.remembered(
                self.data / "secrets" / name.lower(), secrets.token_urlsafe(50)
            )
            found[name] = os.environ.get(name, kept)
        self._remember(found)
        self.environment = found
        return found

    def _remember(self, found: Mapping[str, str]) -> None:
        """Let other commands on this data folder find the services."""
        path = self.data / "services.json"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(dict(found), file)

    def commands(self) -> dict[str, list[str]]:
        """Return the command of each process."""
        celery = [sys.executable, "-m", "celery", "-A", "reticle.config"]
        return {
            "web": [
                sys.executable, "-m", "gunicorn", "reticle.config.wsgi", "--worker-class=gthread",
                f"--bind=127.0.0.1:{self.port}", f"--workers={WEB_PROCESSES}",
                f"--threads={WEB_THREADS}",
                "--timeout=60", "--graceful-timeout=5", "--keep-alive=75", "--no-control-socket",
            ],
            "worker": [*celery, "worker", "-Q", "short", "-c", "2", "-n", "short@%h",
                       "--without-gossip", "--without-mingle", "-l", "WARNING"],
            "trainer": [*celery, "worker", "-Q", "training", "-c", "1", "-n", "training@%h",
                        "--without-gossip", "--without-mingle", "-l", "WARNING"],
            "clock": [*celery, "beat", "-s", str(self.data / "clock.db"), "--pidfile=",
                      "-l", "WARNING"],
        }  # fmt: skip

    def start_processes(self) -> None:
        """Start web, workers and clock."""
        for name in self.commands():
            self._launch(name)

    def _launch(self, name: str) -> None:
        (self.data / "logs").mkdir(parents=True, exist_ok=True)
        with (self.data / "logs" / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                self.commands()[name],
                cwd=self.base,
                env={
                    **os.environ,
                    **self.environment,
                    "PYTHONPATH": os.pathsep.join([str(self.base), str(self.base / "platform")]),
                    "DJANGO_SETTINGS_MODULE": "reticle.config.settings",
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        pid = self.processes[name].pid
        if name == "web":
            _keep_to(reader_cores(), pid)
        else:
            os.setpriority(os.PRIO_PROCESS, pid, BACKGROUND)
            _keep_to(background_cores(), pid)
        self._write_pids()

    def _write_pids(self) -> None:
        pids = {name: process.pid for name, process in self.processes.items()}
        (self.data / "pids.json").write_text(json.dumps(pids))

    def _stop_stranded(self) -> None:
        """Stop processes that outlived an earlier supervisor of this data folder."""
        try:
            pids = json.loads((self.data / "pids.json").read_text())
        except (OSError, ValueError):
            return
        for pid in pids.values():
            if _belongs(pid, self.data):
                os.killpg(pid, signal.SIGTERM)
                _wait_gone(pid)
        (self.data / "pids.json").unlink()

    def watch(self) -> None:
        """Block until SIGINT or SIGTERM; start again what dies."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        while not self.stopping:
            self.revive()
            time.sleep(BACKOFF_SECONDS)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def revive(self) -> None:
        """Start again each service and process that has died."""
        for name, (service, start) in list(self.services.items()):
            if service.process.poll() is not None and not self.stopping:
                logger.warning("%s died (%s): starting it again", name, service.process.returncode)
                try:
                    self.services[name] = (start(), start)
                    _keep_to(reader_cores(), self.services[name][0].process.pid)
                except ImproperlyConfigured as error:
                    logger.error("%s does not come up: %s", name, error)
        for name, process in list(self.processes.items()):
            if process.poll() is not None and not self.stopping:
                logger.warning("%s died (%s): starting it again", name, process.returncode)
                self._launch(name)

    def stop(self) -> None:
        """Stop everything: processes first, then the broker, the database last.

        Nobody waits for a training run: killed, it goes on from its last epoch after the next
        start. Groups are ended whole, so that no worker's child stays behind.
        """
        self.stopping = True
        running = [process for process in self.processes.values() if process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for name in ("valkey", "postgres"):
            if name in self.services:
                embedded.stop(self.services[name][0].process)
        (self.data / "pids.json").unlink(missing_ok=True)


def _cores() -> list[int]:
    """Return the cores this process may use; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def reader_cores() -> set[int]:
    """Return the cores for what answers readers: all but training's, the last TRAINING_THREADS.

    Woken on a core that computes, even idly, a request would wait for the core to be handed over.
    """
    cores = _cores()
    training = env.number("TRAINING_THREADS", 1, low=1, high=256)
    return set(cores[:-training] or cores)


def background_cores() -> set[int]:
    """Return the cores for workers and clock: the last half, so that one is free of them."""
    cores = _cores()
    return set(cores[len(cores) // 2 :])


def _keep_to(cores: set[int], pid: int) -> None:
    if cores:
        os.sched_setaffinity(pid, cores)


def _belongs(pid: int, data: Path) -> bool:
    """Tell whether a process was started for this data folder."""
    try:
        return f"RETICLE_DATA={data}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _wait_gone(pid: int, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
