"""What is wrong with a bucket, in a sentence, with what to do about it.

The library's own messages describe requests and their answers at length; only the provider's code,
the status and the kind of a broken connection are used.
"""

import re

from nurture.archive.place import PlaceError
from nurture.bucket_address import BucketAddress

_CODE = re.compile(r"<Code>(\w+)</Code>|\(code: (\w+)\)")
_STATUS = re.compile(r"status code: (\d{3})")

_KEYS = "NURTURE_BACKUP_S3_KEY and NURTURE_BACKUP_S3_SECRET"

#: By the provider's code, or the status if there is none: what is wrong, and what to do next.
_BY_CODE = {
    "NoSuchBucket": (
        "{host} has no bucket named {bucket}",
        "Make it there, or correct NURTURE_BACKUP_URL.",
    ),
    "NoSuchKey": ("{place} does not hold that file", "Look which files lie there."),
    "InvalidAccessKeyId": ("{host} does not know the key", f"Set {_KEYS} to a key that it gave."),
    "SignatureDoesNotMatch": (
        "{host} says that the secret is not the key’s",
        f"Set {_KEYS} to a key and the secret that belongs to it.",
    ),
    "RequestTimeTooSkewed": ("{host} has quite another time", "Set the clock of this machine."),
    "AuthorizationHeaderMalformed": (
        "{host} keeps {bucket} in another region",
        "Write region=… into NURTURE_BACKUP_URL.",
    ),
    "QuotaExceeded": ("{bucket} has no room left", "Make room there, or ask for more."),
    "SlowDown": ("{host} asks for fewer requests", "It is tried again by itself."),
}
_BY_CODE |= {
    "301": _BY_CODE["AuthorizationHeaderMalformed"],
    "PermanentRedirect": _BY_CODE["AuthorizationHeaderMalformed"],
    "QuotaExceededException": _BY_CODE["QuotaExceeded"],
    "XMinioStorageFull": _BY_CODE["QuotaExceeded"],
    "401": _BY_CODE["InvalidAccessKeyId"],
    "AccessDenied": (
        "the key may not do that in {bucket}",
        "Let it list, read, write and delete there.",
    ),
}
_BY_CODE["404"] = _BY_CODE["NoSuchKey"]
_BY_CODE["403"] = _BY_CODE["AccessDenied"]

#: By words in the error of a connection that failed.
_BY_WORD = (
    ("dns error", "no name server knows {host}", "Correct the endpoint in NURTURE_BACKUP_URL."),
    (
        "refused",
        "nothing answers at {endpoint}",
        "Correct the endpoint in NURTURE_BACKUP_URL, or wait until it is back.",
    ),
    (
        "certificate",
        "the certificate of {host} is not to be trusted",
        "Correct the endpoint in NURTURE_BACKUP_URL, or have the certificate mended.",
    ),
    (
        "timed",
        "{host} does not answer in time",
        "See whether this machine reaches it; it is tried again by itself.",
    ),
)


def trouble_with(error: Exception, address: BucketAddress) -> PlaceError:
    """Return the error that says what keeps a bucket from being used."""
    said, remedy = _found(str(error))
    for name, value in (
        ("{host}", address.host),
        ("{bucket}", address.bucket),
        ("{place}", str(address)),
        ("{endpoint}", address.endpoint or address.host),
    ):
        said = said.replace(name, value)
    return PlaceError(f"{address} cannot be used: {said}.", remedy=remedy)


def _found(said: str) -> tuple[str, str]:
    code, status = _CODE.search(said), _STATUS.search(said)
    named = (code[1] or code[2]) if code else ""
    for one in (named, status[1] if status else ""):
        if one in _BY_CODE:
            return _BY_CODE[one]
    if named or status:
        answer = named or (status[1] if status else "")
        return f"{{host}} answers {answer}", "It is tried again by itself; ask your provider."
    lowered = said.lower()
    for word, what, remedy in _BY_WORD:
        if word in lowered:
            return what, remedy
    return (
        "the connection to {host} does not work",
        "Correct the endpoint in NURTURE_BACKUP_URL, or wait until it is back.",
    )
