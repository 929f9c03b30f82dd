"""A real S3-compatible server: SeaweedFS, which checks signatures and accepts multipart uploads."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import ClassVar

import obstore
from obstore.store import S3Store

from nurture.lifeline import tied_to_us
from tests.servers.ports import free_port

BUCKET = "backups"
KEY, SECRET = "key-of-the-backups", "secret-of-the-backups"
READER, READER_SECRET = "key-that-reads", "secret-that-reads"

SECONDS_TO_START = 60


@dataclass
class S3Server:
    """A running server; `keys` are the settings an installation needs to use it."""

    endpoint: str
    keys: ClassVar = {"NURTURE_BACKUP_S3_KEY": KEY, "NURTURE_BACKUP_S3_SECRET": SECRET}
    _numbers: ClassVar = count(1)

    def fresh_folder(self) -> str:
        """Return the name of an empty folder."""
        return f"folder-{next(self._numbers)}"

    def url(self, folder: str, bucket: str = BUCKET) -> str:
        """Return the value of NURTURE_BACKUP_URL."""
        return f"s3://{bucket}/{folder}?endpoint={self.endpoint}&region=us-east-1"

    def store(self, folder: str = "") -> S3Store:
        """Return a folder of the bucket as its owner sees it."""
        return S3Store(
            BUCKET,
            prefix=folder or None,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )

    def names(self, folder: str) -> list[str]:
        """Return the name of every object in a folder."""
        return sorted(one["path"] for chunk in self.store(folder).list() for one in chunk)

    def make_bucket(self) -> None:
        """Make the bucket; this fails until the server is ready."""
        url = obstore.sign(self.store(), "PUT", "", timedelta(minutes=5))
        urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=20).close()


@contextmanager
def s3_server(directory: Path) -> Iterator[S3Server]:
    """Run a server with its files in that folder, deleted when the block ends."""
    directory.mkdir(parents=True)
    (directory / "data").mkdir()
    names = (*("master", "volume", "filer", "s3"), *(f"{n}.grpc" for n in _WITH_GRPC))
    ports = {name: free_port() for name in names}
    (directory / "keys.json").write_text(json.dumps({"identities": list(map(_identity, _WHO))}))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(directory, ports),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=tied_to_us(),
        )
    server = S3Server(f"http://127.0.0.1:{ports['s3']}")
    try:
        _wait_for(server, process)
        yield server
    finally:
        process.kill()
        process.wait()


_WITH_GRPC = ("master", "volume", "filer", "s3")

_WHO = (
    ("owner", KEY, SECRET, ["Admin", "Read", "Write", "List"]),
    ("reader", READER, READER_SECRET, ["Read", "List"]),
)


def _identity(who: tuple[str, str, str, list[str]]) -> dict[str, object]:
    name, key, secret, may = who
    credentials = [{"accessKey": key, "secretKey": secret}]
    return {"name": name, "credentials": credentials, "actions": may}


def _command(directory: Path, ports: dict[str, int]) -> list[str]:
    chosen = {
        f"{name.removesuffix('.grpc')}.port{name[len(name.removesuffix('.grpc')) :]}": n
        for name, n in ports.items()
    }
    settings = {
        "dir": directory / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3.config": directory / "keys.json",
        "s3.autoCreateBucket": "false",
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "master.volumeSizeLimitMB": "64",
        "master.telemetry": "false",
        "volume.max": "30",
        **chosen,
    }
    weed = Path(sys.executable).with_name("weed")
    return [str(weed), "server", "-s3", *(f"-{name}={said}" for name, said in settings.items())]


def _wait_for(server: S3Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.make_bucket()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the S3-compatible server does not start")
