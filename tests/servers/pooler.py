"""What may come between us and PostgreSQL: a pooler, or its effect on starting a session."""

import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.servers.ports import free_port

_CONFIGURATION = """
[databases]
* = host={socket} user=nurture

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
{more}
"""


@contextmanager
def pgbouncer(url: str, directory: Path, more: str = "") -> Iterator[str]:
    """Yield the URL of a real PgBouncer that pools four connections by transaction."""
    database, host = _where(url)
    port = free_port()
    file = directory / "pgbouncer.ini"
    file.write_text(_CONFIGURATION.format(socket=host, port=port, more=more))
    file.chmod(0o644)
    # It refuses to be root, and pytest's directories are closed to everyone else.
    readable = Path("/tmp") / f"pgbouncer-{port}.ini"
    shutil.copyfile(file, readable)
    command = ["pgbouncer", *(["-u", "nobody"] if os.geteuid() == 0 else []), str(readable)]
    with (directory / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(port)
        yield f"postgresql://nurture@127.0.0.1:{port}/{database}"
    finally:
        process.terminate()
        process.wait()
        readable.unlink()


@contextmanager
def dropping_options(url: str, refusing: bool = False) -> Iterator[str]:
    """Yield the URL of a proxy that drops the options of a new connection, or refuses them."""
    database, host = _where(url)
    server = socket.create_server(("127.0.0.1", 0))
    door = threading.Thread(target=_take_all, args=(server, f"{host}/.s.PGSQL.5432", refusing))
    door.start()
    try:
        yield f"postgresql://nurture@127.0.0.1:{server.getsockname()[1]}/{database}?sslmode=disable"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        door.join()


def _where(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.path.strip("/"), parse_qs(parts.query)["host"][0]


def _take_all(server: socket.socket, behind: str, refusing: bool) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            work = threading.Thread(target=_serve, args=(client, behind, refusing), daemon=True)
            work.start()


def _serve(client: socket.socket, behind: str, refusing: bool) -> None:
    with client, socket.socket(socket.AF_UNIX) as real:
        start = _startup(client)
        if refusing and b"options" in start:
            client.sendall(_error("unsupported startup parameter: options"))
            return
        real.connect(behind)
        real.sendall(_packed(start))
        back = threading.Thread(target=_copy, args=(real, client), daemon=True)
        back.start()
        _copy(client, real)
        back.join()


def _startup(client: socket.socket) -> dict[bytes, bytes]:
    """Read a client's startup message in PostgreSQL's protocol 3.0: a length, names and values."""
    length, version = struct.unpack("!II", client.recv(8, socket.MSG_WAITALL))
    words = client.recv(length - 8, socket.MSG_WAITALL).split(b"\0")
    assert version == 3 << 16
    return {name: value for name, value in zip(words[::2], words[1::2], strict=False) if name}


def _packed(start: dict[bytes, bytes]) -> bytes:
    kept = {name: value for name, value in start.items() if name != b"options"}
    body = b"".join(name + b"\0" + value + b"\0" for name, value in kept.items()) + b"\0"
    return struct.pack("!II", len(body) + 8, 3 << 16) + body


def _error(said: str) -> bytes:
    body = b"SFATAL\0C08P01\0M" + said.encode() + b"\0\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
