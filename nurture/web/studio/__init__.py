"""The studio: the owner's pages, under `/studio/`.

One module per area defines the URLs it answers. A view is a translation from HTTP to a service
and back; `core.auth` lets no request reach a view without a session.

To add an area, write a module with `add_routes(studio, context)` and add it to `AREAS`. It appears
in the navigation if `core.navigation.NAVIGATION` names its first page.
"""

from flask import Blueprint

from nurture.bootstrap import Context
from nurture.web.studio import (
    account,
    blog,
    complaints,
    emails,
    guides,
    held,
    mail_account,
    mail_connection,
    people,
    person,
    practice,
    server_settings,
    sign_in,
    today,
)
from nurture.web.studio.broadcasts import drafts as broadcast_drafts
from nurture.web.studio.broadcasts import progress as broadcast_progress
from nurture.web.studio.broadcasts import review as broadcast_review
from nurture.web.studio.core import auth, errors, flash, formatting
from nurture.web.studio.door import waiting
from nurture.web.studio.lists import imports as list_imports
from nurture.web.studio.lists import uploaded as uploaded_lists
from nurture.web.studio.segments import builder
from nurture.web.studio.segments import pages as segment_pages
from nurture.web.studio.sequences import editor
from nurture.web.studio.sequences import pages as sequence_pages
from nurture.web.studio.sequences import sources as sequence_sources
from nurture.web.studio.website import fields as website_fields
from nurture.web.studio.website import form as website_form
from nurture.web.studio.website import overview as website_overview
from nurture.web.studio.website import sites as website_sites

#: Each of these modules answers a part of the studio's URLs.
AREAS = (
    sign_in,
    account,
    today,
    held,
    waiting,
    complaints,
    sequence_pages,
    sequence_sources,
    editor,
    emails,
    broadcast_drafts,
    broadcast_progress,
    broadcast_review,
    guides,
    practice,
    mail_account,
    mail_connection,
    blog,
    website_overview,
    website_form,
    website_sites,
    website_fields,
    server_settings,
    people,
    list_imports,
    uploaded_lists,
    person,
    segment_pages,
    builder,
)


def create_studio(context: Context) -> Blueprint:
    """Return the blueprint `studio`, to be registered at the root of the site."""
    studio = Blueprint(
        "studio",
        __name__,
        url_prefix="/studio",
        template_folder="../templates",
        static_folder="../static/studio",
        static_url_path="/static",
    )
    auth.put_into(studio, context)
    flash.put_into(studio, context)
    formatting.put_into(studio, context)
    errors.put_into(studio)
    for area in AREAS:
        area.add_routes(studio, context)
    return studio
