"""Kinds of account: some are told by the mail server's name."""

import pytest

from nurture.domain.account.presets import preset_at


@pytest.mark.parametrize(
    ("server", "user", "key"),
    [
        ("smtp.gmail.com", "paul@human-movement.com", "google-workspace"),
        ("smtp.gmail.com", "Paul@Gmail.com", "gmail"),
        ("smtp-relay.gmail.com", "", "google-workspace"),
        ("SMTP.Office365.com.", "paul@human-movement.com", "microsoft-365"),
        ("email-smtp.eu-west-2.amazonaws.com", "AKIA", "amazon-ses"),
        ("smtp.postmarkapp.com", "", "relay"),
        ("smtp.eu.mailgun.org", "", "relay"),
        ("127.0.0.1", "", None),
        ("gmail.com.example.org", "", None),
        ("", "", None),
    ],
)
def test_the_mail_servers_name_tells_the_kind_of_account(
    server: str, user: str, key: str | None
) -> None:
    found = preset_at(server, user)
    assert (found.key if found else None) == key
