"""The access tokens of the connected account, renewed by one process for all.

A token is stored sealed, with its life, and every process uses that one. Before it expires, one
process takes a lease, asks the provider with no transaction open, and stores the answer. If it is
killed on the way, the lease ends by the real clock and another one asks, with the refresh token
that is stored. A provider that has replaced that token in the meantime may still accept the old
one, as Microsoft does, or refuse it: then the grant has lapsed and the owner is told. It is never
lost unnoticed.
"""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nurture.clock import Clock, real_now
from nurture.domain.account.token_life import TokenLife, life_of
from nurture.mail.login import AccessTokenUnavailableError, GrantLapsedError
from nurture.mail.oauth.endpoint import PATIENCE_SECONDS
from nurture.mail.oauth.providers import Client, NoClientError, provider_of
from nurture.mail.oauth.tokens import ClientRefusedError, IssuedTokens, refresh
from nurture.sealing import Seal, SealBrokenError
from nurture.settings import Settings
from nurture.store.database import Connection, Database, DatabaseUnavailableError
from nurture.store.tables import grants
from nurture.store.tables.grants import Grant

#: How long the asking process may take: the time limit of the request, and a moment to store.
_LEASE = timedelta(seconds=PATIENCE_SECONDS + 2)

#: After a lapse, or a failure while the old token still works, the provider is left alone.
_PAUSE = timedelta(minutes=1)

#: A token in memory is used for this long before the database is asked whether it still counts.
_LOOK_AGAIN_SECONDS = 60.0

#: How long to wait before looking again whether another process has its answer.
_TURN_SECONDS = 0.1

#: How long to wait before each further attempt to store an answer.
_STORE_AGAIN = (0.2, 1.0, 3.0)


@dataclass(frozen=True, slots=True)
class _InMemory:
    """A token that this process has seen in the database, and when."""

    token: str = field(repr=False)
    life: TokenLife
    seen_at: float

    def serves(self) -> bool:
        recent = time.monotonic() - self.seen_at < _LOOK_AGAIN_SECONDS
        return recent and self.life.is_fresh(real_now())


@dataclass(frozen=True, slots=True)
class _Unstored:
    """An answer that the database did not take yet, and the refresh token it was asked with."""

    used: str = field(repr=False)
    tokens: IssuedTokens = field(repr=False)
    life: TokenLife


class GrantedTokens:
    """The `RenewableTokens` of the account that is connected in this database."""

    def __init__(self, database: Database, seal: Seal, settings: Settings, clock: Clock) -> None:
        self._database, self._seal = database, seal
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._known: _InMemory | None = None
        self._unstored: _Unstored | None = None
        self._failure: tuple[float, GrantLapsedError | AccessTokenUnavailableError] | None = None

    def current(self) -> str:
        """Return the account's access token; see `AccessTokens`."""
        known = self._known
        if known is None:
            return self._in_turn("")
        renewing = self._lock.locked() and known.life.is_usable(real_now())
        return known.token if renewing or known.serves() else self._in_turn("")

    def renewed(self, refused: str) -> str:
        """Return another token than the refused one; see `RenewableTokens`."""
        return self._in_turn(refused)

    def _in_turn(self, refused: str) -> str:
        """Find a token, one thread at a time; those that waited share a failure."""
        began = time.monotonic()
        with self._lock:
            if self._failure is not None and self._failure[0] > began:
                raise self._failure[1]
            try:
                return self._find(refused)
            except DatabaseUnavailableError as error:
                failure: GrantLapsedError | AccessTokenUnavailableError
                failure = AccessTokenUnavailableError(error.message, remedy=error.remedy)
            except (GrantLapsedError, AccessTokenUnavailableError) as error:
                failure = error
            self._failure = time.monotonic(), failure
            raise failure

    def _find(self, refused: str) -> str:
        self._store_left_over()
        known = self._known
        if known is not None and known.serves() and known.token != refused:
            return known.token
        deadline = time.monotonic() + _LEASE.total_seconds() + 1
        while time.monotonic() < deadline:
            with self._database.reading() as connection:
                grant = _insist_on_grant(connection)
            if self._is_good(grant, refused, fresh=True):
                return self._remember(grant)
            if (leased := self._lease(refused)) is not None:
                return self._ask(leased, refused)
            if self._is_good(grant, refused, fresh=False):
                return self._remember(grant)
            if grant.lapsed_at is not None:
                raise GrantLapsedError(grant.lapsed_because)
            time.sleep(_TURN_SECONDS)
        raise AccessTokenUnavailableError(
            "Another process was asking for an access token, and got none in time.",
            remedy="It is asked again soon; emails wait until then.",
        )

    def _is_good(self, grant: Grant, refused: str, *, fresh: bool) -> bool:
        """Return whether the stored token may be used: without hurry, or at least just now."""
        if not grant.access_token or (refused and self._open(grant.access_token) == refused):
            return False
        now = real_now()
        return grant.life.is_fresh(now) if fresh else grant.life.is_usable(now)

    def _remember(self, grant: Grant) -> str:
        token = self._open(grant.access_token)
        self._known = _InMemory(token, grant.life, time.monotonic())
        return token

    def _open(self, sealed: str) -> str:
        try:
            return self._seal.open(sealed)
        except SealBrokenError:
            raise GrantLapsedError(
                "The permission to use the mail account is sealed with a key that is not here.",
                remedy="If the keys have just been changed, restart nurture; else put that "
                "NURTURE_SECRET_KEY back, or connect the account again.",
            ) from None

    def _lease(self, refused: str) -> Grant | None:
        """Return the grant to ask with, or `None` if another process asks or has asked."""
        if self._database.looking:
            raise AccessTokenUnavailableError(
                "The access token has run out, and looking renews none.",
                remedy="The next email that leaves renews it; look again after that.",
            )
        with self._database.writing() as connection:
            grant = _insist_on_grant(connection, lock=True)
            if grant.is_leased(real_now()) or self._is_good(grant, refused, fresh=True):
                return None
            grants.change_grant(connection, leased_until=real_now() + _LEASE)
            return grant

    def _ask(self, grant: Grant, refused: str) -> str:
        """Ask the provider with the leased grant, and store what it says."""
        used = self._open(grant.refresh_token)
        try:
            provider = provider_of(self._settings, grant.provider)
            tokens = refresh(provider, self._client(grant), used)
        except NoClientError as unknown:
            raise GrantLapsedError(unknown.message, remedy=unknown.remedy) from None
        except AccessTokenUnavailableError as away:
            return self._do_without(grant, refused, used, away)
        except ClientRefusedError:
            self._change(used, {"leased_until": None})
            raise
        except GrantLapsedError as lapsed:
            self._note_lapse(grant, used, lapsed)
            raise
        life = life_of(tokens.lifetime, real_now())
        self._unstored = _Unstored(used, tokens, life)
        self._store_patiently()
        self._known = _InMemory(tokens.access_token, life, time.monotonic())
        return tokens.access_token

    def _client(self, grant: Grant) -> Client:
        """Return the app that got the grant, with the secret it has now if that is set."""
        is_set = grant.client_id == self._settings.oauth_client_id
        secret = self._settings.oauth_client_secret if is_set else ""
        return Client(grant.client_id, secret or self._open(grant.client_secret))

    def _do_without(
        self, grant: Grant, refused: str, used: str, away: AccessTokenUnavailableError
    ) -> str:
        """Go on with the token there is while the provider gives no other."""
        usable = self._is_good(grant, refused, fresh=False)
        self._change(used, {"leased_until": real_now() + _PAUSE if usable else None})
        if not usable:
            raise away
        return self._remember(grant)

    def _note_lapse(self, grant: Grant, used: str, lapsed: GrantLapsedError) -> None:
        values = {
            "access_token": "",
            "lapsed_at": grant.lapsed_at or self._clock(),
            "lapsed_because": str(lapsed),
            "leased_until": real_now() + _PAUSE,
        }
        self._change(used, values)
        self._known = None

    def _store_patiently(self) -> None:
        """Store the answer; one that the database does not take now is stored before the next."""
        for pause in (0.0, *_STORE_AGAIN):
            time.sleep(pause)
            with suppress(DatabaseUnavailableError):
                return self._store_left_over()

    def _store_left_over(self) -> None:
        left = self._unstored
        if left is None:
            return
        values = {
            "refresh_token": self._seal.seal(left.tokens.refresh_token or left.used),
            "access_token": self._seal.seal(left.tokens.access_token),
            "renew_at": left.life.renew_at,
            "expires_at": left.life.expires_at,
            "lapsed_at": None,
            "lapsed_because": "",
            "leased_until": None,
        }
        self._change(left.used, values)
        self._unstored = None

    def _change(self, used: str, values: Mapping[str, Any]) -> None:
        """Change the grant, unless another has taken its place since it was asked with."""
        with self._database.writing() as connection:
            grant = grants.find_grant(connection, lock=True)
            if grant is not None and self._open(grant.refresh_token) == used:
                grants.change_grant(connection, **values)


def _insist_on_grant(connection: Connection, *, lock: bool = False) -> Grant:
    grant = grants.find_grant(connection, lock=lock)
    if grant is None:
        raise GrantLapsedError(
            "No mail account is connected.",
            remedy="Connect it: “nurture account connect google” or “nurture account connect "
            "microsoft”, or Your mail account in the studio.",
        )
    return grant
