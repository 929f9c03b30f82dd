"""The keys of one installation: what signs, what hashes addresses, and what has leaked."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys as they are used; nothing of them is shown.

    `signing` come newest first: the first signs, and links by all of them work. `address` hashes
    addresses and must stay the same for ever. Links by `leaked` keys are the way out and no more.
    `before` is what proved Message-IDs while no key for addresses was set.
    """

    signing: tuple[str, ...] = field(repr=False)
    address: str = field(repr=False)
    leaked: tuple[str, ...] = field(default=(), repr=False)
    before: str = field(default="", repr=False, compare=False)

    @classmethod
    def of(cls, secret_key: str, address_key: str = "", leaked_keys: str = "") -> "Keys":
        """The keys from their settings, several of a kind with commas between.

        A key that is named as leaked is trusted no more, wherever else it stands. Where no key
        for addresses is set, it is the oldest that signs, as it was before it had a setting.
        """
        written, leaked = split(secret_key), split(leaked_keys)
        signing = tuple(key for key in written if key not in leaked)
        before = "" if address_key else "".join(written[:1])
        return cls(signing, address_key or "".join(written[-1:]), leaked, before)

    def rotated(self, new: str, leaked: bool) -> "Keys":
        """These keys with a new one in front; the others serve on, or count as leaked."""
        if not leaked:
            return Keys((new, *self.signing), self.address, self.leaked)
        return Keys((new,), self.address, (*self.signing, *self.leaked))

    @property
    def opening(self) -> tuple[str, ...]:
        """The keys that something may have been sealed with, those that are trusted first."""
        return (*self.signing, *self.leaked)


def split(written: str) -> tuple[str, ...]:
    """The values of a setting that holds several, with commas between."""
    return tuple(part.strip() for part in written.split(",") if part.strip())


def joined(values: tuple[str, ...]) -> str:
    """Several values as one setting holds them."""
    return ",".join(values)
