"""Everything stored about one person, as a page to read and to print."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from nurture.domain.subscribers.consent import said_where


def personal_page(record: Mapping[str, Any]) -> str:
    """Return a self-contained HTML document made from what `services.subscribers.export` returns.

    Times are in the person's time zone. Details left out of the page, such as row numbers,
    are in the JSON document.
    """
    zone = ZoneInfo(record["person"]["time_zone"])

    def moment(text: str | None) -> str:
        if not text:
            return ""
        at = datetime.fromisoformat(text).astimezone(zone)
        return f"{at.day} {at:%B %Y, %H:%M}"

    return _template().render(record=record, moment=moment, said_where=said_where)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("personal_page.html")
