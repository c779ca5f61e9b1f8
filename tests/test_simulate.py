"""The miniature of the benchmark: the whole loop with simulated readers, in two minutes."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from installation import Installation

TRAINING = {
    "preset": "tiny", "epochs": 6, "minimum_steps": 150, "minimum_total": 12, "minimum_new": 12,
    "minimum_held_out": 3, "cooldown_seconds": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("simulate"))
    made.start(patients=9, slices=10, size=64, training=TRAINING)
    yield made
    made.stop()


def test_the_loop_learns_and_serves_nothing_twice(
    installation: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    process = installation.begin(
        "simulate", "--campaign=brain-mri", "--readers=2", "--budget=36", "--noise",
        f"--url={installation.url}", f"--json={path}", f"--table={tmp_path / 'table.md'}",
    )  # fmt: skip
    installation.wait_until(lambda: process.poll() is not None, 400)
    assert process.returncode == 0, installation.said()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    found = rows[-1]["summary"]
    assert set(found) == {
        "labels", "champions", "dice_first", "dice_last", "duplicates", "effort_first_decile",
        "effort_last_decile", "seconds",
    }  # fmt: skip
    assert (found["labels"], found["duplicates"]) == (36, 0)
    assert found["champions"] >= 1
    assert found["dice_first"] > 0.2
    # Each promotion was decided on the list of its day; on the final one it may be off by a margin.
    assert found["dice_last"] >= found["dice_first"] - 0.05
    submitted = [row for row in rows if row.get("event") == "submit"]
    assert {row["share"] for row in submitted} >= {"order", "held_out", "model", "random"}
    assert any(row["suggested"] for row in submitted)
    # Each decision is waited for at the label that made it due, whoever reads beside.
    seen = [row.get("event") for row in rows]
    due = [seen[:place].count("submit") for place, name in enumerate(seen) if name == "model"]
    assert {after - before for before, after in pairwise(due)} <= {TRAINING["minimum_new"]}
    assert max(row["rank"] for row in submitted) <= 2, "two readers: at most one task ahead"
    assert path.with_suffix(".png").stat().st_size > 5000
    assert "two thresholds" in (tmp_path / "table.md").read_text()
