"""Signing in: who is admitted, for how long, and after how many attempts nobody is."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from nurture.domain.passwords import PasswordRefusedError
from nurture.domain.sessions import (
    CODE_WAITS,
    COUNTED_FOR,
    FAILURES_PER_ACCOUNT,
    FAILURES_PER_CLIENT,
    IDLE_AT_MOST,
    LINK_LASTS,
    SESSION_LASTS,
)
from nurture.sealing import Seal
from nurture.services.owner import credentials, security, sessions
from nurture.services.owner.sessions import (
    LinkSpentError,
    SecondFactorLostError,
    SignedIn,
    SignInRefusedError,
    TooManyAttemptsError,
    UnknownOwnerError,
)
from nurture.store.database import Database
from nurture.store.tables.owners import owner_links, owners, recovery_codes
from nurture.store.tables.sign_ins import owner_sessions, sign_in_attempts
from tests.presence import at_least_one
from tests.quick import quick_passwords

__all__ = ["quick_passwords"]

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PAUL, PASSWORD, ANOTHER = "paul@example.org", "gently moving again", "a rather different one"
CLIENT = "192.0.2.1"
SEAL, RENEWED, OTHER = Seal(["former"]), Seal(["newest", "former"]), Seal(["newest"])


@pytest.fixture
def paul(database: Database) -> SignedIn:
    """An owner who has just set a password."""
    token = sessions.make_link(database, PAUL, NOW)
    return sessions.set_first_password(database, token, PASSWORD, NOW)


def sign_in(
    database: Database,
    password: str = PASSWORD,
    now: datetime = NOW,
    address: str = PAUL,
    client: str = CLIENT,
) -> SignedIn:
    return sessions.sign_in(database, address, password, client, f"hash of {address}", now)


def give_code(
    database: Database, waiting: SignedIn, code: str, now: datetime = NOW, seal: Seal = SEAL
) -> SignedIn:
    return sessions.give_code(database, seal, waiting, code, CLIENT, "hash of paul", now)


def is_in(database: Database, signed: SignedIn, now: datetime = NOW) -> bool:
    found = sessions.find_signed_in(database, signed.identifier, now)
    return found is not None and not found.awaits_code


def code_at(secret: str, now: datetime) -> str:
    """Return what a phone's app shows; the key is decoded as apps do, not by our own code."""
    totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
    return totp.generate(int(now.timestamp())).decode()


def with_codes(database: Database, paul: SignedIn, now: datetime = NOW) -> tuple[str, list[str]]:
    """Turn the second factor on; return the secret and the recovery codes."""
    security.offer_codes(database, SEAL, paul.owner)
    secret = security.get_account(database, SEAL, paul.owner).pending_secret
    assert secret
    _, codes = security.take_on_codes(database, SEAL, paul.owner, code_at(secret, now), now)
    return secret, codes


def everything_kept(database: Database) -> str:
    with database.reading() as connection:
        tables = (owners, owner_links, owner_sessions, recovery_codes)
        return repr([connection.execute(table.select()).all() for table in tables])


# --- The one-time link ----------------------------------------------------------------------------


def test_a_link_sets_the_password_and_signs_the_owner_in(
    database: Database, paul: SignedIn
) -> None:
    assert is_in(database, paul)
    assert is_in(database, sign_in(database))
    assert is_in(database, sign_in(database, address=" Paul@Example.org "))


def test_a_link_works_once(database: Database) -> None:
    token = sessions.make_link(database, PAUL, NOW)
    sessions.set_first_password(database, token, PASSWORD, NOW)
    with pytest.raises(LinkSpentError):
        sessions.set_first_password(database, token, ANOTHER, NOW)
    assert sessions.find_link(database, token, NOW) is None


def test_a_link_works_for_a_day(database: Database) -> None:
    token = sessions.make_link(database, PAUL, NOW)
    last = NOW + LINK_LASTS - timedelta(seconds=1)
    assert sessions.find_link(database, token, last) == PAUL
    with pytest.raises(LinkSpentError):
        sessions.set_first_password(database, token, PASSWORD, NOW + LINK_LASTS)


def test_a_new_link_replaces_the_previous_one(database: Database) -> None:
    first, second = (sessions.make_link(database, PAUL, NOW) for _ in range(2))
    assert sessions.find_link(database, first, NOW) is None
    assert sessions.find_link(database, second, NOW) == PAUL


def test_a_refused_password_leaves_the_link_usable(database: Database) -> None:
    token = sessions.make_link(database, PAUL, NOW)
    with pytest.raises(PasswordRefusedError):
        sessions.set_first_password(database, token, "short", NOW)
    assert sessions.find_link(database, token, NOW) == PAUL


def test_setting_a_password_by_link_ends_every_session(database: Database, paul: SignedIn) -> None:
    token = sessions.make_link(database, PAUL, NOW)
    again = sessions.set_first_password(database, token, ANOTHER, NOW)
    assert not is_in(database, paul)
    assert is_in(database, again)


def test_a_removed_owner_is_signed_out_immediately(database: Database, paul: SignedIn) -> None:
    with_codes(database, paul)
    sessions.remove_owner(database, PAUL)
    assert not is_in(database, paul)
    assert sessions.all_owners(database) == []
    with pytest.raises(SignInRefusedError):
        sign_in(database)
    with pytest.raises(UnknownOwnerError):
        sessions.remove_owner(database, PAUL)


# --- Password and limits --------------------------------------------------------------------------


def test_an_unknown_address_gets_the_same_answer_as_a_wrong_password(
    database: Database, paul: SignedIn
) -> None:
    said = []
    for address in (PAUL, "nobody@example.org"):
        with pytest.raises(SignInRefusedError) as refused:
            sign_in(database, "wrong", address=address)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_an_owner_without_a_password_cannot_sign_in(database: Database) -> None:
    sessions.make_link(database, PAUL, NOW)
    with pytest.raises(SignInRefusedError):
        sign_in(database, "")


def test_ten_failures_lock_an_account_for_a_quarter_of_an_hour(
    database: Database, paul: SignedIn
) -> None:
    for number in range(FAILURES_PER_ACCOUNT):
        with pytest.raises(SignInRefusedError):
            sign_in(database, "wrong", client=f"192.0.2.{number}")
    with pytest.raises(TooManyAttemptsError):
        sign_in(database, PASSWORD, client="192.0.2.99")
    assert is_in(database, sign_in(database, now=NOW + COUNTED_FOR), NOW + COUNTED_FOR)


@pytest.mark.parametrize("client", ["192.0.2.1", "2001:db8:1:2::{}"])
def test_a_client_that_tries_many_accounts_is_locked_too(
    database: Database, paul: SignedIn, client: str
) -> None:
    for number in range(FAILURES_PER_CLIENT):
        with pytest.raises(SignInRefusedError):
            address = f"somebody{number}@example.org"
            sign_in(database, "wrong", address=address, client=client.format(number + 1))
    with pytest.raises(TooManyAttemptsError):
        sign_in(database, client=client.format(99))
    assert is_in(database, sign_in(database, client="198.51.100.1"))


def test_frequent_successful_sign_ins_lock_nobody_out(database: Database, paul: SignedIn) -> None:
    signed = [sign_in(database) for _ in range(FAILURES_PER_ACCOUNT + 1)]
    assert all(is_in(database, one) for one in at_least_one(signed))


def test_sign_in_attempts_are_deleted_once_they_no_longer_count(
    database: Database, paul: SignedIn
) -> None:
    for now in (NOW, NOW + COUNTED_FOR + timedelta(seconds=1)):
        with pytest.raises(SignInRefusedError):
            sign_in(database, "wrong", now=now)
    with database.reading() as connection:
        assert len(connection.execute(sign_in_attempts.select()).all()) == 1


# --- Sessions -------------------------------------------------------------------------------------


def test_every_sign_in_has_its_own_identifier(database: Database, paul: SignedIn) -> None:
    assert len({paul.identifier, sign_in(database).identifier, sign_in(database).identifier}) == 3


def test_no_password_link_session_or_code_is_stored_in_plain_text(database: Database) -> None:
    token = sessions.make_link(database, PAUL, NOW)
    assert token not in everything_kept(database)
    paul = sessions.set_first_password(database, token, PASSWORD, NOW)
    _, codes = with_codes(database, paul)
    again = sessions.sign_in(database, PAUL, PASSWORD, CLIENT, "hash", NOW)
    kept = everything_kept(database)
    assert not [secret for secret in (PASSWORD, again.identifier, *codes) if secret in kept]
    assert "$argon2id$" in kept


def test_an_unused_session_expires(database: Database, paul: SignedIn) -> None:
    assert is_in(database, paul, NOW + IDLE_AT_MOST - timedelta(seconds=1))
    later = NOW + 2 * IDLE_AT_MOST - timedelta(minutes=1)
    assert is_in(database, paul, later)
    assert not is_in(database, paul, later + IDLE_AT_MOST)


def test_a_session_in_constant_use_expires_too(database: Database, paul: SignedIn) -> None:
    at = NOW
    while at + timedelta(hours=20) < NOW + SESSION_LASTS:
        at += timedelta(hours=20)
        assert is_in(database, paul, at)
    assert not is_in(database, paul, NOW + SESSION_LASTS)


def test_signing_out_ends_one_session_and_signing_out_everywhere_ends_all(
    database: Database, paul: SignedIn
) -> None:
    second, third = sign_in(database), sign_in(database)
    assert sessions.count_browsers(database, paul.owner, NOW) == 3
    sessions.sign_out(database, second.identifier)
    assert [is_in(database, one) for one in (paul, second, third)] == [True, False, True]
    assert sessions.sign_out_everywhere(database, paul.owner) == 2
    assert [is_in(database, one) for one in (paul, second, third)] == [False, False, False]


def test_changing_the_password_ends_every_other_session(database: Database, paul: SignedIn) -> None:
    other = sign_in(database)
    new = security.change_password(database, paul.owner, PASSWORD, ANOTHER, NOW)
    assert [is_in(database, one) for one in (paul, other, new)] == [False, False, True]
    with pytest.raises(SignInRefusedError):
        sign_in(database, PASSWORD)
    assert is_in(database, sign_in(database, ANOTHER))


def test_changing_a_password_needs_the_old_one_and_a_good_new_one(
    database: Database, paul: SignedIn
) -> None:
    with pytest.raises(SignInRefusedError):
        security.change_password(database, paul.owner, "wrong", ANOTHER, NOW)
    with pytest.raises(PasswordRefusedError):
        security.change_password(database, paul.owner, PASSWORD, "passwordpassword", NOW)
    assert is_in(database, paul)


# --- The second factor ----------------------------------------------------------------------------


def test_a_password_alone_does_not_sign_in_when_codes_are_on(
    database: Database, paul: SignedIn
) -> None:
    secret, _ = with_codes(database, paul)
    assert not is_in(database, paul)
    later = NOW + timedelta(minutes=5)
    waiting = sign_in(database, now=later)
    assert waiting.awaits_code
    assert not is_in(database, waiting, later)
    signed = give_code(database, waiting, code_at(secret, later), later)
    assert is_in(database, signed, later)
    assert signed.identifier != waiting.identifier
    assert sessions.find_signed_in(database, waiting.identifier, later) is None


def test_a_code_works_once(database: Database, paul: SignedIn) -> None:
    secret, _ = with_codes(database, paul)
    later = NOW + timedelta(minutes=5)
    code, before = code_at(secret, later), code_at(secret, later - timedelta(seconds=30))
    give_code(database, sign_in(database, now=later), code, later)
    for replayed in (code, before):
        with pytest.raises(SignInRefusedError):
            give_code(database, sign_in(database, now=later), replayed, later)


def test_the_code_that_turned_codes_on_cannot_be_reused(database: Database, paul: SignedIn) -> None:
    secret, _ = with_codes(database, paul)
    with pytest.raises(SignInRefusedError):
        give_code(database, sign_in(database), code_at(secret, NOW))


def test_a_phone_clock_may_be_off_by_half_a_minute_at_most(
    database: Database, paul: SignedIn
) -> None:
    secret, _ = with_codes(database, paul)
    later = NOW + timedelta(minutes=5)
    for seconds in (-60, 60):
        off = code_at(secret, later + timedelta(seconds=seconds))
        with pytest.raises(SignInRefusedError):
            give_code(database, sign_in(database, now=later), off, later)
    ahead = code_at(secret, later + timedelta(seconds=30))
    assert is_in(database, give_code(database, sign_in(database, now=later), ahead, later), later)


def test_a_recovery_code_works_once_in_any_spelling(database: Database, paul: SignedIn) -> None:
    _, codes = with_codes(database, paul)
    typed = codes[0].replace("-", " ").upper()
    assert is_in(database, give_code(database, sign_in(database), typed))
    with pytest.raises(SignInRefusedError):
        give_code(database, sign_in(database), codes[0])
    assert is_in(database, give_code(database, sign_in(database), codes[1]))


def test_guessing_codes_locks_the_account(database: Database, paul: SignedIn) -> None:
    secret, _ = with_codes(database, paul)
    waiting = sign_in(database)
    for _ in range(FAILURES_PER_ACCOUNT):
        with pytest.raises(SignInRefusedError):
            give_code(database, waiting, "000000x")
    with pytest.raises(TooManyAttemptsError):
        give_code(database, waiting, code_at(secret, NOW + timedelta(seconds=30)))


def test_a_sign_in_that_waits_for_a_code_expires(database: Database, paul: SignedIn) -> None:
    with_codes(database, paul)
    waiting = sign_in(database)
    assert sessions.find_signed_in(database, waiting.identifier, NOW)
    assert sessions.find_signed_in(database, waiting.identifier, NOW + CODE_WAITS) is None


def test_a_password_link_does_not_bypass_the_second_factor(
    database: Database, paul: SignedIn
) -> None:
    with_codes(database, paul)
    token = sessions.make_link(database, PAUL, NOW)
    assert sessions.set_first_password(database, token, ANOTHER, NOW).awaits_code


def test_a_valid_code_turns_codes_on_and_the_password_turns_them_off(
    database: Database, paul: SignedIn
) -> None:
    security.offer_codes(database, SEAL, paul.owner)
    with pytest.raises(SignInRefusedError):
        security.take_on_codes(database, SEAL, paul.owner, "123", NOW)
    assert not security.get_account(database, SEAL, paul.owner).asks_for_codes
    with_codes(database, paul)
    with pytest.raises(SignInRefusedError):
        security.give_up_codes(database, paul.owner, "wrong", NOW)
    security.give_up_codes(database, paul.owner, PASSWORD, NOW)
    assert not sign_in(database).awaits_code
    assert "code_hash" not in everything_kept(database)


def test_the_codes_match_the_test_vectors_of_rfc_6238() -> None:
    """RFC 6238 appendix B, the last six digits, with the secret of its test vectors."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        at = datetime.fromtimestamp(seconds, UTC)
        assert credentials.find_counter(secret, code, at) == seconds // 30


# --- The second factor's secret -------------------------------------------------------------------

LATER = NOW + timedelta(minutes=5)


def test_the_database_does_not_reveal_the_second_factor_secret(
    database: Database, paul: SignedIn
) -> None:
    security.offer_codes(database, SEAL, paul.owner)
    secret = security.get_account(database, SEAL, paul.owner).pending_secret
    assert secret and secret not in everything_kept(database)
    secret, _ = with_codes(database, paul)
    assert secret not in everything_kept(database)


def test_an_unsealed_secret_from_an_older_version_works_and_is_sealed_at_startup(
    database: Database, paul: SignedIn
) -> None:
    secret, _ = with_codes(database, paul)
    with database.writing() as connection:
        connection.execute(owners.update().values(totp_secret=secret))
    give_code(database, sign_in(database, now=LATER), code_at(secret, LATER), LATER)
    assert security.seal_secrets(database, SEAL) == 1
    assert secret not in everything_kept(database)
    assert security.seal_secrets(database, SEAL) == 0
    later = LATER + timedelta(minutes=5)
    assert give_code(database, sign_in(database, now=later), code_at(secret, later), later)


def test_the_previous_key_opens_second_factors_until_startup_reseals_them(
    database: Database, paul: SignedIn
) -> None:
    secret, _ = with_codes(database, paul)
    waiting = sign_in(database, now=LATER)
    give_code(database, waiting, code_at(secret, LATER), LATER, RENEWED)
    assert security.seal_secrets(database, RENEWED) == 1
    later = LATER + timedelta(minutes=5)
    waiting = sign_in(database, now=later)
    assert is_in(
        database, give_code(database, waiting, code_at(secret, later), later, OTHER), later
    )


def test_a_sign_in_without_the_second_factor_key_names_the_command_to_reset_codes(
    database: Database, paul: SignedIn
) -> None:
    secret, codes = with_codes(database, paul)
    assert security.seal_secrets(database, OTHER) == 0
    waiting = sign_in(database, now=LATER)
    with pytest.raises(SecondFactorLostError, match=f"nurture owner reset-codes {PAUL}"):
        give_code(database, waiting, code_at(secret, LATER), LATER, OTHER)
    assert is_in(database, give_code(database, waiting, codes[0], LATER, OTHER), LATER)
    security.reset_codes(database, PAUL)
    assert not sign_in(database, now=LATER).awaits_code
    with pytest.raises(UnknownOwnerError):
        security.reset_codes(database, "nobody@example.org")
