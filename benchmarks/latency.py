"""Do readers feel a training run? p95 of next and submit, idle against training.

    make test                                  # once: installs and builds
    .venv/bin/python benchmarks/latency.py     # about twelve minutes; writes benchmarks/latency.md

Ten alternating blocks (idle, training, idle ...) in one run, on one installation as `make up`
starts it. Readers work over HTTP with think time; in a training block a real run is started
through the API and cancelled at the block's end. The ratio of p95s comes with a 95 % interval,
by bootstrap over blocks.
"""

import argparse
import base64
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

BASE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BASE), str(BASE / "platform"), str(BASE / "tests")]

from installation import Installation  # noqa: E402
from reticle.config.supervisor import reader_cores  # noqa: E402
from reticle.pixels.mask import pack  # noqa: E402
from reticle.simulation.client import Refused, Session  # noqa: E402

TRAINING = {
    "enabled": 0, "preset": "cpu", "epochs": 500, "minimum_steps": 100_000, "minimum_total": 8,
    "minimum_new": 8, "minimum_held_out": 2, "cooldown_seconds": 0,
}  # fmt: skip
SETTLE_SECONDS = 6.0
WARM_SECONDS = 30.0  # every thread of the server has connected and planned its statements


@dataclass
class Block:
    """The latencies of one block, in ms."""

    training: bool
    next: list[float] = field(default_factory=list)
    submit: list[float] = field(default_factory=list)


class Load:
    """Readers at work in the background; `block` says where their latencies go."""

    def __init__(self, url: str, readers: list[tuple[str, str]], think: float) -> None:
        self.block: Block | None = None
        self.stopping = False
        self.failures: list[BaseException] = []
        self.threads = [
            threading.Thread(target=self._work, args=(url, login, think, number), daemon=True)
            for number, login in enumerate(readers)
        ]

    def _work(self, url: str, login: tuple[str, str], think: float, number: int) -> None:
        try:
            session = Session(url, *login)
            rng = np.random.default_rng(number)  # each at a pace of their own, not in step
            while not self.stopping:
                block = self.block
                leased = session.call("POST", "campaigns/brain-mri/lease", json={})
                assert leased.status_code == 200, "no case is left: give it more patients"
                case = leased.json()
                rows, columns = case["image"]["rows"], case["image"]["columns"]
                mask = np.zeros((rows, columns), np.uint8)
                mask[10:40, 10:40] = rng.integers(0, 3, (30, 30))
                time.sleep(think * rng.uniform(0.5, 1.5))
                body = {
                    "token": case["token"],
                    "key": str(uuid.uuid4()),
                    "mask": base64.b64encode(pack(mask)).decode(),
                    "seconds": 1.0,
                }
                done = session.call("POST", f"assignments/{case['id']}/submit", json=body)
                if block is not None and block is self.block:
                    # From the request's first byte sent to the answer's last byte received.
                    block.next.append(1000 * leased.elapsed.total_seconds())
                    block.submit.append(1000 * done.elapsed.total_seconds())
        except BaseException as error:
            self.failures.append(error)


def p95(values: list[float]) -> float:
    return float(np.percentile(values, 95))


def ratio_interval(blocks: list[Block], name: str) -> tuple[float, float, float]:
    """Return ratio of p95s training / idle with its 95 % interval, by bootstrap over blocks."""
    rng = np.random.default_rng(0)
    groups = [[getattr(b, name) for b in blocks if b.training is on] for on in (True, False)]

    def ratio(chosen: list[list[list[float]]]) -> float:
        busy, idle = (p95([v for block in group for v in block]) for group in chosen)
        return busy / idle

    draws = []
    for _ in range(2000):
        picked = [[group[i] for i in rng.integers(0, len(group), len(group))] for group in groups]
        draws.append(ratio(picked))
    low, high = np.quantile(draws, [0.025, 0.975])
    return ratio(groups), float(low), float(high)


def table(blocks: list[Block], readers: int, think: float) -> str:
    lines = [
        "# Latency of next and submit, idle against training",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{readers} readers, {think} s mean think time; {len(blocks)} alternating blocks. "
        "Made by `benchmarks/latency.py`. Times in ms, HTTP round trip on loopback; the clients "
        "keep off the cores of training.",
        "",
        "| call | state | calls | p50 | p95 | p95 by block |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("next", "submit"):
        for on, state in ((False, "idle"), (True, "training")):
            chosen = [getattr(b, name) for b in blocks if b.training is on]
            values = [value for block in chosen for value in block]
            by_block = ", ".join(f"{p95(block):.0f}" for block in chosen)
            lines.append(
                f"| {name} | {state} | {len(values)} | {statistics.median(values):.1f} | "
                f"{p95(values):.1f} | {by_block} |"
            )
    lines.append("")
    for name in ("next", "submit"):
        middle, low, high = ratio_interval(blocks, name)
        lines.append(
            f"- {name}: p95 while training is {middle:.2f} times the idle p95 "
            f"(95 % interval over blocks {low:.2f} to {high:.2f}; goal: at most 1.5)"
        )
    return "\n".join(lines) + "\n"


def measure(
    installation: Installation, load: Load, manager: Session, args: argparse.Namespace
) -> list[Block]:
    blocks = []
    for number in range(args.blocks):
        training = number % 2 == 1
        run = None
        if training:
            run = manager.call("POST", "campaigns/brain-mri/runs").json()
            installation.wait_until(lambda: bool(installation.training_children()), 60)
        else:
            installation.wait_until(lambda: not installation.training_children(), 60)
        time.sleep(SETTLE_SECONDS)
        load.block = Block(training)
        time.sleep(args.seconds)
        blocks.append(load.block)
        load.block = None
        if run is not None:
            assert installation.training_children(), "the run ended before its block did"
            manager.call("POST", f"runs/{run['id']}/cancel")
        if load.failures:
            raise load.failures[0]
        print(f"block {number + 1}: {'training' if training else 'idle'}, "
              f"{len(blocks[-1].next)} cases, p95 {p95(blocks[-1].next):.1f} and "
              f"{p95(blocks[-1].submit):.1f} ms", flush=True)  # fmt: skip
    return blocks


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--think", type=float, default=5.0)
    parser.add_argument("--patients", type=int, default=130)
    parser.add_argument("--out", type=Path, default=BASE / "benchmarks" / "latency.md")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reticle-latency-"))
    installation = Installation(folder, TICK_SECONDS="2")
    try:
        installation.start(patients=args.patients, slices=30, size=64, training=TRAINING)
        installation.manage(
            "simulate", "--campaign=brain-mri", f"--readers={args.readers}", "--budget=40",
            "--no-wait", f"--url={installation.url}", f"--json={folder / 'warm-up.jsonl'}",
        )  # fmt: skip
        installation.run(str(BASE / "benchmarks" / "passwords.py"), str(args.readers))
        logins = [(f"sim-reader-{n + 1}", "benchmark-only") for n in range(args.readers)]
        manager = Session(installation.url, "manager", "reticle-demo")
        # A browser runs on another machine: what it waits for must not be this one's trainer.
        os.sched_setaffinity(0, reader_cores())
        load = Load(installation.url, logins, args.think)
        for thread in load.threads:
            thread.start()
        time.sleep(WARM_SECONDS)
        blocks = measure(installation, load, manager, args)
        load.stopping = True
        for thread in load.threads:
            thread.join()
    finally:
        installation.stop()
    text = table(blocks, args.readers, args.think)
    print(text)
    args.out.write_text(text)


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        sys.exit(f"the server refused: {refused}")
