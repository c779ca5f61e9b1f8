"""How quick is the labelling surface? Strokes, windows, first and next image, saves, bytes, heap.

    make test                                  # once: installs, builds, finds a browser
    .venv/bin/python benchmarks/surface.py     # about twenty minutes; writes benchmarks/surface.md

A real Chromium reads generated images (512, 1024 and 2048 px; 8 and 16 bit) from an installation
as `make up` starts it, on the built bundle, once with WebGL and once without. The mouse is the
browser's own. Times come from `surface_probe.js`, which stands in front of the browser's
functions; the product has no hooks for it. Nothing else should run on the machine.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, Request, sync_playwright

BASE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BASE), str(BASE / "platform"), str(BASE / "tests"), str(BASE / "scripts")]

from find_browser import find  # noqa: E402
from installation import Installation  # noqa: E402
from reading_page import shown, stroke  # noqa: E402

PROBE = BASE / "benchmarks" / "surface_probe.js"
FILL = BASE / "benchmarks" / "surface_fill.py"
ROUTES = BASE / "benchmarks" / "surface_routes.mjs"
FLAGS = (
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
MODES = {
    "with WebGL": ("--enable-unsafe-swiftshader",),
    "without WebGL": ("--disable-gpu", "--disable-3d-apis"),
}
SIZES, DEPTHS = (512, 1024, 2048), (8, 16)
WIDER = 9  # presses of the key for a wider brush: a radius of 30 px
WIDEST = 20  # presses that reach the widest brush: a radius of 128 px
FIRST = 2  # first images a repetition: each is one number
Numbers = list[float]


@dataclass(frozen=True)
class Goal:
    """A number that a figure must stay under, and which figure: p50 or p95."""

    under: float
    of: str = "p95"
    sizes: tuple[int, ...] = SIZES


# By name: the unit, and the goals. A frame is late from half a frame (of 60 a second) on.
GOALS: dict[str, tuple[Goal, ...]] = {
    "brush, handler of a move (30 px)": (Goal(2),),
    "brush, handler of a move (128 px)": (Goal(2),),
    "brush, script of a frame (30 px)": (),
    "brush, frame to frame (30 px)": (Goal(17, "p50"), Goal(25)),
    "window/level, script of a frame": (),
    "window/level, frame to frame": (),
    "floor: putImageData alone, script of a frame": (),
    "floor: putImageData alone, frame to frame": (),
    "first image after its bytes": (Goal(100, sizes=(512,)),),
    "next image after Enter (prefetched)": (Goal(150),),
    "50 strokes": (),
    "a save: pack, send, acknowledged": (),
    "50 strokes and a save": (Goal(1000),),
}


@dataclass
class Results:
    """Milliseconds by (mode, size, bits) and name, one list a repetition."""

    times: dict[tuple[str, int, int], dict[str, list[Numbers]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    bytes: list[tuple[str, int]] = field(default_factory=list)
    heap: list[tuple[int, int, int]] = field(default_factory=list)


class Desk:
    """A reader's page on one campaign."""

    def __init__(self, page: Page, url: str, size: int, bits: int) -> None:
        self.page, self.size = page, size
        self.address = f"{url}/campaigns/s{size}-{bits}/read"
        self.case: dict[str, Any] = {}

    def open(self) -> None:
        self.page.goto(self.address)
        self.case = shown(self.page)
        self.page.wait_for_function("() => window.__probe.shown.length > 0").dispose()

    def fetched(self, count: int) -> None:
        """Wait until the pixels of so many cases have come, and the page has rested since."""
        self.page.wait_for_function(
            """(count) => {
              const found = performance.getEntriesByType("resource")
                .filter((each) => each.name.endsWith("/pixels") && each.responseEnd > 0);
              return found.length >= count && performance.now() - found.at(-1).responseEnd > 700;
            }""",
            arg=count,
        ).dispose()

    def start(self) -> None:
        self.page.evaluate("() => window.__probe.start()")

    def stop(self) -> dict[str, Numbers]:
        return dict(self.page.evaluate("() => window.__probe.stop()"))

    def widen(self, presses: int) -> None:
        self.page.keyboard.press("b")
        for _ in range(presses):
            self.page.keyboard.press("]")

    def following(self) -> None:
        """Hand the case in and wait for the next one."""
        before = self.case["id"]
        self.page.wait_for_function("() => window.__reticle.seen()").dispose()
        self.page.keyboard.press("Enter")
        self.page.wait_for_function(
            "(id) => (window.__reticle?.assignment()?.id ?? id) !== id", arg=before
        ).dispose()
        self.case = dict(self.page.evaluate("() => window.__reticle.assignment()"))


def circle(size: int, turn: float) -> list[tuple[float, float]]:
    """One stroke of a steady hand: a circle over a third of the image, in ten points."""
    middle, radius = size / 2, size * (0.2 + 0.02 * turn)
    angles = np.linspace(0, 2 * math.pi, 10) + turn
    return [(middle + radius * math.cos(a), middle + radius * math.sin(a)) for a in angles]


def ragged(size: int, seed: int) -> list[tuple[float, float]]:
    """An outline as a trembling hand draws it: its edge jumps by up to 0.3 % of the image."""
    rng = np.random.default_rng(seed)
    column, row = seed % 3, seed // 3
    angles = np.linspace(0, 2 * math.pi, 900, endpoint=False)
    wave = 1 + 0.15 * np.sin(3 * angles + seed) + 0.1 * np.sin(7 * angles)
    radius = 0.13 * size * wave + rng.uniform(-0.003, 0.003, 900) * size
    x = size * (0.2 + 0.3 * column) + radius * np.cos(angles)
    y = size * (0.3 + 0.4 * row) + radius * np.sin(angles)
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]


# --- what is measured ---------------------------------------------------------------------------


def first_image(desk: Desk) -> float:
    """Load the page; ms from the last byte of the pixels to the frame after the painted one."""
    desk.open()
    return float(
        desk.page.evaluate(
            """() => {
              const [first] = performance.getEntriesByType("resource")
                .filter((each) => each.name.endsWith("/pixels"));
              return window.__probe.shown.find((at) => at > first.responseEnd) - first.responseEnd;
            }"""
        )
    )


def brushing(desk: Desk, presses: int, seed: int) -> dict[str, Numbers]:
    desk.widen(presses)
    desk.page.keyboard.press(str(1 + seed % 3))
    desk.start()
    stroke(desk.page, *circle(desk.size, seed))
    return desk.stop()


def windowing(desk: Desk) -> dict[str, Numbers]:
    spot = desk.page.evaluate("(at) => window.__reticle.imageToClient(at, at)", desk.size / 2)
    desk.page.mouse.move(spot["x"], spot["y"])
    desk.page.mouse.down(button="right")
    desk.start()
    for step in range(80):
        turn = 2 * math.pi * step / 80
        desk.page.mouse.move(spot["x"] + 60 * math.sin(turn), spot["y"] + 40 * math.cos(turn))
    found = desk.stop()
    desk.page.mouse.up(button="right")
    return found


def next_image(desk: Desk) -> float:
    """Hand in; ms from the key to the frame after the one that painted the next image."""
    desk.page.evaluate("() => { window.__probe.shown = []; window.__probe.entered = []; }")
    desk.following()
    desk.page.wait_for_function("() => window.__probe.shown.length > 0").dispose()
    return float(desk.page.evaluate("() => window.__probe.shown[0] - window.__probe.entered[0]"))


def fifty(desk: Desk, seed: int) -> tuple[float, float]:
    """Draw fifty strokes of twenty points; return ms of the drawing and of the save behind it."""
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0.15, 0.85, (50, 1, 2)) * desk.size
    walks = starts + np.cumsum(rng.normal(0, 0.01 * desk.size, (50, 20, 2)), axis=1)
    strokes = np.clip(walks, 0, desk.size).tolist()
    desk.page.keyboard.press(str(1 + seed % 3))
    desk.page.evaluate("() => { window.__probe.packed = []; performance.clearResourceTimings(); }")
    drawing = float(desk.page.evaluate("(strokes) => window.__probe.draw(strokes)", strokes))
    save = desk.page.wait_for_function(
        """() => {
          const sent = performance.getEntriesByType("resource")
            .filter((each) => each.name.endsWith("/draft") && each.responseEnd > 0);
          const save = document.querySelector("[data-save]")?.dataset.save;
          return save === "saved" && sent.length > 0
            && sent.at(-1).responseEnd - window.__probe.packed.at(-1);
        }"""
    )
    took = float(save.json_value())
    save.dispose()
    return drawing, took


def one_size(desk: Desk, into: dict[str, list[Numbers]], repetitions: int, submits: int) -> None:
    """Everything that is timed, on one campaign."""
    for _ in range(repetitions):
        loads = [first_image(desk) for _ in range(FIRST)]
        into["first image after its bytes"].append(loads)
    for number in range(repetitions):
        desk.open()
        found = brushing(desk, WIDER, number)
        into["brush, handler of a move (30 px)"].append(found["moves"])
        into["brush, script of a frame (30 px)"].append(found["scripts"])
        into["brush, frame to frame (30 px)"].append(found["intervals"])
        found = windowing(desk)
        into["window/level, script of a frame"].append(found["scripts"])
        into["window/level, frame to frame"].append(found["intervals"])
        drawing, save = fifty(desk, number)
        into["50 strokes"].append([drawing])
        into["a save: pack, send, acknowledged"].append([save])
        into["50 strokes and a save"].append([drawing + save])
        found = brushing(desk, WIDEST, number)
        into["brush, handler of a move (128 px)"].append(found["moves"])
        floor = desk.page.evaluate("(size) => window.__probe.floor(size, 60)", desk.size)
        into["floor: putImageData alone, script of a frame"].append(floor["scripts"])
        into["floor: putImageData alone, frame to frame"].append(floor["intervals"])
    desk.open()
    for number in range(submits):
        desk.fetched(number + 2)
        stroke(desk.page, *circle(desk.size, number)[:4])
        into["next image after Enter (prefetched)"].append([next_image(desk)])


def wire(desk: Desk, results: Results) -> None:
    """Bytes of requests, with their headers: a ragged mask as draft, one more stroke, submit."""
    sent: list[Request] = []

    def keep(request: Request) -> None:
        if request.url.endswith(("/draft", "/submit")):
            sent.append(request)

    def after(count: int, name: str) -> None:
        desk.page.wait_for_function(
            "(count) => performance.getEntriesByType('resource')"
            ".filter((each) => /[/](draft|submit)$/.test(each.name)).length >= count",
            arg=count,
        ).dispose()
        desk.page.locator("[data-save=saved], [data-save=clean]").wait_for()
        sizes = [each.sizes() for each in sent[count - 1 :]]
        total = max(each["requestBodySize"] + each["requestHeadersSize"] for each in sizes)
        results.bytes.append((f"{name}, {desk.size} px", total))

    desk.page.on("requestfinished", keep)
    desk.open()
    desk.page.keyboard.press("f")
    outlines = [ragged(desk.size, seed) for seed in range(6)]
    desk.page.evaluate(
        "([outlines, keys]) => window.__probe.draw(outlines, keys)", [outlines, list("123123")]
    )
    after(1, "ragged mask, first draft (whole)")
    before = len(sent)
    desk.widen(WIDER)
    stroke(desk.page, *circle(desk.size, 1)[:5])
    after(before + 1, "one more stroke on it, draft (what changed)")
    before = len(sent)
    desk.following()
    after(before + 1, "ragged mask, submit (what changed since the draft)")


def heap(desk: Desk, results: Results, cases: int) -> None:
    """Read cases one after the other; used heap and buffers after collections in between."""
    devtools = desk.page.context.new_cdp_session(desk.page)
    desk.page.goto(desk.address)
    desk.case = shown(desk.page)
    warm, every = 40, max(1, cases // 5)
    for number in range(warm + cases + 1):
        if number >= warm and (number - warm) % every == 0:
            for _ in range(3):
                devtools.send("HeapProfiler.collectGarbage")
            used = devtools.send("Runtime.getHeapUsage")
            buffers = int(used.get("backingStorageSize", 0))
            results.heap.append((number - warm, int(used["usedSize"]), buffers))
        stroke(desk.page, *circle(desk.size, number % 5)[:3])
        desk.following()


# --- browsers -----------------------------------------------------------------------------------


@contextmanager
def desk_of(browser: Browser, state: Any, url: str, size: int, bits: int,
            *, probe: bool = True) -> Iterator[Desk]:  # fmt: skip
    context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=state)
    context.set_default_timeout(60_000)
    if probe:
        context.add_init_script(path=PROBE)
    yield Desk(context.new_page(), url, size, bits)
    context.close()


def logged_in(browser: Browser, url: str) -> Any:
    """Log the demo reader in; return the cookies."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    page.get_by_label("User name").fill("reader")
    page.get_by_label("Password", exact=True).fill("reticle-demo")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Campaigns").wait_for()
    state = context.storage_state()
    context.close()
    return state


def has_webgl(browser: Browser) -> bool:
    page = browser.new_page()
    code = "() => document.createElement('canvas').getContext('webgl2') !== null"
    found = bool(page.evaluate(code))
    page.close()
    return found


def measure(installation: Installation, args: argparse.Namespace) -> Results:
    results = Results()
    chromium = find()
    assert chromium is not None, "no Chromium: make test finds or fetches one"
    with sync_playwright() as playwright:
        for mode, flags in MODES.items():
            browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *flags])
            assert has_webgl(browser) == (mode == "with WebGL"), mode
            state = logged_in(browser, installation.url)
            for size in SIZES:
                for bits in DEPTHS:
                    print(f"{mode}, {size} px, {bits} bit", flush=True)
                    into = results.times[mode, size, bits]
                    with desk_of(browser, state, installation.url, size, bits) as desk:
                        one_size(desk, into, args.repetitions, args.submits)
            if mode == "without WebGL":
                with desk_of(browser, state, installation.url, 2048, 8) as desk:
                    wire(desk, results)
                print("heap", flush=True)
                with desk_of(browser, state, installation.url, 512, 8, probe=False) as desk:
                    heap(desk, results, args.cases)
            browser.close()
    return results


def routes() -> list[dict[str, Any]]:
    """Return the JavaScript of each route, by a build like the shipped one."""
    built = subprocess.run(
        ["node", "--input-type=module", "-"], input=ROUTES.read_text(), cwd=BASE / "frontend",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(built.stdout))


# --- the table ----------------------------------------------------------------------------------


def summary(repetitions: Sequence[Numbers]) -> dict[str, float]:
    """p50 and p95 over everything, and the spread: the least and the most of a repetition."""
    values = [value for repetition in repetitions for value in repetition]
    by = [float(np.percentile(repetition, 95)) for repetition in repetitions]
    p50, p95 = (float(np.percentile(values, p)) for p in (50, 95))
    return {"p50": p50, "p95": p95, "low": min(by), "high": max(by), "count": len(values)}


def verdict(name: str, size: int, found: dict[str, float]) -> tuple[str, str]:
    goals = [goal for goal in GOALS[name] if size in goal.sizes]
    if not goals:
        return "-", "-"
    said = " and ".join(f"{goal.of} < {goal.under:g}" for goal in goals)
    met = all(found[goal.of] < goal.under for goal in goals)
    return said, "met" if met else "**not met**"


def time_rows(results: Results) -> Iterator[str]:
    for name in GOALS:
        for (mode, size, bits), times in results.times.items():
            found = summary(times[name])
            goal, met = verdict(name, size, found)
            yield (
                f"| {name} | {size} | {bits} | {mode} | {found['p50']:.1f} | {found['p95']:.1f} "
                f"| {found['low']:.1f} to {found['high']:.1f} | {found['count']:.0f} | {goal} "
                f"| {met} |"
            )


def met(holds: bool) -> str:
    return "met" if holds else "**not met**"


def heap_rows(results: Results) -> Iterator[str]:
    cases = np.array([row[0] for row in results.heap], float)
    for name, column in (("JavaScript heap", 1), ("buffers", 2)):
        values = np.array([row[column] for row in results.heap]) / 2**20
        slope = float(np.polyfit(cases, values, 1)[0]) * 200
        yield (
            f"| {name}, 512 px, growth over 200 cases | {slope:+.2f} MiB "
            f"({', '.join(f'{value:.1f}' for value in values)}) | under 1 MiB | {met(slope < 1)} |"
        )


def other_rows(results: Results, scripts: list[dict[str, Any]]) -> Iterator[str]:
    for name, count in results.bytes:
        yield f"| {name} | {count / 1024:.1f} KiB | at most 15 KiB | {met(count <= 15 * 1024)} |"
    yield from heap_rows(results)
    for route in scripts:
        own, total = route["own"] / 1024, route["total"] / 1024
        goal = ("under 150 KiB", met(own < 150)) if route["name"] == "workstation" else ("-", "-")
        yield (
            f"| JavaScript of the {route['name']} route beyond the UI kit, gzipped "
            f"| {own:.0f} KiB (with the kit {total:.0f} KiB) | {goal[0]} | {goal[1]} |"
        )


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(results: Results, scripts: list[dict[str, Any]], args: argparse.Namespace,
          load: tuple[str, str]) -> str:  # fmt: skip
    head = [
        "# The labelling surface",
        "",
        f"{processor()}, {os.cpu_count()} cores, no GPU, headless Chromium, software rendering; "
        f"{args.repetitions} repetitions ({args.submits} submits). Load average (1 min) "
        f"{load[0]} before and {load[1]} after the run, which is itself part of the latter. "
        "Made by `benchmarks/surface.py`.",
        "",
        "Times in ms. The spread is that of p95 over the repetitions. A move of the mouse is "
        "delivered once a frame; 60 frames a second are 16.7 ms from frame to frame, and a goal "
        "for p95 of 25 ms says that fewer than one frame in twenty came late. First and next "
        "image are counted to the start of the frame after the one that painted. The floor "
        "paints a canvas of the image's size from memory and does nothing else; a "
        "window/level frame cannot be quicker.",
        "",
        "| what | px | bit | browser | p50 | p95 | spread | values | goal | |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *time_rows(results),
        "",
        "| what | figure | goal | |",
        "|---|---|---|---|",
        *other_rows(results, scripts),
        "",
        "Bytes on the wire count a request's body and headers. The ragged mask is six outlines in "
        "three classes over a third of the image, drawn by a trembling hand (900 points each, "
        "jumping by up to 0.3 % of the image). Heap and buffers are taken after three "
        "collections, every fifth of the run, from the fortieth case on.",
    ]
    return "\n".join(head) + "\n"


def load_average() -> str:
    return f"{os.getloadavg()[0]:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--submits", type=int, default=10)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--out", type=Path, default=BASE / "benchmarks" / "surface.md")
    args = parser.parse_args()
    before = load_average()
    installation = Installation(Path(tempfile.mkdtemp(prefix="reticle-surface-")))
    needed = len(MODES) * (args.submits + 2) + 4
    campaigns = [
        (size, bits, needed + (args.cases + 45 if (size, bits) == (512, 8) else 0))
        for size in SIZES
        for bits in DEPTHS
    ]
    try:
        installation.start_with(FILL, campaigns)
        results = measure(installation, args)
    finally:
        installation.stop()
    text = table(results, routes(), args, (before, load_average()))
    print(text)
    args.out.write_text(text)


if __name__ == "__main__":
    main()
