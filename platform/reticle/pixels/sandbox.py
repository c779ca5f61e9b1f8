"""Reads untrusted files in a child process that may crash, hang or eat memory without harm.

    with Sandbox(key) as sandbox:
        answer = sandbox.parse(path, "upload.dcm")
        if isinstance(answer, Rejected):
            ...                         # answer.code, answer.message

The child has limits on memory, processor time and file size, an empty environment and a folder of
its own; it is replaced after ``recycle_after`` files and after every death. One Sandbox serves one
thread.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reticle.pixels.series import Pixels, SeriesData
from reticle.pixels.wire import BadWire, load_arrays, load_series

_START_SECONDS = 60.0
_MAX_ANSWER = 64 * 1024
_SOURCE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Parsed:
    """A file that was read. Arrays are memory-mapped read-only from unlinked files."""

    series: list[SeriesData]


@dataclass(frozen=True)
class ParsedMask:
    """A label file that was read: masks (rows, columns) uint8, one per frame."""

    masks: list[Pixels]


@dataclass(frozen=True)
class Rejected:
    """A file that was not; ``code`` is stable (see ``series.Unreadable``)."""

    code: str
    message: str


class _ChildDied(Exception):
    """The child ended or did not answer in time."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.rejected = Rejected(code, message)


class Sandbox:
    """Context manager that owns the child process and its folder."""

    def __init__(
        self,
        key: bytes,
        *,
        memory_bytes: int = 3 * 2**30,
        cpu_seconds: int = 60,
        wall_seconds: float = 120.0,
        recycle_after: int = 200,
        folder: Path | None = None,
    ) -> None:
        """Limits are per file; ``folder`` is where temporary arrays go (default: the system's)."""
        self._key = key
        self._memory = memory_bytes
        self._cpu = cpu_seconds
        self._wall = wall_seconds
        self._recycle_after = recycle_after
        self._parent_folder = folder
        self._folder: Path | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._served = 0

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="reticle-parse-", dir=self._parent_folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def parse(self, path: Path, name: str, *, sidecar: Path | None = None) -> Parsed | Rejected:
        """Read an image file that was sent as ``name``; never raises for what the file holds."""
        answer = self._request(path, name, sidecar, masks=False)
        return answer if isinstance(answer, Rejected) else Parsed(answer)

    def parse_mask(self, path: Path, name: str) -> ParsedMask | Rejected:
        """Read a label file, in the frame order and orientation of its image."""
        answer = self._request(path, name, None, masks=True)
        return answer if isinstance(answer, Rejected) else ParsedMask(answer)

    def _request(self, path: Path, name: str, sidecar: Path | None, *, masks: bool) -> Any:
        if self._folder is None:
            raise RuntimeError("use the Sandbox in a with statement")
        out = Path(tempfile.mkdtemp(dir=self._folder))
        request = {
            "path": str(path.resolve()),
            "name": name,
            "sidecar": str(sidecar.resolve()) if sidecar else None,
            "out": str(out),
            "masks": masks,
        }
        try:
            answer = self._ask(json.dumps(request))
            if answer.get("code"):
                return Rejected(str(answer["code"]), str(answer["message"]))
            return load_arrays(out) if masks else load_series(out)
        except _ChildDied as death:
            return death.rejected
        except BadWire:
            self._stop()
            return Rejected("crashed", "the reader gave no proper answer")
        finally:
            # Maps of the arrays outlive their names: the space is freed with the last of them.
            shutil.rmtree(out, ignore_errors=True)

    def _ask(self, line: str) -> dict[str, Any]:
        # A child that died while idle is no fault of the next file.
        dead = self._child is None or self._child.poll() is not None
        if dead or self._served >= self._recycle_after:
            self._stop()
            self._start()
        self._served += 1
        answer = self._exchange(line, self._wall)
        if answer.get("code") == "out_of_memory":
            self._stop()  # what is left of the heap after a MemoryError is not worth keeping
        return answer

    def _start(self) -> None:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(_SOURCE_ROOT),
            # Thread pools reserve address space per thread, which RLIMIT_AS counts.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "reticle.pixels.child", str(self._memory), str(self._cpu)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env=environment,
        )
        self._served = 0
        self._exchange(self._key.hex(), _START_SECONDS)

    def _exchange(self, line: str, seconds: float) -> dict[str, Any]:
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise RuntimeError("the child is not running")
        try:
            child.stdin.write(line.encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            raise self._death() from None
        answer = self._read_line(child.stdout.fileno(), time.monotonic() + seconds)
        try:
            found = json.loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self._stop()
            raise _ChildDied("crashed", "the reader gave no proper answer")
        return found

    def _read_line(self, descriptor: int, deadline: float) -> bytes:
        answer = b""
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self._stop()
                raise _ChildDied("too_slow", "reading the file took too long")
            piece = os.read(descriptor, 4096)
            answer += piece
            if not piece or len(answer) > _MAX_ANSWER:
                raise self._death()
        return answer

    def _death(self) -> _ChildDied:
        """Why the child is gone."""
        child, self._child = self._child, None
        if child is None:
            return _ChildDied("crashed", "reading the file crashed the reader")
        _close(child)
        if child.returncode == -signal.SIGXCPU:
            return _ChildDied("too_slow", "reading the file took too long")
        return _ChildDied("crashed", "reading the file crashed the reader")

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            _close(child)


def _close(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(timeout=1)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
