"""Allowed origins: spelt as browsers spell them, and nothing beside them gets through."""

import pytest

from nurture.services.door import origins, thanks
from nurture.services.door.origins import AllowedOrigins, OriginError, plain_origin
from nurture.services.subscribers.signup import UnknownFormError
from tests.installation import Installation

OWN = ("https://human-movement.com", "https://www.human-movement.com")
FORM = "pain-guide"


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("example.org", "https://example.org"),
        (" HTTPS://Www.Example.org/free?x=1#y ", "https://www.example.org"),
        ("https://example.org:443", "https://example.org"),
        ("http://example.org:80/", "http://example.org"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://example.org.", "https://example.org"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_origin_is_spelt_as_browsers_spell_it(written: str, origin: str) -> None:
    assert plain_origin(written) == origin


@pytest.mark.parametrize(
    "written",
    ["", "//x.org", "javascript:alert(1)", "https://a@b.org", "https://a b.org", "*", "data:,x"],
)
def test_what_is_no_website_is_refused_with_a_remedy(written: str) -> None:
    with pytest.raises(OriginError, match="Write it like"):
        plain_origin(written)


@pytest.mark.parametrize(
    "url",
    [
        "https://human-movement.com.evil.example/",
        "https://evil.example/https://human-movement.com/",
        "https://human-movement.com@evil.example/",
        "https://human-movement.com\\@evil.example/",
        "//human-movement.com/",
        "http://human-movement.com/",
        "https://human-movement.com:8443/",
        "/thanks",
        "",
    ],
)
def test_an_address_that_only_looks_like_ours_is_not_covered(url: str) -> None:
    assert not AllowedOrigins(OWN).covers(url)


def test_the_practices_own_website_is_always_on_the_list(home: Installation) -> None:
    assert origins.allowed_origins(*home.context.stored) == AllowedOrigins(OWN)


def test_a_website_is_added_once_and_dropped_again(home: Installation) -> None:
    database, now = home.context.database, home.clock.now
    for written in ("shop.example.org", "https://SHOP.example.org/cart"):
        assert origins.add_origin(database, written, now) == "https://shop.example.org"
    allowed = origins.allowed_origins(*home.context.stored)
    assert allowed.added == ("https://shop.example.org",)
    assert origins.is_allowed(allowed, "https://shop.example.org")
    origins.drop_origin(database, "shop.example.org")
    assert origins.allowed_origins(*home.context.stored) == AllowedOrigins(OWN)
    with pytest.raises(OriginError, match="not on the list"):
        origins.drop_origin(database, "shop.example.org")


def test_the_sites_own_thanks_are_kept_only_on_an_allowed_site(home: Installation) -> None:
    database, catalogue, now = *home.context.stored, home.clock.now
    page = "https://www.human-movement.com/thanks"
    thanks.keep_thanks(database, catalogue, FORM, page, now)
    assert thanks.find_thanks(database, FORM) == page
    with pytest.raises(OriginError, match="not on the list"):
        thanks.keep_thanks(database, catalogue, FORM, "https://evil.example/", now)
    with pytest.raises(OriginError, match="no address of a page"):
        thanks.keep_thanks(database, catalogue, FORM, "thanks", now)
    with pytest.raises(UnknownFormError):
        thanks.keep_thanks(database, catalogue, "none", page, now)
    assert thanks.find_thanks(database, FORM) == page
    thanks.keep_thanks(database, catalogue, FORM, "", now)
    assert thanks.find_thanks(database, FORM) == ""


def test_thanks_on_a_site_that_was_dropped_since_are_ours_again(home: Installation) -> None:
    database, catalogue, now = *home.context.stored, home.clock.now
    origins.add_origin(database, "shop.example.org", now)
    thanks.keep_thanks(database, catalogue, FORM, "https://shop.example.org/thanks", now)
    origins.drop_origin(database, "shop.example.org")
    with database.reading() as connection:
        assert thanks.thanks_for(connection, AllowedOrigins(OWN), FORM) == ""
