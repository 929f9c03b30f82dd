"""The witness of these tests: a mail server that records messages before accepting them.

It is a separate program, so that killing the processes around it cannot destroy its memory.
Every accepted message is one line of a journal, on the disk before the answer is sent. A second
port accepts orders, one JSON document per line: which faults to show from now on, or whether to
listen at all. If the clock's file is named, each line says what it showed at the acceptance.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
LONGEST = 16 * 1024 * 1024

_USUAL = {
    "greeting": "220 oracle.example.org ESMTP",
    "STARTTLS": "454 4.7.0 TLS not available",
    "MAIL": "250 2.1.0 Sender ok",
    "RCPT": "250 2.1.5 Recipient ok",
    "DATA": "354 Go on",
    "dot": "250 2.0.0 Taken",
    "taken": "250 2.0.0 Taken",
    "RSET": "250 2.0.0 Reset",
    "NOOP": "250 2.0.0 Here",
    "QUIT": "221 2.0.0 Bye",
}
_MESSAGE_ID = re.compile(rb"(?im)^message-id:\s*(<[^>\r\n]*>)")
_SUBJECT = re.compile(rb"(?im)^subject: ([^\r\n]*)")


class _GoneError(Exception):
    """This conversation has ended."""


@dataclass
class Fault:
    """What to do at one stage instead of the usual, the next `times` times (0: always).

    `do` is `answer` (with `text`), `drop`, `silence`, `drip` or `garbage`. At `dot` the message
    has been received completely but not stored; at `taken` it has been recorded.
    """

    stage: str
    do: str = "answer"
    text: str = ""
    times: int = 0
    only: str = ""
    shown: int = 0

    def concerns(self, stage: str, recipient: str) -> bool:
        """Return whether to show it here."""
        spent = self.times and self.shown >= self.times
        return self.stage == stage and not spent and self.only in ("", recipient)


@dataclass
class _Envelope:
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    refused: bool = False


class Oracle:
    """The mail server, its journal and the faults it shows."""

    def __init__(self, journal: str, clock: str = "") -> None:
        self._clock = Path(clock) if clock else None
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._faults: list[Fault] = []
        self._delay = 0.0
        self._extensions = ["PIPELINING", "8BITMIME", "SMTPUTF8"]
        self._server: asyncio.Server | None = None
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._most_open, self._turned_away, self._room = 0, 0, 0

    async def listen(self) -> None:
        """Accept connections, on the same port as before."""
        self._server = await asyncio.start_server(
            self._converse, HOST, self.port, limit=LONGEST, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Accept no connections, and hang up on existing ones."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Follow orders, and confirm each when it is in force."""
        while line := await reader.readline():
            order = json.loads(line)
            await self._follow(order)
            crowd = {"most_open": self._most_open, "turned_away": self._turned_away}
            writer.write(json.dumps(crowd).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _follow(self, order: dict[str, Any]) -> None:
        if "faults" in order:
            self._faults = [Fault(**fault) for fault in order["faults"]]
        self._delay = order.get("delay", self._delay)
        self._room = order.get("room", self._room)
        self._extensions = order.get("extensions", self._extensions)
        if order.get("listen") is True:
            await self.listen()
        if order.get("listen") is False:
            self.refuse()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        quiet = (_GoneError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with contextlib.suppress(*quiet):
            self._most_open = max(self._most_open, len(self._open))
            await self._welcome(writer)
            envelope = _Envelope()
            while line := await reader.readline():
                envelope = await self._serve(line, envelope, reader, writer)
                await writer.drain()
        self._open.discard(writer)
        writer.close()

    async def _welcome(self, writer: asyncio.StreamWriter) -> None:
        """Greet, unless there are too many connections."""
        if self._room and len(self._open) > self._room:
            self._turned_away += 1
            writer.write(b"421 4.3.2 Too many connections from you\r\n")
            await writer.drain()
            raise _GoneError
        await self._answer(writer, "greeting")

    async def _serve(
        self,
        line: bytes,
        envelope: _Envelope,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> _Envelope:
        said = line.decode("utf-8", "replace").strip()
        verb = said.split(" ", 1)[0].upper()
        if verb in ("EHLO", "HELO"):
            return await self._hello(writer)
        if verb == "MAIL":
            envelope = _Envelope(sender=_address(said))
            envelope.refused = not await self._answer(writer, "MAIL")
        elif verb == "RCPT":
            if await self._answer(writer, "RCPT", _address(said)) and not envelope.refused:
                envelope.recipients.append(_address(said))
        elif verb == "DATA":
            return await self._data(envelope, reader, writer)
        else:
            await self._answer(writer, verb if verb in _USUAL else "NOOP")
        if verb == "QUIT":
            raise _GoneError
        return envelope if verb in ("MAIL", "RCPT") else _Envelope()

    async def _hello(self, writer: asyncio.StreamWriter) -> _Envelope:
        lines = ["oracle.example.org", *self._extensions]
        usual = "\r\n".join(f"250-{said}" for said in lines[:-1]) + f"\r\n250 {lines[-1]}"
        await self._answer(writer, "EHLO", usual=usual.lstrip("\r\n"))
        return _Envelope()

    async def _data(
        self, envelope: _Envelope, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> _Envelope:
        if not envelope.recipients:
            writer.write(b"554 5.5.1 No valid recipients\r\n")
            return _Envelope()
        to = envelope.recipients[0]
        if not await self._answer(writer, "DATA", to):
            return _Envelope()
        await writer.drain()
        if self._fault("content", to):
            await reader.read(1000)
            raise _GoneError
        data = await _content(reader)
        if self._fault("dot", to) is not None:
            await self._answer(writer, "dot", to)
            return _Envelope()
        self._write_down(envelope, data)
        await self._answer(writer, "taken", to)
        return _Envelope()

    def _write_down(self, envelope: _Envelope, data: bytes) -> None:
        found, subject = _MESSAGE_ID.search(data), _SUBJECT.search(data)
        line = {
            "message_id": found[1].decode() if found else "",
            "subject": subject[1].decode() if subject else "",
            "recipient": envelope.recipients[0],
            "digest": blake2b(data, digest_size=16).hexdigest(),
            "at": self._clock.read_text() if self._clock else "",
            "heard_at": time.monotonic(),
            "open": len(self._open),
        }
        os.write(self._journal, json.dumps(line).encode() + b"\n")
        os.fsync(self._journal)

    def _fault(self, stage: str, recipient: str = "") -> Fault | None:
        return next((f for f in self._faults if f.concerns(stage, recipient)), None)

    async def _answer(
        self, writer: asyncio.StreamWriter, stage: str, recipient: str = "", usual: str = ""
    ) -> bool:
        """Answer as ordered; return whether the answer was positive."""
        if self._delay:
            await asyncio.sleep(self._delay)
        fault = self._fault(stage, recipient)
        if fault is None:
            writer.write((usual or _USUAL[stage]).encode() + b"\r\n")
            return True
        fault.shown += 1
        return await self._misbehave(writer, fault)

    async def _misbehave(self, writer: asyncio.StreamWriter, fault: Fault) -> bool:
        if fault.do == "drop":
            writer.transport.abort()
            raise _GoneError
        if fault.do == "silence":
            await asyncio.sleep(3600)
        if fault.do == "drip":
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.05)
        text = "\x00\x7f no such language" if fault.do == "garbage" else fault.text
        writer.write(text.encode() + b"\r\n")
        if text.startswith("421"):
            await writer.drain()
            raise _GoneError
        return text[:1] in "23"


async def _content(reader: asyncio.StreamReader) -> bytes:
    """Read to the lone dot; refused content arrives as a dot alone (RFC 2920 §3.1)."""
    start = await reader.readexactly(3)
    return start if start == b".\r\n" else start + await reader.readuntil(b"\r\n.\r\n")


def _address(said: str) -> str:
    return said.partition("<")[2].partition(">")[0]


async def serve(journal: str, clock: str = "") -> None:
    """Run until the controlling test has gone."""
    oracle = Oracle(journal, clock)
    await oracle.listen()
    gone = asyncio.Event()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await oracle.obey(reader, writer)
        gone.set()

    orders = await asyncio.start_server(obey, HOST, 0)
    sys.stdout.write(f"{oracle.port} {orders.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await gone.wait()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
