"""Kill -9 what you like: acknowledged labels stay, runs end once, the broker is disposable."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from installation import Installation
from reticle.simulation.client import Session
from training.tidy import ENDED

EPOCHS = 8
TRAINING = {
    "preset": "tiny", "epochs": EPOCHS, "minimum_steps": 400, "minimum_total": 10,
    "minimum_new": 10, "minimum_held_out": 2, "cooldown_seconds": 0,
}  # fmt: skip
LONG = 600  # steps at least of a run that is to be killed in its middle


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(
        tmp_path_factory.mktemp("chaos"), HEARTBEAT_SECONDS="1", RUN_LEASE_SECONDS="5"
    )
    made.start(patients=6, slices=16, size=64, training=TRAINING)
    yield made
    made.stop()


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def metrics(installation: Installation, run: int, attempt: int) -> list[dict[str, Any]]:
    """Return the epochs of a run that has ended, whether or not the clock has tidied it up.

    The file is in one of two places, and moves at once, from the first to the second.
    """
    runs = installation.folder / "runs"
    place = Path(f"run-{run}", f"attempt-{attempt}", "metrics.jsonl")
    try:
        return events(runs / place)
    except FileNotFoundError:
        return events(runs / ENDED / place)


def simulate(installation: Installation, path: Path, budget: int) -> Any:
    return installation.begin(
        "simulate", "--campaign=brain-mri", "--readers=2", f"--budget={budget}", "--no-wait",
        "--pace=40", f"--url={installation.url}", f"--json={path}",
    )  # fmt: skip


def test_acknowledged_submissions_outlive_web_database_and_broker(
    installation: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    process = simulate(installation, path, budget=40)

    def submitted(wanted: int) -> bool:
        assert process.poll() in (None, 0), installation.said()
        return path.exists() and path.read_text().count('"submit"') >= wanted

    for number, victim in enumerate(["web", "postgres", "broker", "web", "postgres"]):
        installation.wait_until(partial(submitted, 4 * (number + 1)), 90)
        if victim == "broker":
            installation.flush_broker()
        else:
            installation.kill(victim)
    installation.wait_until(lambda: process.poll() is not None, 240)
    assert process.returncode == 0, installation.said()
    acknowledged = {
        row["annotation"]: row["mask_sha256"]
        for row in events(path)
        if row.get("event") == "submit"
    }
    assert len(acknowledged) == 40
    stored = dict(installation.query("SELECT id, sha256 FROM annotations_annotation"))
    assert acknowledged.items() <= stored.items()
    assert len(stored) == len(acknowledged), "a repeated submission was stored twice"
    unsettled = installation.query(
        "SELECT count(*) FROM annotations_annotation a JOIN annotations_task t ON t.id = a.task_id"
        " WHERE t.state <> 'settled'"
    )
    assert unsettled == [(0,)]
    assert events(path)[-1]["summary"]["duplicates"] == 0


def test_a_run_whose_worker_is_killed_resumes_and_ends_once(installation: Installation) -> None:
    """Uses the labels of the test above; the run is long enough to be killed in its middle."""
    installation.train_no_more()  # runs that those labels began have ended, or had better end first
    with closing(Session(installation.url, "manager", "reticle-demo")) as manager:
        asked = {"start": "scratch", "minimum_steps": LONG}
        run = manager.call("POST", "campaigns/brain-mri/runs", json=asked).json()["id"]
    running = (
        "SELECT attempt, jsonb_array_length(epochs) FROM training_trainingrun"
        " WHERE state = 'running' AND id = %s"
    )
    found: list[tuple[int, int]] = []

    def in_its_middle() -> bool:
        found[:] = installation.query(running, run)
        return bool(found) and found[0][1] >= 2

    installation.wait_until(in_its_middle, 120)
    attempt, epochs_before = found[0]
    children = installation.training_children()
    assert len(children) == 1
    installation.kill("trainer")
    installation.flush_broker()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < deadline, "an orphan keeps training"
        time.sleep(0.1)
    state = "SELECT state, attempt, error FROM training_trainingrun WHERE id = %s"
    installation.wait_until(lambda: installation.query(state, run)[0][0] == "succeeded", 180)
    assert installation.query(state, run) == [("succeeded", attempt + 1, "")]
    first = metrics(installation, run, attempt)
    second = metrics(installation, run, attempt + 1)
    assert epochs_before <= len(first) < EPOCHS, "it was not killed in its middle"
    assert [row["epoch"] for row in second] == list(range(1, EPOCHS + 1))
    assert second[:epochs_before] == first[:epochs_before], "completed epochs were repeated"
    models = installation.query("SELECT count(*) FROM training_modelversion WHERE run_id = %s", run)
    assert models == [(1,)]
