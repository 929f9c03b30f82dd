"""The keys of one installation: those that sign, that hash addresses, and that have leaked."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys as they are used; none of them appears in a `repr`.

    `signing` is ordered newest first: the first key signs, and links signed by any of them work.
    `address` hashes addresses and must never change. Links signed by `leaked` keys can only be used
    to opt out. `before` is what authenticated Message-IDs while no address key was set.
    """

    signing: tuple[str, ...] = field(repr=False)
    address: str = field(repr=False)
    leaked: tuple[str, ...] = field(default=(), repr=False)
    before: str = field(default="", repr=False, compare=False)

    @classmethod
    def of(cls, secret_key: str, address_key: str = "", leaked_keys: str = "") -> "Keys":
        """Return the keys from their settings, each with its values separated by commas.

        A key listed as leaked is no longer trusted, wherever else it appears. If no address key is
        set, it is the oldest signing key, as it was before it had a setting.
        """
        written, leaked = split(secret_key), split(leaked_keys)
        signing = tuple(key for key in written if key not in leaked)
        before = "" if address_key else "".join(written[:1])
        return cls(signing, address_key or "".join(written[-1:]), leaked, before)

    def rotated(self, new: str, leaked: bool) -> "Keys":
        """Return these keys with a new one first; the others keep working, or count as leaked."""
        if not leaked:
            return Keys((new, *self.signing), self.address, self.leaked)
        return Keys((new,), self.address, (*self.signing, *self.leaked))

    @property
    def opening(self) -> tuple[str, ...]:
        """The keys that something may have been sealed with, the trusted ones first."""
        return (*self.signing, *self.leaked)


def split(written: str) -> tuple[str, ...]:
    """Return the values of a setting, which are separated by commas."""
    return tuple(part.strip() for part in written.split(",") if part.strip())


def joined(values: tuple[str, ...]) -> str:
    """Join several values into one setting."""
    return ",".join(values)
