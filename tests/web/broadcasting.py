"""What the tests of the studio's broadcasts share: people to write to, and the pages' buttons."""

import re
from datetime import timedelta
from html import unescape

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from nurture.domain.subscribers.consent import Purpose
from nurture.services.broadcasts.freezing import attend
from tests.installation import Installation
from tests.web.reading import words
from tests.web.studio import send

START = "/studio/broadcasts"
NEWS = f"{START}/spring-news"
TEXT = "/studio/emails/broadcast:spring-news/email"

#: What the form of the settings asks for.
SETTINGS = {
    "title": "Spring news",
    "stream": "news",
    "people": "everyone",
    "when": "now",
    "at_day": "2026-12-07",
    "at_time": "09:00",
    "on": "2026-12-07",
    "hour": "09:00",
    "late": "send",
    "late_days": "7",
}


def join(home: Installation, *names: str, purpose: Purpose = Purpose.NEWS) -> None:
    """Let people sign up, agree to a stream and confirm their addresses."""
    for name in names:
        home.subscribe(f"{name.lower()}@example.org", first_name=name, ticked=(purpose,))
        home.deliver()
        home.collect(home.enrolment(f"{name.lower()}@example.org")["id"])


def make(paul: FlaskClient, title: str = "Spring news", **more: str) -> TestResponse:
    """Make a new broadcast as its form does."""
    said = {"title": title, "stream": "news", "start": "blank"} | more
    return send(paul, f"{START}/new/draft", START, **said)


def write(
    paul: FlaskClient, page: str = TEXT, action: str = "review", **changed: str
) -> TestResponse:
    """Save the text of a broadcast as the editor does."""
    shown = paul.get(page).text
    version = re.search(r'name="version" value="(\d+)"', shown)
    area = re.search(r'name="body"[^>]*>\n(.*?)</textarea>', shown, re.DOTALL)
    assert version and area
    said = {
        "version": version[1],
        "subject": "News of spring",
        "preheader": "We open again.",
        "body": unescape(area[1]),
        "topics": "",
        "action": action,
    }
    return send(paul, page, **(said | changed))


def press(paul: FlaskClient, page: str, button: str) -> TestResponse:
    """Press the button with those words on a page, with everything its form carries."""
    forms = re.findall(r'<form class="act"[^>]*action="([^"]+)">(.*?)</form>', paul.get(page).text)
    [(to, inside)] = [one for one in forms if button in words(one[1])]
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', inside)
    return paul.post(to, data=dict(hidden))


def work(home: Installation, **length: float) -> None:
    """Let time pass, if any, and a worker do what is due then."""
    home.clock.advance(timedelta(**length))
    attend(*home.context.stored, home.clock.now)
    home.deliver()
    attend(*home.context.stored, home.clock.now)


def reviewed(paul: FlaskClient, **changed: str) -> None:
    """Make a broadcast whose text is ready to be sent."""
    make(paul)
    assert write(paul, **changed).status_code == 303
