"""How the address of a bucket is written, and what it must contain before it is used."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

SCHEME = "s3://"

_WRITE = "write s3://bucket/folder?endpoint=https://host&region=name"


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """A bucket, a folder in it, and its provider; Amazon if no endpoint is given."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""

    def __str__(self) -> str:
        return SCHEME + "/".join(filter(None, (self.bucket, self.prefix)))

    @property
    def host(self) -> str:
        """The name of the server."""
        return urlsplit(self.endpoint).hostname or "Amazon S3"


def read_address(url: str) -> BucketAddress:
    """Return the address in a URL; raise `ValueError`, saying what to write."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError(
            "write no key into the address; NURTURE_BACKUP_S3_KEY and NURTURE_BACKUP_S3_SECRET "
            "hold it"
        )
    said = dict(parse_qsl(parts.query))
    if not parts.netloc or parts.fragment or said.keys() - {"endpoint", "region"}:
        raise ValueError(_WRITE)
    endpoint = said.get("endpoint", "").rstrip("/")
    if endpoint and not _is_endpoint(endpoint):
        raise ValueError(_WRITE)
    return BucketAddress(parts.netloc, parts.path.strip("/"), endpoint, said.get("region", ""))


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # Reading it is what raises.
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment or parts.username)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and bare
