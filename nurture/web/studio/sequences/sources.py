"""Where the people of a form came from, with the people behind each figure."""

from flask import Blueprint, abort, render_template, request

from nurture.bootstrap import Context
from nurture.services.delivery.pause import UnknownSequenceError
from nurture.services.reports import sources
from nurture.services.reports.sources import NoFormError, OriginDeed, SourceBy, SourceFigure
from nurture.web.studio.core.formatting import whole_number
from nurture.web.studio.sequences.pages import PERIODS, asked_period
from nurture.web.views import Views

#: What the figures can be sorted by, in the words of tabs and of columns.
BY = {
    SourceBy.SOURCE: "Source",
    SourceBy.MEDIUM: "Medium",
    SourceBy.CAMPAIGN: "UTM campaign",
    SourceBy.PAGE: "Page",
}

DEEDS = {
    OriginDeed.SIGNED_UP: "Signed up",
    OriginDeed.COLLECTED: "Collected the guide",
    OriginDeed.BOOKED: "Booked",
    OriginDeed.UNSUBSCRIBED: "Unsubscribed",
}


class SequenceSources(Views):
    """The views."""

    def show(self, key: str) -> str:
        """Show how many people came from where, and what they did since."""
        context, by, period = self.context, _by(), asked_period()
        try:
            found = sources.count_sources(*context.stored, key, by, period, context.clock())
        except (UnknownSequenceError, NoFormError):
            abort(404)
        return render_template(
            "studio/sources.html",
            found=found,
            key=key,
            by=by,
            period=period,
            periods=PERIODS,
            kinds=BY,
            deeds=DEEDS,
        )

    def show_people(self, key: str) -> str:
        """Show the people behind one figure."""
        context, asked = self.context, request.args
        figure = SourceFigure(_by(), asked.get("value", ""), _deed(), asked_period())
        before = whole_number(asked.get("before", ""))
        try:
            found = sources.list_behind(*context.stored, key, figure, context.clock(), before)
        except (UnknownSequenceError, NoFormError):
            abort(404)
        return render_template(
            "studio/source_people.html",
            found=found,
            key=key,
            figure=figure,
            kind=BY[figure.by],
            deed=DEEDS[figure.deed],
        )


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for the figures by source."""
    views, one = SequenceSources(context), "/sequences/<key>/sources"
    studio.get(one, endpoint="show_sources")(views.show)
    studio.get(f"{one}/people", endpoint="show_source_people")(views.show_people)


def _by() -> SourceBy:
    asked = request.args.get("by", "")
    return SourceBy(asked) if asked in set(SourceBy) else SourceBy.SOURCE


def _deed() -> OriginDeed:
    asked = request.args.get("deed", "")
    return OriginDeed(asked) if asked in set(OriginDeed) else OriginDeed.SIGNED_UP
