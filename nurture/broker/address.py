"""The spelling of a Redis URL, and what must be added before it is used."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SCHEMES = ("redis", "rediss", "unix", "redis+socket")
_CHECKS = {"required": "required", "optional": "optional", "none": "none"} | {
    f"cert_{how}": how for how in ("required", "optional", "none")
}
_CHECK, _HOST = "ssl_cert_reqs", "ssl_check_hostname"


def readable(url: str) -> str:
    """Return the URL, or raise `ValueError` saying what to write if it cannot be parsed."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError("write redis://host:port/0 or unix:///path")
    if parts.scheme in ("redis", "rediss") and not _names_a_server(url):
        raise ValueError(
            "write redis://host:port/0, and : / ? # @ % in a password as %3A %2F %3F %23 %40 %25"
        )
    check = dict(parse_qsl(parts.query)).get(_CHECK)
    if check is not None and check.lower() not in _CHECKS:
        raise ValueError(f"write {_CHECK}=required or {_CHECK}=none")
    return url


def verifying(url: str) -> str:
    """Return the URL with certificate verification required, unless it says otherwise.

    Celery's own library would encrypt but verify nothing, and send the password to any server.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme != "rediss" and not any(name.startswith("ssl_") for name in query):
        return url
    query[_CHECK] = _CHECKS[query.get(_CHECK, "required").lower()]
    if query[_CHECK] != "none":
        query.setdefault(_HOST, "true")
    return urlunsplit(parts._replace(scheme="rediss", query=urlencode(query)))


def _names_a_server(url: str) -> bool:
    parts = urlsplit(url)
    try:
        parts.port  # noqa: B018  # Reading it is what raises.
    except ValueError:
        return False
    database = parts.path.strip("/")
    return not parts.fragment and (not database or database.isdecimal())
