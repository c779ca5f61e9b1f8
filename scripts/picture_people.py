"""The people and campaigns of the pictures: who looks, and what there is to be looked at."""

import base64
import gzip
import tempfile
import time
import urllib.parse
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page

from reticle.demo.cohort import make_cohort

PASSWORD = "reticle-demo"
SIZES = {
    "laptop": (1280, 800),
    "screen": (1920, 1080),
    "upright": (820, 1180),
    "across": (1180, 820),
    "fourk": (3840, 2160),
}


def wait_for(ready: Callable[[], bool], seconds: float) -> None:
    """Poll; raise TimeoutError when it is still not so."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"still not so after {seconds} s")
        time.sleep(0.5)


class People:
    """A browser context for each person, size, language and colour, logged in once."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url
        self.states: dict[str, Any] = {}

    def context(self, person: str, size: str, language: str, colours: str) -> BrowserContext:
        """Return a fresh context in which this person is logged in."""
        width, height = SIZES[size]
        touch = size in {"upright", "across"}
        return self.browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=touch,
            locale=language,
            color_scheme="dark" if colours == "dark" else "light",
            reduced_motion="reduce",
            storage_state=self.state(person) if person else None,
        )

    def state(self, person: str) -> Any:
        """Return the cookies of a person, logged in when first asked for."""
        if person not in self.states:
            with self.browser.new_context() as context:
                client = context.request
                client.get(f"{self.url}/api/v1/session")
                answer = client.post(
                    f"{self.url}/api/v1/session",
                    data={"username": person, "password": PASSWORD},
                    headers=token(context),
                )
                assert answer.ok, f"{person} cannot log in: {answer.text()}"
                self.states[person] = context.storage_state()
        return self.states[person]

    def ask(self, person: str, method: str, path: str, data: Any = None) -> Any:
        """Ask the API as a person; return what it says."""
        with self.browser.new_context(storage_state=self.state(person)) as context:
            answer = context.request.fetch(
                f"{self.url}/api/v1/{path}", method=method, data=data, headers=token(context)
            )
            assert answer.ok or answer.status == 409, f"{method} {path}: {answer.text()}"
            return answer.json() if answer.status not in {204} else None


def token(context: BrowserContext) -> dict[str, str]:
    """Return the header that proves a request is our own page's."""
    found = {each["name"]: each["value"] for each in context.cookies()}
    return {"X-CSRFToken": found.get("csrftoken", "")}


def set_preferences(page: Page, changes: dict[str, Any]) -> None:
    """Change preferences as the page would."""
    place = urllib.parse.urlsplit(page.url)
    answer = page.context.request.patch(
        f"{place.scheme}://{place.netloc}/api/v1/preferences",
        data=changes, headers=token(page.context),
    )  # fmt: skip
    assert answer.ok, answer.text()


QUESTIONS = [
    {"text": "Is a lesion there?", "kind": "single", "options": ["yes", "no", "cannot tell"]},
    {"text": "Signs", "kind": "multiple", "options": ["oedema", "shift of the midline"]},
    {"text": "Image quality", "kind": "scale", "low": 1, "high": 5},
    {"text": "Remark", "kind": "text", "required": False},
]  # fmt: skip
MEMBERS = {"reader": ["reader"], "reviewer": ["reviewer"], "manager": ["reader", "manager"]}
CLASSES = [{"name": "grey matter"}, {"name": "white matter"}]


def furnish(people: People, files: list[Path]) -> None:
    """Make the campaigns that the demo lacks, each once."""
    made = {each["slug"] for each in people.ask("manager", "GET", "campaigns")}
    wanted: dict[str, dict[str, Any]] = {
        "findings": {"name": "Findings", "kind": "classification", "questions": QUESTIONS},
        "series": {"name": "Whole series", "unit": "series", "classes": CLASSES},
        "reviewed": {
            "name": "Two readers, one review", "readers_per_task": 2, "review": "all",
            "classes": CLASSES,
        },
        "nothing-yet": {"name": "Nothing yet", "kind": "classification", "questions": []},
    }  # fmt: skip
    for slug, fields in wanted.items():
        if slug in made:
            continue
        people.ask("manager", "POST", "campaigns", {"slug": slug, **fields})
        for person, roles in MEMBERS.items():
            member = {"username": person, "roles": roles}
            people.ask("manager", "PUT", f"campaigns/{slug}/members", member)
        if slug != "nothing-yet":
            bring(people, slug, files)
            people.ask("manager", "POST", f"campaigns/{slug}/open")
    if "reviewed" not in made:
        for n in range(3):
            hand_in(people, "reader", "findings", n)
            hand_in(people, "reader", "reviewed", n)
            hand_in(people, "manager", "reviewed", n + 1)


GUIDELINE = """# What to draw

Outline **grey matter**, **white matter** and every **lesion** on the slice at hand.

- Grey matter ends where the folds meet the bone.
- A lesion is darker or brighter than the white matter around it, and has a border.
- Use *ignore* where nobody could tell.

![A slice with all three classes](picture:{number})
"""


def guided(people: People, slug: str) -> None:
    """Write a guideline with a picture from the campaign's own cases."""
    if people.ask("manager", "GET", f"campaigns/{slug}")["settings"]["guideline"]:
        return
    case = people.ask("manager", "GET", f"campaigns/{slug}/tasks")["results"][7]
    with people.browser.new_context(storage_state=people.state("manager")) as context:
        drawn = context.request.get(f"{people.url}{case['image']['thumbnail_url']}").body()
        sent = {"name": "cut.png", "mimeType": "image/png", "buffer": drawn}
        made = context.request.post(
            f"{people.url}/api/v1/campaigns/{slug}/pictures",
            multipart={"file": sent},  # type: ignore[dict-item]
            headers=token(context),
        ).json()
    text = GUIDELINE.replace("{number}", str(made["id"]))
    people.ask("manager", "PATCH", f"campaigns/{slug}", {"guideline": text})


def suggested(people: People, person: str, slug: str, *, begun_too: bool = False) -> None:
    """Give cases back until the one at hand has the model's drawing, as most have.

    `begun_too` keeps a case that a picture was taken of already.
    """
    for _ in range(20):
        case = people.ask(person, "POST", f"campaigns/{slug}/lease", {})
        fresh = case is not None and (begun_too or case["draft"] is None)
        if case is None or (fresh and case["suggestion"] and case["suggestion"]["maps"]):
            return
        given = {"token": case["token"], "reason": "no suggestion to take a picture of"}
        people.ask(person, "POST", f"assignments/{case['id']}/release", given)


def tried(people: People, slug: str) -> None:
    """Cross-validate the labels, compare two recipes, and let a model run beside the champion."""
    runs = people.ask("manager", "GET", f"campaigns/{slug}/runs")
    short = {"kind": "cross", "folds": 3, "epochs": 3, "minimum_steps": 60, "preset": "tiny"}
    if not any(run["kind"] == "cross" for run in runs):
        ran(people, slug, short)
    if not any(run["variants"] for run in runs):
        blurred = {"name": "with blur", "recipe": {"augment": {"blur": 1.2}}}
        recipes = [{"name": "as it is"}, blurred]
        ran(people, slug, {**short, "variants": recipes, "best": True})
    if people.ask("manager", "GET", f"campaigns/{slug}/shadow")["shadow"] is None:
        in_shadow(people, slug)


def in_shadow(people: People, slug: str) -> None:
    """Train a model that passes the gate: begun with the champion, judged against the first one."""
    models: list[dict[str, Any]] = []

    def crowned() -> bool:
        models[:] = people.ask("manager", "GET", f"campaigns/{slug}/models")
        return any(each["state"] == "champion" for each in models)

    wait_for(crowned, 900)
    people.ask("manager", "PATCH", f"campaigns/{slug}", {"training": {"shadow": 1}})
    champion = next(each["id"] for each in models if each["state"] == "champion")
    first = min(each["id"] for each in models)
    run = begun(people, slug, {"start": "champion"})
    wait_for(lambda: people.ask("manager", "GET", f"runs/{run}")["state"] != "queued", 300)
    if champion != first:
        promoted(people, first)
    ends(people, run)
    if champion != first:
        promoted(people, champion)


def promoted(people: People, model: int) -> None:
    """Make a model the champion by hand."""
    reason = "to take a picture of a model in the shadow"
    people.ask("manager", "POST", f"models/{model}/promote", {"reason": reason})


def ran(people: People, slug: str, run: dict[str, Any]) -> None:
    """Ask for a training and wait for its end."""
    ends(people, begun(people, slug, run))


def begun(people: People, slug: str, run: dict[str, Any]) -> int:
    """Ask for a training, once the one that simulated readers brought about is over."""
    found: dict[str, Any] = {}

    def taken() -> bool:
        found.update(people.ask("manager", "POST", f"campaigns/{slug}/runs", run))
        return "id" in found

    wait_for(taken, 900)
    return int(found["id"])


def ends(people: People, run: int) -> None:
    """Wait for the end of a training."""

    def ended() -> bool:
        state = people.ask("manager", "GET", f"runs/{run}")["state"]
        return state in {"succeeded", "failed", "cancelled"}

    wait_for(ended, 900)


def unlooked(people: People, slug: str) -> None:
    """Have a case wait for review on which one class was not looked at."""
    waiting = people.ask("reviewer", "GET", f"campaigns/{slug}/reviews")
    if not any(item["unseen"] for item in waiting):
        for person in ("reader", "manager"):
            hand_in(people, person, slug, 1, unseen=[2])


def hand_in(people: People, person: str, slug: str, shift: int, unseen: Sequence[int] = ()) -> None:
    """Read the next case as a person would, with a plain drawing or plain answers."""
    case = people.ask(person, "POST", f"campaigns/{slug}/lease", {})
    rows, columns = case["image"]["rows"], case["image"]["columns"]
    drawn = np.zeros((rows, columns), np.uint8)
    answers: dict[str, Any] = {}
    if slug == "findings":
        answers = {"is-a-lesion-there": ("yes", "no")[shift % 2], "signs": ["oedema"]}
        answers["image-quality"] = 3 + shift % 3
    else:
        y, x = np.ogrid[:rows, :columns]
        middle = (rows * 0.45, columns * 0.5 + 3 * shift)
        drawn[(y - middle[0]) ** 2 + (x - middle[1]) ** 2 < (rows * 0.2) ** 2] = 1
        if 2 not in unseen:
            drawn[(y - middle[0]) ** 2 + (x - middle[1]) ** 2 < (rows * 0.1) ** 2] = 2
    work = {
        "token": case["token"], "key": str(uuid.uuid4()), "seconds": 20 + 7 * shift,
        "mask": base64.b64encode(gzip.compress(drawn.tobytes())).decode(), "findings": answers,
        "unseen": list(unseen),
    }  # fmt: skip
    people.ask(person, "POST", f"assignments/{case['id']}/submit", work)


def demo_volumes() -> list[Path]:
    """Draw two patients whom the demo does not have."""
    folder = Path(tempfile.mkdtemp(prefix="reticle-volumes-"))
    made = make_cohort(folder, patients=2, slices=12, size=160, seed=3)
    return [each.image for each in made]


def bring(people: People, slug: str, files: list[Path]) -> None:
    """Import files and wait until they are there."""
    with people.browser.new_context(storage_state=people.state("manager")) as context:
        for path in files:
            sent = {"name": path.name, "mimeType": "application/gzip", "buffer": path.read_bytes()}
            answer = context.request.post(
                f"{people.url}/api/v1/campaigns/{slug}/imports",
                multipart={"files": sent},  # type: ignore[dict-item]
                headers=token(context),
            )
            assert answer.ok, answer.text()
    wait_for(lambda: people.ask("manager", "GET", f"campaigns/{slug}")["counts"]["total"] > 0, 120)
