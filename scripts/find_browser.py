"""Make sure a Chromium is there for the browser tests: PATH, Playwright's own, Debian's.

One that does not start, for want of its libraries say, counts as none.
"""

import os
import shutil
import subprocess
import sys

TRY_SECONDS = 30
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def starts(browser: str) -> bool:
    """Tell whether a browser is there and starts, by asking it for its version."""
    try:
        asked = subprocess.run(
            [browser, "--version"], check=False, capture_output=True, timeout=TRY_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def playwright_chromium() -> str:
    """Return where Playwright's own Chromium is, if it has been downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def find() -> str | None:
    """Return a Chromium that starts, or None."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None and starts(found):
            return found
    own = playwright_chromium()
    return own if starts(own) else None


def fetch() -> None:
    """Let Playwright download its Chromium; else install Debian's when we may."""
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if find() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-q", "chromium"], check=False)


def main() -> int:
    """Find or fetch; in CI (RETICLE_REQUIRE_BROWSER) a missing browser is an error."""
    found = find()
    if found is None:
        print("No Chromium that starts: fetching one for the browser tests ...", flush=True)
        fetch()
        found = find()
    if found is not None:
        print(f"Browser tests use {found}")
        return 0
    print("No Chromium can be had here: the browser tests will be skipped.")
    return 1 if os.environ.get("RETICLE_REQUIRE_BROWSER") else 0


if __name__ == "__main__":
    sys.exit(main())
