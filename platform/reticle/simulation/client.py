"""A reader's session over the REST API: what a browser sends, and nothing else.

Every call is repeated while the server is away; a submission keeps its key across repeats, so
that it happens once however often it is sent.
"""

import base64
import time
import uuid
from typing import Any

import httpx
import numpy as np

from reticle.pixels.mask import Mask, pack

PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.25


class Refused(Exception):
    """The server said no (4xx), with its code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code = status, code


class Session:
    """One logged-in person. `retries` counts the calls that had to be repeated."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1/", timeout=30.0)
        self._credentials = {"username": username, "password": password}
        self.retries = 0
        self.login()

    def login(self) -> None:
        """Open a session. Raises Refused."""
        self.call("GET", "session")
        self.call("POST", "session", json=self._credentials)

    def close(self) -> None:
        """Close the connections; the session on the server stays."""
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request, repeating it while the server is away. Raises Refused."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            headers = {"X-CSRFToken": self._http.cookies.get("csrftoken") or ""}
            try:
                answer = self._http.request(method, path, headers=headers, **options)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            else:
                if answer.status_code < 400:
                    return answer
                if answer.status_code < 500:
                    body = answer.json()
                    raise Refused(answer.status_code, body["code"], body["message"])
                if time.monotonic() > deadline:
                    answer.raise_for_status()
            self.retries += 1
            time.sleep(PAUSE_SECONDS)

    def get(self, path: str) -> Any:
        """Return the JSON at an address."""
        return self.call("GET", path).json()

    def lease(self, campaign: str) -> dict[str, Any] | None:
        """Return the next case, or None when nothing is left."""
        answer = self.call("POST", f"campaigns/{campaign}/lease", json={"slot": "current"})
        return None if answer.status_code == 204 else dict(answer.json())

    def mask(self, address: str, rows: int, columns: int) -> Mask:
        """Fetch a mask (rows, columns)."""
        raw = self.call("GET", address.removeprefix("/api/v1/")).content
        return np.frombuffer(raw, np.uint8).reshape(rows, columns).copy()

    def pixels(self, address: str) -> bytes:
        """Fetch an image's raw samples, as the workstation does before a reader can draw."""
        return self.call("GET", address.removeprefix("/api/v1/")).content

    def submit(self, assignment: dict[str, Any], mask: Mask, seconds: float) -> dict[str, Any]:
        """Submit once; return what is stored."""
        body = {
            "token": assignment["token"],
            "key": str(uuid.uuid4()),
            "mask": base64.b64encode(pack(mask)).decode(),
            "seconds": round(seconds, 1),
        }
        return dict(self.call("POST", f"assignments/{assignment['id']}/submit", json=body).json())
