"""Take a picture of every state of the pages: sizes, languages, light and dark.

    .venv/bin/python scripts/pictures.py FOLDER [--url URL] [--only WORDS] [--sizes ...]

Without `--url` it makes a demo installation of its own in a temporary folder, lets two simulated
readers make a first model (some minutes), and takes it down again. The front end must be built
(`make build`). Pictures are to be looked at: nothing here says whether they are right.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from find_browser import find
from picture_people import (
    PASSWORD,
    SIZES,
    People,
    demo_volumes,
    furnish,
    guided,
    set_preferences,
    suggested,
    tried,
    unlooked,
    wait_for,
)
from picture_shots import CASE, READ, READY_SECONDS, Shot, shots
from reticle.config.embedded import free_port
from reticle.simulation.client import Refused, Session

BASE = Path(__file__).resolve().parents[1]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-unsafe-swiftshader",
]  # fmt: skip
LANGUAGES = ("en", "zh-CN")
START_SECONDS = 300


@contextmanager
def installation() -> Iterator[str]:
    """Start a demo in a folder of its own, with a first model; yield its address."""
    folder = Path(tempfile.mkdtemp(prefix="reticle-pictures-"))
    port = free_port()
    environment = {**os.environ, "RETICLE_DATA": str(folder)}
    command = [sys.executable, str(BASE / "manage.py")]
    demo = subprocess.Popen(
        [*command, "up", "--port", str(port), "--demo", "--simulate", "2"], env=environment
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(url), START_SECONDS)
        wait_for(lambda: furnished(url), START_SECONDS)
        yield url
    finally:
        demo.terminate()
        demo.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def answers(url: str) -> bool:
    """Tell whether the server is there."""
    with suppress(OSError):
        return bool(urllib.request.urlopen(f"{url}/api/v1/health", timeout=2).status == 200)
    return False


def furnished(url: str) -> bool:
    """Tell whether the demo has its campaigns: the last one is of DICOM."""
    with suppress(Refused):
        rows = Session(url, "manager", PASSWORD).call("GET", "campaigns").json()
        return any(row["slug"] == "dicom-samples" for row in rows)
    return False


def take(people: People, shot: Shot, size: str, language: str, folder: Path) -> None:
    """Take one picture, or say on standard error why there is none."""
    person = shot.person
    with people.context(person, size, language, shot.colours) as context:
        page = context.new_page()
        page.set_default_timeout(READY_SECONDS)
        try:
            if person:
                page.goto(f"{people.url}/api/v1/health")
                set_preferences(
                    page,
                    {"hand": "right", "scheme": "auto", "language": language, "tour_seen": True},
                )
            page.goto(f"{people.url}/{shot.address}")
            page.wait_for_load_state("networkidle")
            if shot.work:
                page.wait_for_function(CASE)
            shot.act(page)
            page.wait_for_timeout(400)
            place = folder / f"{size}-{language}"
            place.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=place / f"{shot.name}.png")
            if shot.work:
                put_back(page)
        except Exception as error:  # one picture that fails must not cost the others
            print(f"{size} {language} {shot.name}: {error}".split("\n")[0], file=sys.stderr)


def put_back(page: Page) -> None:
    """Take the strokes of a picture back, so that the next one shows the case as it was."""
    page.keyboard.press("Escape")
    for _ in range(3):
        page.keyboard.press("Control+z")


def main() -> None:
    """Take all pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--only", nargs="*", help="parts of the names of pictures")
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument("--languages", nargs="*", choices=LANGUAGES, default=list(LANGUAGES))
    parser.add_argument("--volume", nargs="*", type=Path, default=[], help="files to import")
    asked = parser.parse_args()
    chromium = find()
    assert chromium is not None, "no Chromium (make browser)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with nullcontext(asked.url) if asked.url else installation() as url:
            people = People(browser, url)
            furnish(people, asked.volume or demo_volumes())
            suggested(people, "reader", "brain-mri")
            guided(people, "brain-mri")
            tried(people, "brain-mri")
            unlooked(people, "reviewed")
            for shot in shots():
                if asked.only and not any(part in shot.name for part in asked.only):
                    continue
                for size in asked.sizes:
                    for language in asked.languages:
                        if shot.address == READ:  # its lease may have run out meanwhile
                            suggested(people, "reader", "brain-mri", begun_too=True)
                        take(people, shot, size, language, asked.folder)
        browser.close()


if __name__ == "__main__":
    main()
