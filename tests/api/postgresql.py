"""A PostgreSQL server of one's own, from the binaries that Debian installs."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg


def binaries() -> Path | None:
    """Where initdb and postgres are; None when they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def why_not() -> str | None:
    """What is missing for a server, in a sentence; None when nothing is."""
    if binaries() is None:
        return "PostgreSQL's server is missing; install Debian's package postgresql"
    if os.geteuid() == 0 and _user() is None:
        return "initdb refuses root, and there is no user postgres to run it as"
    return None


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


def free_port() -> int:
    """A port on the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server with a folder and a port of its own."""

    def __init__(self, *options: str) -> None:
        found = binaries()
        assert found is not None
        self._binaries = found
        self._options = options
        self.folder = Path(tempfile.mkdtemp(prefix="suyuan-pg-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._make()

    def url(self, database: str) -> str:
        """Where a database of this server is."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start and wait until it answers."""
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            "max_connections=200",
            *self._options,
        ]
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data")]
        for setting in settings:
            command += ["-c", setting]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, user=_user(), start_new_session=True
            )
        self._wait()

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the owner."""
        with self._connect(database) as connection:
            connection.execute(statement.encode())

    def kill(self) -> None:
        """SIGKILL all its processes at once."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Stop at once and throw the folder away."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self) -> None:
        user = _user()
        if user is not None:
            shutil.chown(self.folder, user)
        command = [str(self._binaries / "initdb"), "-D", str(self.folder / "data"), "-U",
                   "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                   "--no-sync"]  # fmt: skip
        subprocess.run(command, user=user, check=True, capture_output=True, cwd="/")

    def _wait(self) -> None:
        for _ in range(300):
            try:
                self._connect("postgres").close()
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        place = f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"
        return psycopg.connect(place, autocommit=True, connect_timeout=2)
