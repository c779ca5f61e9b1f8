"""Make sure a Chromium is there for the browser tests: PATH, Playwright's own, Debian's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def playwright_chromium() -> Path | None:
    """Return Playwright's own Chromium when it has been downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None


def find() -> str | None:
    """Return a Chromium to drive, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    found_own = playwright_chromium()
    return str(found_own) if found_own else None


def fetch() -> None:
    """Let Playwright download its Chromium; else install Debian's when we may."""
    fetched = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], check=False
    )
    if fetched.returncode and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-q", "chromium"], check=False)


def main() -> int:
    """Find or fetch; in CI (RETICLE_REQUIRE_BROWSER) a missing browser is an error."""
    found = find()
    if found is None:
        print("No Chromium on the PATH: fetching one for the browser tests ...", flush=True)
        fetch()
        found = find()
    if found is not None:
        print(f"Browser tests use {found}")
        return 0
    print("No Chromium can be had here: the browser tests will be skipped.")
    return 1 if os.environ.get("RETICLE_REQUIRE_BROWSER") else 0


if __name__ == "__main__":
    sys.exit(main())
