"""A whole installation for tests: database, broker, web, workers and clock, as `up` starts them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from reticle.config import embedded
from reticle.config.supervisor import Supervisor

BASE = Path(__file__).resolve().parents[1]
PATIENCE = 5  # limits of time are those of a quiet machine: a loaded one gets so many times as much
FILL = Path(__file__).with_name("fill.py")


class Installation:
    """Everything of one data folder, with the means to kill any part of it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = embedded.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.supervisor = Supervisor(folder, BASE, self.port)
        self.extra = {"TICK_SECONDS": "1", "LOGIN_RATE": "1000/minute", **environment}

    def start(self, *, patients: int, slices: int, size: int, training: Mapping[str, Any]) -> None:
        """Start all, and fill in the demo people and a small cohort campaign `brain-mri`."""
        options = {"patients": patients, "slices": slices, "size": size, "training": dict(training)}
        self.start_with(FILL, options)

    def start_with(self, script: Path, options: object) -> None:
        """Start all, and fill in what a script makes of its options."""
        self.supervisor.start_services()
        self.supervisor.environment = {**self.supervisor.environment, **self.extra}
        self.manage("migrate", "--verbosity=0")
        self.run(str(script), json.dumps(options))
        self.supervisor.start_processes()
        self.wait_until(self.answers, 60)

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(BASE), str(BASE / "platform")])
        return {
            **os.environ, **self.supervisor.environment, "PYTHONPATH": path,
            "DJANGO_SETTINGS_MODULE": "reticle.config.settings",
        }  # fmt: skip

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment, cwd=BASE, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def train_no_more(self) -> None:
        """Let no label begin a training by itself; wait for what was begun, and for its scores."""
        off = "UPDATE annotations_campaign SET training = training || %s::jsonb RETURNING id"
        self.query(off, json.dumps({"enabled": 0}))
        active = (
            "SELECT 1 FROM training_trainingrun WHERE state IN ('queued', 'running', 'validating')"
            " UNION SELECT 1 FROM training_modelversion"
            " WHERE state = 'champion' AND scored_at IS NULL"
        )
        self.wait_until(lambda: not self.query(active), 180)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin a management command in the background; `said` returns what it printed."""
        with (self.folder / "logs" / "command.log").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                env=self.environment,
                cwd=BASE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        """Return the end of what the last background command printed."""
        return (self.folder / "logs" / "command.log").read_text()[-3000:]

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v1/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Poll a condition, reviving what has died meanwhile, as the supervisor does."""
        limit = seconds * PATIENCE
        deadline = time.monotonic() + limit
        while not ready():
            assert time.monotonic() < deadline, f"still not so after {limit} s"
            self.supervisor.revive()
            time.sleep(0.2)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        url = self.supervisor.environment["DATABASE_URL"]
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def kill(self, name: str) -> None:
        """Kill -9 one process with its group: no handler, no goodbye."""
        if name in self.supervisor.services:
            self.supervisor.services[name][0].process.kill()
            return
        os.killpg(self.supervisor.processes[name].pid, signal.SIGKILL)

    def flush_broker(self) -> None:
        redis.Redis.from_url(self.supervisor.environment["BROKER_URL"]).flushall()

    def training_children(self) -> list[int]:
        """Return the processes `python -m training.ml` of this installation."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"training.ml" in command and str(self.folder).encode() in command:
                found.append(int(entry.name))
        return found

    def stop(self) -> None:
        self.supervisor.stop()
        shutil.rmtree(embedded.data_folder(self.folder), ignore_errors=True)
