"""The service as a process of its own, on a database of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.api import postgresql

SUYUAN = str(Path(sys.executable).with_name("suyuan"))
COMMAND = [SUYUAN, "serve"]
_LOOKS, _SETTLED_KIB = 5, 1024
_numbers = iter(range(1_000_000))


class Service:
    """One installation: its folder, its database, its process."""

    def __init__(self, database: str, server: postgresql.Server | None, **settings: object) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="suyuan-bench-"))
        self.database = database
        self.port = postgresql.free_port()
        self._server = server
        self._settings = settings
        self.name = f"bench_{os.getpid()}_{next(_numbers)}"
        if server is not None:
            server.run(f"CREATE DATABASE {self.name}")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The settings as the process gets them."""
        given = {"data_dir": self.data, "port": self.port, **self._settings}
        if self._server is not None:
            given["database_url"] = self._server.url(self.name)
        named = {f"SUYUAN_{name.upper()}": str(value) for name, value in given.items()}
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        return {**os.environ, **single, **named}

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Where the process writes its lines."""
        return self.folder / "log"

    def start(self, *before: str, ready: bool = True, seconds: float = 90) -> float:
        """Start, wait until it is ready, and say how long that took."""
        begun = time.monotonic()
        if self._server is not None:
            self.run("migrate")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, *COMMAND], env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.wait("/readyz" if ready else "/livez", seconds)
        return time.monotonic() - begun

    def run(self, *words: str) -> str:
        """What a command of the installation prints."""
        done = subprocess.run(
            [SUYUAN, *words], env=self.environment, capture_output=True, check=True, text=True
        )
        return done.stdout

    def wait(self, path: str, seconds: float) -> None:
        """Wait until an address answers 200."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if self.call("GET", path)[0] == 200:
                    return
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{path} never answered:\n{self.log.read_text()[-2000:]}")

    def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """One request over a fresh connection."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **headers}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, sent, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=40) as reply:
                return reply.status, _parsed(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, _parsed(error.read())

    def kill(self) -> None:
        """SIGKILL the whole process group."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM; the status it leaves with."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(seconds)

    def ids(self) -> list[str]:
        """The ids of all stored complaints, straight from the database."""
        return [str(found[0]) for found in self.query("SELECT id FROM complaints")]

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """What a statement gives, past the service."""
        if self._server is not None:
            place = f"host=127.0.0.1 port={self._server.port} user=postgres dbname={self.name}"
            with psycopg.connect(place) as connection:
                return connection.execute(statement.encode()).fetchall()
        with contextlib.closing(
            sqlite3.connect(f"file:{self.data}/suyuan.db?mode=ro", uri=True)
        ) as c:
            return c.execute(statement).fetchall()

    def sound(self) -> bool:
        """Whether the database's own check finds nothing."""
        if self._server is None:
            return self.query("PRAGMA integrity_check") == [("ok",)]
        binaries = postgresql.binaries()
        assert binaries is not None
        command = [str(binaries / "pg_amcheck"), "--install-missing", "-h", "127.0.0.1", "-U",
                   "postgres", "-p", str(self._server.port), "-d", self.name]  # fmt: skip
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def rss_kib(self) -> int:
        """Resident memory of the whole process group."""
        assert self.process is not None
        return sum(_rss(pid) for pid in _group(self.process.pid))

    def settled_kib(self) -> int:
        """Resident memory once it has stopped growing: what loads after the start has come."""
        sizes = [self.rss_kib()]
        while len(sizes) < _LOOKS or max(sizes[-_LOOKS:]) > sizes[-_LOOKS] + _SETTLED_KIB:
            time.sleep(0.5)
            sizes.append(self.rss_kib())
        return sizes[-1]

    def remove(self) -> None:
        """End it and throw its folder away."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def service(database: str, **settings: object) -> Iterator[Service]:
    """A service that is not started yet, removed at the end."""
    server = shared_server() if database == "postgresql" else None
    made = Service(database, server, **settings)
    try:
        yield made
    finally:
        made.remove()


_SERVERS: list[postgresql.Server] = []


def shared_server() -> postgresql.Server:
    """One PostgreSQL server for all rows of a run."""
    if not _SERVERS:
        _SERVERS.append(postgresql.Server())
        _SERVERS[0].start()
    return _SERVERS[0]


def stop_servers() -> None:
    """Stop what `shared_server` started."""
    for server in _SERVERS:
        server.stop()
    _SERVERS.clear()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _group(leader: int) -> list[int]:
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if os.getpgid(int(entry.name)) == leader:
                    members.append(int(entry.name))
    return members


def _rss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
