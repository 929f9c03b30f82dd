"""The studio: the owner's pages, under `/studio/`.

One module per area says which addresses it answers. A view is a translation from HTTP to a
service and back; nobody gets as far as a view without a session, which `door` sees to.

To add an area, write a module with `add_routes(studio, house)` and put it into `AREAS`. It
appears in the navigation by itself where `wording.NAVIGATION` names its first page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from nurture.web.studio import (
    account,
    answers,
    building,
    door,
    emails,
    guides,
    held,
    machinery,
    people,
    person,
    practice,
    segments,
    sequence_editing,
    sequences,
    signing_in,
    telling,
    today,
    website,
    wording,
)

if TYPE_CHECKING:
    from nurture.bootstrap import House

#: Each module here answers a part of the studio's addresses.
AREAS = (
    signing_in,
    account,
    today,
    held,
    sequences,
    sequence_editing,
    emails,
    guides,
    practice,
    website,
    machinery,
    people,
    person,
    segments,
    building,
)


def create_studio(house: House) -> Blueprint:
    """The blueprint `studio`, to be registered at the root of the site."""
    studio = Blueprint(
        "studio",
        __name__,
        url_prefix="/studio",
        template_folder="../templates",
        static_folder="../static/studio",
        static_url_path="/static",
    )
    door.put_into(studio, house)
    telling.put_into(studio, house)
    wording.put_into(studio, house)
    answers.put_into(studio)
    for area in AREAS:
        area.add_routes(studio, house)
    return studio
