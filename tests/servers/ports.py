"""Ports for servers that are started shortly after their port was chosen."""

import itertools
import os
import socket

#: Below the ports that the kernel hands out to connections and to listeners on port 0, which
#: could otherwise be given away again between choosing one here and the server's binding it.
_FIRST, _LAST = 10_000, 30_000

_turns = itertools.count(os.getpid() * 37)


def free_port() -> int:
    """Return a port on which nothing listens, a different one at every call in a process."""
    for turn in itertools.islice(_turns, _LAST - _FIRST):
        port = _FIRST + turn % (_LAST - _FIRST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"every port from {_FIRST} to {_LAST} is in use")
