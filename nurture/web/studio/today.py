"""Today: the page the owner opens between two clients."""

from collections.abc import Mapping

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context, broker_trouble
from nurture.domain.broadcasts.broadcast import BroadcastStatus
from nurture.domain.subscribers.consent import STUDIO
from nurture.services.backup.held import count_held
from nurture.services.broadcasts import sending
from nurture.services.broadcasts.feed_source import FeedSource, feed_trouble
from nurture.services.delivery import doubts
from nurture.services.delivery.doubts import NotInDoubtError, Settled
from nurture.services.door.kept_calls import count_kept
from nurture.services.door.waiting_line import count_waiting
from nurture.services.inbound import bounce_jumps
from nurture.services.inbound.bounce_jumps import NoJumpError
from nurture.services.inbound.mailbox import key_of
from nurture.services.owner import checklist
from nurture.services.owner.checklist import ChecklistSubject, CheckResult, Task
from nurture.services.reports import dashboard
from nurture.store.tables.guide_files import uploaded_sequences
from nurture.web.studio.broadcasts.words import SCHEDULED, badge_of
from nurture.web.studio.core.flash import tell
from nurture.web.views import Views

#: What the owner is told, by the outcome for the message.
_SETTLED = {
    Settled.SENT: "Noted: it was sent, and the sequence goes on.",
    Settled.OFFERED_AGAIN: "It is sent again, at the next moment that emails go out.",
    Settled.LET_GO: "It is let go: its time has passed.",
}

#: The first-start list: the name of each item, why it matters, and the page to do it on.
TASKS = {
    Task.SENDER: (
        "Who the emails come from",
        "People see this name in their inbox.",
        "show_practice",
    ),
    Task.ADDRESS: ("Your postal address", "The law asks for it in every email.", "show_practice"),
    Task.GUIDES: ("Your own guides", "They go out to whoever fills in a form.", "show_settings"),
    Task.BASE_URL: ("The address of these pages", "Every link in an email begins with it.", ""),
    Task.MAIL_SERVER: ("A mail server", "It takes the emails to people’s mailboxes.", ""),
    Task.DNS: (
        "The names of your domain",
        "Without these records emails land in the junk folder.",
        "",
    ),
}

#: How many drafts of broadcasts are shown.
_DRAFTS_SHOWN = 3

#: What each of the practice's fields is to the owner, and what happens until it is filled in.
FIELDS = {
    "booking_url": ("Where a session is booked", "Invitations lead to your website until then."),
    "blog_url": (
        "Where your articles are listed",
        "Articles without an address lead to your website.",
    ),
    "privacy_url": ("Your privacy notice", "Consents are kept without naming it until then."),
}


class Today(Views):
    """The views."""

    def show_today(self) -> str:
        """Show the current status."""
        return self._page({})

    def check(self, task: str) -> str:
        """Check one item of the first-start list thoroughly, and report the result."""
        if task not in set(Task):
            abort(404)
        wanted = Task(task)
        return self._page({wanted: checklist.check(self._premises(), wanted)})

    def settle(self, message: int) -> Response:
        """Record the owner's decision about a message in doubt."""
        sent, context = request.form.get("sent"), self.context
        if sent not in ("yes", "no"):
            abort(400, "Please say whether it was sent.")
        try:
            became = doubts.settle(*context.stored, message, sent == "yes", context.clock())
        except NotInDoubtError:
            tell("That has been settled in the meantime.")
        else:
            context.doorbell.ring()
            tell(_SETTLED[became])
        return redirect(url_for("studio.show_today"), 303)

    def judge_jump(self) -> Response:
        """Record the owner's decision about a jump in bounces."""
        real, context = request.form.get("real"), self.context
        if real not in ("yes", "no"):
            abort(400, "Please say whether the addresses are dead.")
        try:
            if real == "yes":
                count = bounce_jumps.confirm(context.database, context.clock())
                tell(f"Noted. Addresses suppressed: {count}. Everybody else gets their emails.")
            else:
                count = bounce_jumps.dismiss(*context.stored, STUDIO, context.clock())
                tell(f"Noted. Everybody gets their emails, these {count} people as well.")
            context.doorbell.ring()
        except NoJumpError:
            tell("Somebody has looked at that in the meantime.")
        return redirect(url_for("studio.show_today"), 303)

    def _page(self, checked: Mapping[Task, CheckResult]) -> str:
        context = self.context
        overview = dashboard.oversee(
            *context.stored,
            context.fingerprint,
            context.witness.seen(),
            context.clock(),
            context.settings.account_choices,
            key_of(context.settings.imap_url),
        )
        return render_template(
            "studio/today.html",
            overview=overview,
            tasks=TASKS,
            findings=self._first_steps(checked),
            checked=checked,
            fields=FIELDS,
            has_sent=dashboard.has_sent(context.database),
            obstacles=_obstacles(context),
            held=count_held(context.database),
            waiting=count_waiting(context.database),
            kept=count_kept(context.database),
            **_broadcasts(context),
        )

    def _first_steps(self, checked: Mapping[Task, CheckResult]) -> Mapping[Task, CheckResult]:
        """Return the first-start list, until a real email has been sent and nothing is wrong."""
        glance = checklist.at_a_glance(self._premises()) | dict(checked)
        amiss = any(finding.fine is False for finding in glance.values())
        has_sent = dashboard.has_sent(self.context.database)
        return glance if amiss or not has_sent or checked else {}

    def _premises(self) -> ChecklistSubject:
        context = self.context
        with context.database.reading() as connection:
            published = context.catalogue.current(connection)
            uploaded = uploaded_sequences(connection)
        return ChecklistSubject(
            context.settings,
            published.practice,
            published.sequences,
            context.library,
            uploaded,
            context.access_tokens,
        )


def _broadcasts(context: Context) -> dict[str, object]:
    """Return what Today shows of broadcasts: those stopped, those scheduled, and all that are open.

    Of drafts only the newest are shown.
    """
    found, now = sending.list_open(context.database), context.clock()
    written = [one for one in found if one.status is BroadcastStatus.DRAFT]
    under_way = [one for one in found if one.status is not BroadcastStatus.DRAFT]
    badges = {one.key: badge_of(one, now) for one in found}
    return {
        "stopped": [one for one in found if one.status is BroadcastStatus.STOPPED],
        "scheduled": [one for one in under_way if badges[one.key] is SCHEDULED],
        "open_broadcasts": under_way + written[:_DRAFTS_SHOWN],
        "badges": badges,
    }


def _feed_trouble(context: Context) -> str:
    return feed_trouble(context.database, FeedSource.of(context.settings), context.clock())


def _obstacles(context: Context) -> list[tuple[str, str]]:
    """Return faults in the setup that affect everyone: a heading and what to do about each."""
    found = (
        ("The disk is nearly full", context.disk.trouble if context.disk.stopped else ""),
        ("No email leaves, because Redis cannot be used", broker_trouble(context)),
        ("Your backups need you", context.backup_trouble),
        ("A mail server is still to be set", context.where_mails_stay),
        ("Visitors cannot be told apart", context.proxy_trouble),
        ("Your blog’s feed cannot be read", _feed_trouble(context)),
        ("More came at once than could be answered", context.crowd_trouble),
    )
    return [(heading, said) for heading, said in found if said]


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for today."""
    views = Today(context)
    studio.get("/")(views.show_today)
    studio.post("/first-steps/<task>", endpoint="check_first_step")(views.check)
    studio.post("/doubts/<int:message>", endpoint="settle_doubt")(views.settle)
    studio.post("/bounces")(views.judge_jump)
