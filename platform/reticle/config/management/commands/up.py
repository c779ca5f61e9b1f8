"""`manage.py up`: everything on this machine, on loopback."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from reticle.config import demo_set, embedded, environment
from reticle.config.supervisor import Supervisor

NEEDED_BYTES = 2 * 2**30


class Command(BaseCommand):
    """Start database, broker, web, workers and clock; Ctrl-C stops them, data stays."""

    help = "Start the whole installation on this machine (loopback only)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--demo", action="store_true", help="load the demo campaigns")
        parser.add_argument("--simulate", type=int, default=0, help="so many simulated readers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, fill, watch, stop."""
        port = options["port"]
        self._check(port)
        supervisor = Supervisor(settings.DATA_FOLDER, settings.BASE_DIR, port)
        simulation: subprocess.Popen[bytes] | None = None
        try:
            found = supervisor.start_services()
            # In this process, which knew no database until now: starting Django again takes time.
            connection.settings_dict.update(environment.database(found["DATABASE_URL"]))
            call_command("migrate", verbosity=0)
            missing = options["demo"] and not demo_set.is_loaded()
            connection.close()
            supervisor.start_processes()
            if missing:
                self._manage("demo", **found)
            self._wait(port)
            self.stdout.write(self.style.SUCCESS(f"\nReticle is ready: http://127.0.0.1:{port}"))
            if options["demo"]:
                self.stdout.write(demo_set.LOGINS)
            self.stdout.write("Ctrl-C stops everything; the data stays in "
                              f"{settings.DATA_FOLDER}\n")  # fmt: skip
            self.stdout.flush()
            if options["simulate"]:
                simulation = self._simulate(options["simulate"], port, found)
            supervisor.watch()
        except KeyboardInterrupt:
            pass
        finally:
            self.stdout.write("Stopping ...")
            if simulation is not None:
                embedded.stop(simulation)
            supervisor.stop()
            self.stdout.write("Stopped. Your data is kept.")

    def _check(self, port: int) -> None:
        """Say plainly what is missing. Raises CommandError."""
        if not embedded.port_is_free(port):
            raise CommandError(
                f"Port {port} is taken by another program. Try: make demo PORT={port + 1}"
            )
        settings.DATA_FOLDER.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.DATA_FOLDER).free
        if free < NEEDED_BYTES:
            raise CommandError(
                f"Only {free // 2**20} MB are free at {settings.DATA_FOLDER}; 2048 MB are needed. "
                "Free some, or name another folder: make demo RETICLE_DATA=/path"
            )

    def _manage(self, *arguments: str, **found: str) -> None:
        done = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
            env={**os.environ, **found},
            check=False,
        )
        if done.returncode:
            raise CommandError(f"`manage.py {arguments[0]}` failed; see above.")

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        log = settings.DATA_FOLDER / "logs" / "web.log"
        raise ImproperlyConfigured(f"The web server did not answer within 60 s; see {log}")

    def _simulate(self, readers: int, port: int, found: Any) -> subprocess.Popen[bytes]:
        log = (settings.DATA_FOLDER / "logs" / "simulate.log").open("ab")
        self.stdout.write(f"{readers} simulated readers are at work on brain-mri.")
        return subprocess.Popen(
            [
                sys.executable, str(settings.BASE_DIR / "manage.py"), "simulate",
                "--campaign=brain-mri", f"--readers={readers}", "--budget=120",
                f"--url=http://127.0.0.1:{port}", "--pace=20",
                f"--json={settings.DATA_FOLDER / 'simulate.jsonl'}",
            ],
            env={**os.environ, **found}, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
