"""The web server: uvicorn's event loop around the front, with limits for slow visitors."""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn

from nurture.serving.web.connection import Connection, WaitingConnections, give_up_late
from nurture.serving.web.front import Front

#: Seconds within which answers may be finished after the program is told to stop.
_FINISH = 10

#: How many connections may wait to be accepted; more than one burst brings.
_BACKLOG = 4096

#: What the web side reports once it answers.
READY = "ready"

#: Bytes of an answer that the system buffers for a visitor (it uses twice as many).
_KEPT_UNREAD = 128 * 1024


class Server(uvicorn.Server):
    """The server, which closes overdue connections; `alone` if no other answers on its sockets."""

    def __init__(self, front: Front, crowd: WaitingConnections, *, alone: bool = True) -> None:
        self._patience, self._alone = crowd.patience, alone
        super().__init__(
            uvicorn.Config(
                cast(Any, front),
                http=cast(Any, partial(Connection, crowd, front)),
                loop="uvloop",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=int(crowd.patience.idle) + 1,
                timeout_graceful_shutdown=_FINISH,
            )
        )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop, and finish the requests in progress."""
        looking = asyncio.create_task(self._keep_looking())
        try:
            await super().serve(sockets)
        finally:
            looking.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and report that to the supervisor."""
        await super().startup(sockets)
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the requests in progress.

        If no other process answers on the same socket, new visitors are refused immediately, so a
        proxy tries elsewhere; otherwise they would wait in the queue of a process that has gone.
        """
        for one in (sockets or []) if self._alone else []:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        await super().shutdown(sockets)

    async def _keep_looking(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._patience.look)
            connections = cast(list[Connection], list(self.server_state.connections))
            give_up_late(connections, now())


def why(error: OSError) -> str:
    """Return the system's reason why nothing can listen; Python's own repeats the address."""
    known = error.errno is not None and error.errno > 0
    return os.strerror(error.errno) if known and error.errno else str(error.strerror)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket for the server, or raise `OSError`.

    Only a small buffer is kept for a visitor who does not read: otherwise the system would buffer
    megabytes, and report that a slow visitor is reading only after a third of them.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KEPT_UNREAD)
    return listener
