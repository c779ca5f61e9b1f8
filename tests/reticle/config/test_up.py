"""`manage.py up`: everything starts, answers, stops on Ctrl-C, and the data is there again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from reticle.config import embedded
from reticle.config.supervisor import background_cores, reader_cores

BASE = Path(__file__).resolve().parents[3]


def begin(data: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "RETICLE_DATA": str(data)}
    for name in ("DATABASE_URL", "BROKER_URL"):
        environment.pop(name, None)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "manage.py", "up", f"--port={port}"],
            cwd=BASE,
            env=environment,
            stdout=output,
            stderr=output,
        )


def wait_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 300
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/api/v1/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)


def left_over(data: Path) -> list[str]:
    """Return the commands of processes that still belong to this data folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            mine = f"RETICLE_DATA={data}".encode() in (entry / "environ").read_bytes()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mine or str(data).encode() in command:
            found.append(command.decode(errors="replace"))
    return found


def wait_gone(data: Path) -> None:
    """Wait for the end of what was killed: on a busy machine it comes later than the kill."""
    deadline = time.monotonic() + 60
    while found := left_over(data):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def manage(data: Path, *arguments: str) -> str:
    environment = {**os.environ, "RETICLE_DATA": str(data)}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE, env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


def placed(data: Path) -> dict[str, set[int]]:
    """Return the cores that two processes of an installation may use."""
    pids = json.loads((data / "pids.json").read_text())
    return {name: os.sched_getaffinity(pids[name]) for name in ("web", "trainer")}


def test_up_starts_stops_and_keeps_the_data(tmp_path: Path) -> None:
    data, log, port = tmp_path / "data", tmp_path / "up.log", embedded.free_port()
    count = "from reticle.accounts.models import User; print(User.objects.count())"
    try:
        for number in range(2):
            process = begin(data, port, log)
            wait_ready(process, port, log)
            assert placed(data) == {"web": reader_cores(), "trainer": background_cores()}
            # Other commands find the services of this folder by themselves.
            assert manage(data, "shell", "--no-imports", "-c", count).split()[-1] == str(number)
            make = "from reticle.accounts.models import User; User.objects.create_user('ann')"
            if number == 0:
                manage(data, "shell", "--no-imports", "-c", make)
            process.send_signal(signal.SIGINT)
            assert process.wait(180) == 0, log.read_text()
            wait_gone(data)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        shutil.rmtree(embedded.data_folder(data), ignore_errors=True)
    assert "Your data is kept" in log.read_text()


def test_a_taken_port_is_said_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = begin(tmp_path / "data", port, tmp_path / "up.log")
        assert process.wait(180) != 0
    said = (tmp_path / "up.log").read_text()
    assert f"Port {port} is taken" in said
    assert "PORT=" in said
    assert not (tmp_path / "data" / "secrets").exists()


@pytest.mark.parametrize("name", ["DATABASE_URL"])
def test_a_wrong_database_address_is_said(tmp_path: Path, name: str) -> None:
    environment = {**os.environ, name: "mysql://nobody", "RETICLE_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "postgresql://" in done.stderr


def test_training_and_readers_share_no_core_where_there_are_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cores = os.sched_getaffinity(0)
    assert reader_cores() | background_cores() <= cores
    if len(cores) > 1:
        assert max(cores) not in reader_cores()
        assert min(cores) not in background_cores()
    monkeypatch.setenv("TRAINING_THREADS", "256")  # more than there are: readers keep all
    assert reader_cores() == cores
