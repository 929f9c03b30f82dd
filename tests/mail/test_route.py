"""The accepted forms of the mail server's URL, and the errors for all others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.mail.login import LoginMethod
from nurture.mail.smtp.route import RouteError, SmtpRoute, StartTls


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("smtp://mail.example.org", 25),
        ("smtp://u:p@mail.example.org", 587),
        ("smtps://u:p@mail.example.org", 465),
        ("smtp://mail.example.org:2525/", 2525),
    ],
)
def test_the_default_ports_may_be_omitted(url: str, port: int) -> None:
    assert SmtpRoute.from_url(url).port == port


@pytest.mark.parametrize(
    ("url", "starttls"),
    [
        ("smtp://mail.example.org", StartTls.WHEN_OFFERED),
        ("smtp://mail.example.org?starttls=required", StartTls.REQUIRED),
        ("smtp://mail.example.org?starttls=never", StartTls.NEVER),
        ("smtp://u:p@mail.example.org", StartTls.REQUIRED),
        ("smtp://u:p@mail.example.org?starttls=never", StartTls.NEVER),
        ("smtp://u:p@127.0.0.1", StartTls.NEVER),
        ("smtp://u:p@[::1]", StartTls.NEVER),
        ("smtp://localhost", StartTls.NEVER),
        ("smtp://localhost?starttls=required", StartTls.REQUIRED),
        ("smtp://u:p@localhost.example.org", StartTls.REQUIRED),
    ],
)
def test_a_password_is_sent_encrypted_by_default(url: str, starttls: StartTls) -> None:
    assert SmtpRoute.from_url(url).starttls is starttls


def test_user_name_and_password_are_percent_decoded() -> None:
    route = SmtpRoute.from_url("smtp://paul%40example.org:p%2Fa%3As%25s@mail.example.org")
    assert (route.user, route.password) == ("paul@example.org", "p/a:s%s")


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("", "smtp://"),
        ("http://mail.example.org", "smtp://"),
        ("user:hunter2@mail.example.org", "smtp://"),
        ("smtp://", "host"),
        ("smtp://user:hunter2@", "host"),
        ("smtp://user:hunter2@ma il.example.org", "host"),
        ("smtp://user:hunter2@bücher.example.org", "host"),
        ("smtp://user:hunter2@mail.example.org:99999", "port"),
        ("smtp://user:hunter2@mail.example.org:0", "port"),
        ("smtp://user:hun/ter2@mail.example.org", "password"),
        ("smtp://user:hun#ter2@mail.example.org", "password"),
        ("smtp://user:hun?ter2@mail.example.org", "password"),
        ("smtp://user@mail.example.org", "password"),
        ("smtp://:hunter2@mail.example.org", "user name"),
        ("smtp://user:hunter2%0D%0A@mail.example.org", "password"),
        ("smtp://user:hunt%C3%A4r2@mail.example.org", "password"),
        ("smtp://user:hunter2@mail.example.org?tls=yes", "option"),
        ("smtp://user:hunter2@mail.example.org?starttls=hunter2", "starttls"),
        ("smtps://user:hunter2@mail.example.org?starttls=required", "smtps"),
        ("smtp://user:hunter2@[mail.example.org", "NURTURE_SMTP_URL"),
        ("smtp://user:hunter2@mail.example.org?auth=xoauth2", "both a password and auth=xoauth2"),
        ("smtp://mail.example.org?auth=oauthbearer", "no user name"),
        ("smtp://user:hunter2@mail.example.org?auth=hunter2", "option auth"),
        ("smtp://user@mail.example.org?auth=password", "password"),
    ],
)
def test_a_mistake_in_the_url_is_named_with_its_remedy_and_without_the_password(
    url: str, part: str
) -> None:
    with pytest.raises(RouteError) as raised:
        SmtpRoute.from_url(url)
    assert part in str(raised.value)
    assert raised.value.remedy
    assert "hun" not in str(raised.value)
    assert "ter2" not in str(raised.value)


def test_a_route_is_displayed_without_its_password() -> None:
    route = SmtpRoute.from_url("smtp://user:hunter2@[::1]:2525")
    assert "hunter2" not in f"{route} {route!r}"
    assert str(route) == "[::1]:2525"


@given(st.text(max_size=40))
def test_any_text_gives_a_route_or_a_route_error(text: str) -> None:
    for url in (text, f"smtp://{text}", f"smtp://u:p@host{text}"):
        try:
            route = SmtpRoute.from_url(url)
        except RouteError as error:
            assert error.remedy
        else:
            assert route.host


@pytest.mark.parametrize(
    ("query", "login"),
    [
        ("?auth=xoauth2", LoginMethod.XOAUTH2),
        ("?auth=oauthbearer&starttls=required", LoginMethod.OAUTHBEARER),
    ],
)
def test_a_connected_account_has_a_user_name_and_no_password(
    query: str, login: LoginMethod
) -> None:
    route = SmtpRoute.from_url(f"smtp://paul%40practice.example@mail.example.org{query}")
    assert (route.user, route.password, route.login) == ("paul@practice.example", None, login)
    assert route.starttls is StartTls.REQUIRED


def test_a_password_may_be_asked_for_by_name() -> None:
    assert SmtpRoute.from_url("smtp://u:p@m.example.org?auth=password") == SmtpRoute.from_url(
        "smtp://u:p@m.example.org"
    )
