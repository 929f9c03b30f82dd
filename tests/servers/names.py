"""A test's own name server, which knows only the records it was given."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

#: The records of a sending domain that is set up well.
RECORDS = {
    "human-movement.com": "v=spf1 include:_spf.example.org ~all",
    "_dmarc.human-movement.com": "v=DMARC1; p=none",
    "nurture._domainkey.human-movement.com": "v=DKIM1; k=rsa; p=MIIB",
}


@contextmanager
def name_server(texts: Mapping[str, str]) -> Iterator[None]:
    """Resolve TXT records here during the block: by name, without the final dot."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = Thread(target=_answer_all, args=(server, texts), daemon=True)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        before, dns.resolver.default_resolver = dns.resolver.default_resolver, resolver
        try:
            yield
        finally:
            dns.resolver.default_resolver = before
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", server.getsockname())
            thread.join(5)


def _answer_all(server: socket.socket, texts: Mapping[str, str]) -> None:
    while True:
        asked, client = server.recvfrom(4096)
        if not asked:
            return
        server.sendto(_answer(asked, texts), client)


def _answer(asked: bytes, texts: Mapping[str, str]) -> bytes:
    query = dns.message.from_wire(asked)
    answer = dns.message.make_response(query)
    name = query.question[0].name
    text = texts.get(name.to_text(omit_final_dot=True))
    if text is None:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    else:
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{text}"'))
    return answer.to_wire()
