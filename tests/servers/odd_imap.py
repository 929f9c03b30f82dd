"""An IMAP server on loopback that does with a mail what no good one does, and checks tokens."""

import re
import socketserver
import threading
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import quote

HOST = "127.0.0.1"

#: What a server may do when it is asked for a certain mail.
REFUSE, HANG_UP, LIE, HANG = "refuse", "hang up", "lie", "hang"

_LINE = re.compile(rb"(\S+) (?:UID )?(\S+) ?(.*)\r\n", re.DOTALL)


class OddImap(socketserver.ThreadingTCPServer):
    """A server of one folder, in which each mail has a number from 1 on.

    `odd` says what is done when a certain mail is asked for. `accepts` judges the user and the
    token of a login by XOAUTH2, and `quotes` lets a refusal repeat what was sent. `challenges` are
    the answers to the challenge that explains a refusal. `hanging` is set while a client waits for
    ever for the text of a mail.
    """

    daemon_threads = True

    def __init__(self, *mails: bytes) -> None:
        super().__init__((HOST, 0), _Conversation)
        self.mails = list(mails)
        self.odd: dict[int, str] = {}
        self.accepts: Callable[[str, str], bool] = lambda *_: False
        self.quotes = False
        self.challenges: list[bytes] = []
        self.hanging = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        """The address of the folder, for a login by password."""
        return f"imap://user:password@{HOST}:{self.server_address[1]}/INBOX"

    def token_url(self, user: str) -> str:
        """The address of the folder, for a login by access token."""
        return f"imap://{quote(user)}@{HOST}:{self.server_address[1]}/INBOX?auth=xoauth2"


class _Conversation(socketserver.StreamRequestHandler):
    server: OddImap

    def handle(self) -> None:
        self._say(b"* OK ready")
        while found := _LINE.fullmatch(self.rfile.readline(10_000)):
            tag, command, rest = found.groups()
            if not self._answer(tag, command.upper(), rest):
                return

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def _answer(self, tag: bytes, command: bytes, rest: bytes) -> bool:
        match command:
            case b"CAPABILITY":
                self._say(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2")
            case b"AUTHENTICATE":
                return self._log_in(tag)
            case b"EXAMINE":
                self._say(b"* %d EXISTS" % len(self.server.mails))
                self._say(b"* OK [UIDVALIDITY 7] valid")
                self._say(b"* OK [UIDNEXT %d] next" % (len(self.server.mails) + 1))
            case b"SEARCH":
                self._say(b"* SEARCH " + self._numbers(rest))
            case b"FETCH":
                return self._fetch(tag, rest)
        self._say(tag + b" OK done")
        return command != b"LOGOUT"

    def _log_in(self, tag: bytes) -> bool:
        self._say(b"+ ")
        said = self.rfile.readline(10_000).strip()
        user, token, *rest = b64decode(said).decode().split("\x01")
        assert (user[:5], token[:12], rest) == ("user=", "auth=Bearer ", ["", ""])
        if self.server.accepts(user[5:], token[12:]):
            self._say(tag + b" OK done")
            return True
        self._say(b"+ eyJzdGF0dXMiOiI0MDAifQ==")
        self.server.challenges.append(self.rfile.readline(10_000))
        words = b"%s %s" % (token.encode(), said) if self.server.quotes else b"Invalid credentials"
        self._say(tag + b" NO [AUTHENTICATIONFAILED] " + words)
        return True

    def _numbers(self, asked: bytes) -> bytes:
        found = re.fullmatch(rb"UID (\d+):(\d+)", asked)
        first, last = map(int, found.groups()) if found else (1, len(self.server.mails))
        there = range(max(first, 1), min(last, len(self.server.mails)) + 1)
        return b" ".join(b"%d" % number for number in there)

    def _fetch(self, tag: bytes, asked: bytes) -> bool:
        numbers, _, wanted = asked.partition(b" ")
        for number in map(int, numbers.split(b",")):
            data = self.server.mails[number - 1]
            if b"HEADER" in wanted:
                data = data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            match self.server.odd.get(number):
                case "refuse":
                    self._say(tag + b" NO [SERVERBUG] Internal error")
                    return True
                case "hang" if b"HEADER" not in wanted:
                    self.server.hanging.set()
                    return bool(self.rfile.readline(10_000))
                case "hang up":
                    return False
                case "lie":
                    self._say(b"* %d FETCH (UID %d BODY[] {2147483648}" % (number, number))
                    return False
            self._say(b"* %d FETCH (UID %d BODY[] {%d}" % (number, number, len(data)))
            self.wfile.write(data + b")\r\n")
        self._say(tag + b" OK done")
        return True
