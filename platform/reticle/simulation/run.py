"""Readers at work: lease, correct towards the hidden reference, submit, while the worker trains."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TextIO

import numpy as np

from reticle.pixels.mask import Mask
from reticle.simulation.client import Refused, Session
from reticle.simulation.effort import Hand, start_from, strokes_for, unsteady

POLL_SECONDS = 1.0
LOST = {"lease_lost", "task_settled"}


@dataclass
class Shared:
    """What the readers of one simulation share."""

    campaign: str
    budget: int
    reference: Callable[[int], Mask]
    output: TextIO
    hand: Hand
    seed: int = 0
    pace: float = 0.0
    wait: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)
    events: list[dict[str, Any]] = field(default_factory=list)
    begun: int = 0
    failures: list[BaseException] = field(default_factory=list)

    def log(self, event: str, **values: Any) -> None:
        """Keep an event and write it as one JSON line."""
        row = {"event": event, "at": round(time.time(), 3), **values}
        with self.lock:
            self.events.append(row)
            self.output.write(json.dumps(row) + "\n")
            self.output.flush()

    def take(self) -> bool:
        """Take one label from the budget; False when it is spent."""
        with self.lock:
            if self.begun >= self.budget or self.failures:
                return False
            self.begun += 1
            return True


def read_one(session: Session, shared: Shared, name: str, rng: np.random.Generator) -> bool:
    """Read one case; False when the queue has nothing for this reader."""
    case = session.lease(shared.campaign)
    if case is None:
        return False
    image = case["image"]
    session.pixels(image["pixels_url"])
    target = unsteady(shared.reference(image["id"]), shared.hand, rng)
    offered = None
    if case["suggestion"] is not None:
        offered = session.mask(case["suggestion"]["mask_url"], image["rows"], image["columns"])
    start, kept = start_from(offered, target, shared.hand)
    drawn, work = strokes_for(start, target, shared.hand)
    _, alone = strokes_for(np.zeros_like(target), target, shared.hand)
    if shared.pace:
        time.sleep(work.seconds / shared.pace)
    try:
        done = session.submit(case, drawn, work.seconds)
    except Refused as refused:
        if refused.code not in LOST:
            raise
        shared.log("lost", reader=name, task=case["task"]["id"], code=refused.code)
        return True
    shared.log(
        "submit", reader=name, task=case["task"]["id"], annotation=done["annotation"],
        mask_sha256=done["mask_sha256"], share=case["why"]["share"], rank=case["why"]["rank"],
        of=case["why"]["of"], model=case["why"]["model_number"], suggested=offered is not None,
        kept=kept, seconds=round(work.seconds, 2), seconds_alone=round(alone.seconds, 2),
        strokes=work.strokes, strokes_alone=alone.strokes,
        changed=work.changed, changed_alone=alone.changed, foreground=int((target > 0).sum()),
    )  # fmt: skip
    return True


def reader_loop(url: str, login: tuple[str, str], shared: Shared, gate: "Gate | None") -> None:
    """Work until the budget is spent or nothing is left."""
    try:
        session = Session(url, *login)
        rng = np.random.default_rng([shared.seed, *login[0].encode()])
        while shared.take():
            with gate.passed() if gate is not None else nullcontext():
                found = read_one(session, shared, login[0], rng)
            if not found:
                shared.log("nothing_left", reader=login[0])
                return
        shared.log("reader_done", reader=login[0], retries=session.retries)
    except BaseException as error:
        shared.failures.append(error)


class Gate:
    """Holds the readers while a decision is due: run, verdict and fresh order first.

    It is due with the last label that it takes: who would read one more is held while that one is
    being read.
    """

    def __init__(self, session: Session, shared: Shared) -> None:
        self.session, self.shared = session, shared
        self.lock = threading.Lock()
        self.seen: set[int] = set()
        self.reading = 0
        self.counting = threading.Lock()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Read a case, once no run is due or active and the champion's scores are published."""
        self.wait()
        try:
            yield
        finally:
            with self.counting:
                self.reading -= 1

    def wait(self) -> None:
        """Wait until a case may be read, and count it among those under way."""
        with self.lock:
            while self._busy():
                time.sleep(POLL_SECONDS)
            with self.counting:
                self.reading += 1

    def _busy(self) -> bool:
        found = self.session.get(f"campaigns/{self.shared.campaign}/learning")
        for point in found["curve"]:
            if point["number"] not in self.seen and point["state"] != "candidate":
                self.seen.add(point["number"])
                self.shared.log("model", **point)
        run = found["run"]
        if run is not None and run["state"] in {"queued", "running", "validating"}:
            return True
        failed = run is not None and run["state"] in {"failed", "cancelled"}
        refresh = found["next_refresh"]
        coming = refresh["new_labels"] + self.reading
        due = refresh["enabled"] and refresh["needed"] <= self.reading and coming > 0
        return bool(found["scoring"] or (due and not failed))


def simulate(
    url: str, logins: list[tuple[str, str]], manager: tuple[str, str], shared: Shared
) -> float:
    """Run all readers to the end; return the seconds it took. Raises what a reader raised."""
    begun = time.monotonic()
    gate = Gate(Session(url, *manager), shared) if shared.wait else None
    threads = [
        threading.Thread(target=reader_loop, args=(url, login, shared, gate), daemon=True)
        for login in logins
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if shared.failures:
        raise shared.failures[0]
    if gate is not None:
        gate.wait()
    return time.monotonic() - begun


def duplicates(events: list[dict[str, Any]], readers_per_task: int) -> int:
    """Count submissions beyond what the campaign asks for, or twice by the same reader."""
    rows = [(row["task"], row["reader"]) for row in events if row["event"] == "submit"]
    per_task = Counter(task for task, _ in rows)
    over = sum(max(0, count - readers_per_task) for count in per_task.values())
    return over + sum(count - 1 for count in Counter(rows).values() if count > 1)
