"""A real IMAP server for the tests: Dovecot, for one user, as an ordinary process."""

import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from tests.mail.certificates import SelfSigned

USER, PASSWORD = "owner@practice.example", "p@ss/wo:rd?1"

_CONFIG = """
base_dir = {run}
state_dir = {run}
log_path = {home}/log
protocols = imap
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
ssl = {ssl}
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{home}/mail
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {plain}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {encrypted}
    ssl = yes
  }}
}}
namespace inbox {{
  inbox = yes
}}
"""


@dataclass
class ImapServer:
    """A running server with one user; `port` speaks TLS, `plain_port` does not at first."""

    home: Path
    port: int
    plain_port: int

    @property
    def url(self) -> str:
        """The address of its inbox, as the setting has it."""
        return f"imaps://{quote(USER)}:{quote(PASSWORD, safe='')}@localhost:{self.port}/INBOX"

    def put(self, *mails: bytes, folder: str = "") -> None:
        """Let them arrive, as a mail server does: complete, and in this order."""
        new = self._maildir(folder) / "new"
        for number, mail in enumerate(mails):
            name = f"{time.time_ns()}.M{number:06}P{os.getpid()}.test"
            draft = self._maildir(folder) / "tmp" / name
            draft.write_bytes(mail)
            self._give(draft)
            draft.rename(new / name)

    def renumber(self) -> None:
        """Lose all numbers, so that UIDVALIDITY changes."""
        names = ("dovecot-uidlist", "dovecot.index*")
        for found in [one for name in names for one in self._maildir("").glob(name)]:
            found.unlink()

    def flags(self) -> set[str]:
        """Return the flags set on any mail."""
        kept = (self._maildir("") / "cur").glob("*")
        return {mail.name.partition(":2,")[2] for mail in kept} - {""}

    def _maildir(self, folder: str) -> Path:
        place = self.home / "mail" / (f".{folder}" if folder else "")
        for name in ("", "tmp", "new", "cur"):
            if not (place / name).is_dir():
                (place / name).mkdir(parents=True)
                self._give(place / name)
        return place

    def _give(self, path: Path) -> None:
        if os.getuid() == 0:
            shutil.chown(path, _account())


@contextmanager
def imap_server(certificate: SelfSigned, *, tls: bool = True) -> Iterator[ImapServer]:
    """Run a server with an empty mailbox, stopped when the block ends."""
    with TemporaryDirectory(prefix="imap-") as short:  # Paths of sockets have to be short.
        yield from _running(Path(short), certificate, tls=tls)


def _running(home: Path, certificate: SelfSigned, *, tls: bool) -> Iterator[ImapServer]:
    server = ImapServer(home, *_free_ports())
    server.put()
    (home / "run").mkdir()
    configuration = _configuration(server, certificate, tls=tls)
    process = _start(home, configuration)
    try:
        _wait_for(server.port, home)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _configuration(server: ImapServer, certificate: SelfSigned, *, tls: bool) -> Path:
    home, key = server.home, server.home / "key.pem"
    shutil.copy(certificate.path, home / "certificate.pem")
    shutil.copy(certificate.path.with_name("key.pem"), key)
    account = _account()
    path = home / "dovecot.conf"
    path.write_text(
        _CONFIG.format(
            run=home / "run",
            home=home,
            user=account,
            group=_group(account),
            certificate=home / "certificate.pem",
            key=key,
            password=PASSWORD,
            plain=server.plain_port,
            encrypted=server.port,
            ssl="yes" if tls else "no",
        )
    )
    return path


def _start(home: Path, configuration: Path) -> "subprocess.Popen[bytes]":
    program = shutil.which("dovecot") or "/usr/sbin/dovecot"
    line = [program, "-F", "-c", str(configuration)]
    if os.getuid() != 0:
        return subprocess.Popen(line, stdout=subprocess.DEVNULL)
    # Dovecot lets nobody read mail as root, so it runs as somebody else, who has to get there.
    account, group = _account(), _group(_account())
    for path in (home, *home.rglob("*")):
        shutil.chown(path, account, group)
    for above in list(home.parents)[:-2]:
        above.chmod(above.stat().st_mode | 0o011)
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, user=account, group=group)


def _account() -> str:
    return "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def _group(account: str) -> str:
    return grp.getgrgid(pwd.getpwnam(account).pw_gid).gr_name


def _free_ports() -> tuple[int, int]:
    here = ("127.0.0.1", 0)
    with socket.create_server(here) as one, socket.create_server(here) as two:
        return one.getsockname()[1], two.getsockname()[1]


def _wait_for(port: int, home: Path) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    log = home / "log"
    raise AssertionError(log.read_text() if log.exists() else "the server did not start")
