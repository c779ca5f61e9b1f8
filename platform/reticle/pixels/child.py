"""The child side of ``reticle.pixels.sandbox``: reads files under hard limits, one by one.

    python -m reticle.pixels.child MEMORY_BYTES CPU_SECONDS

First line on standard input: the key in hex. Then one JSON request per line, {"path", "name",
"sidecar", "out", "masks"}; the answer is one JSON line, {"code": null} or {"code", "message"}, with
the arrays in the folder ``out``. Ends when standard input closes.
"""

import json
import os
import resource
import sys
from pathlib import Path
from typing import IO, Any

from reticle.pixels.read import MAX_FILE, read_file, read_mask
from reticle.pixels.series import Unreadable
from reticle.pixels.wire import save_arrays, save_series


def main() -> None:
    """Answer requests until standard input closes."""
    memory, cpu = int(sys.argv[1]), int(sys.argv[2])
    answers = _take_stdout()
    _limit(memory)
    key = bytes.fromhex(sys.stdin.readline().strip())
    print("{}", file=answers, flush=True)  # ready: imports are done and limits stand
    for line in sys.stdin:
        _allow_cpu(cpu)
        print(json.dumps(_answer(json.loads(line), key)), file=answers, flush=True)


def _answer(request: dict[str, Any], key: bytes) -> dict[str, str | None]:
    out = Path(request["out"])
    try:
        path, name = Path(request["path"]), request["name"]
        if request["masks"]:
            save_arrays(out, list(read_mask(path, name=name)))
        else:
            sidecar = Path(request["sidecar"]) if request["sidecar"] else None
            save_series(out, read_file(path, name=name, key=key, sidecar=sidecar))
    except Unreadable as error:
        return {"code": error.code, "message": error.message}
    except MemoryError:
        return {"code": "out_of_memory", "message": "the file needs too much memory"}
    except Exception:  # the boundary: whatever a parser raised, its words may hold a name
        return {"code": "broken", "message": "the file cannot be read"}
    return {"code": None, "message": None}


def _take_stdout() -> IO[str]:
    """Keep standard output for answers: libraries that print get the null device instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    return answers


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE, MAX_FILE))


def _allow_cpu(seconds: int) -> None:
    """From now on ``seconds`` of processor time; beyond, the kernel ends this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


if __name__ == "__main__":
    main()
