"""One broadcast: how far it has got, and what can be done about it at that moment."""

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.bootstrap import Context
from nurture.domain.audience.conditions import Segment
from nurture.domain.broadcasts.broadcast import Broadcast, BroadcastStatus
from nurture.services.account.outlook import account_report
from nurture.services.broadcasts import newcomers, sending, text
from nurture.services.broadcasts.drafts import BroadcastError, UnknownBroadcastError
from nurture.services.broadcasts.figures import follow_broadcast
from nurture.services.broadcasts.sending import BroadcastState, TooLateToUndoError
from nurture.services.broadcasts.text import Seen
from nurture.services.publishing.files import CheckError
from nurture.web.studio.broadcasts import words
from nurture.web.studio.broadcasts.drafts import address_of, address_of_text, sends_itself_at
from nurture.web.studio.core.errors import confirm_page
from nurture.web.studio.core.flash import tell
from nurture.web.studio.core.formatting import count, whole_number
from nurture.web.views import Views

Page = str | tuple[str, int] | Response

#: Seconds for which a page waits for what is on a connection when a broadcast is stopped.
_PATIENCE = 8.0


class BroadcastProgress(Views):
    """The views."""

    def show(self, key: str) -> str:
        """Show how far a broadcast has got."""
        return self._page(key)

    def undo(self, key: str) -> Page:
        """Take back the last press of “Send”; nobody gets it by that."""
        context, presses = self.context, whole_number(request.form.get("presses", ""))
        before = sending.find_state(context.database, key).broadcast
        if before.status is not BroadcastStatus.DRAFT and before.presses != presses:
            tell("It was sent to more people after you opened this page. Look again.", True)
            return redirect(address_of(before), 303)
        try:
            done = sending.undo(context.database, key, context.clock())
        except TooLateToUndoError:
            tell(_TOO_LATE, trouble=True)
            return redirect(address_of(before), 303)
        if done.status is BroadcastStatus.DRAFT:
            tell("Undone. Nobody gets it, and it is a draft again.")
        else:
            tell("Undone. The people who joined since do not get it.")
        return redirect(address_of(done), 303)

    def stop(self, key: str) -> Page:
        """Stop a broadcast, and say how many had left."""
        context = self.context
        return self._done(
            key, lambda: sending.stop(context.database, key, context.clock(), _PATIENCE)
        )

    def resume(self, key: str) -> Page:
        """Send a stopped broadcast to the rest, with its text as the owner has seen it."""
        context, seen = self.context, seen_of(request.form.get("seen", ""))

        def go_on() -> None:
            if sending.find_state(context.database, key).broadcast.status is _STOPPED:
                text.refuse_unseen(context.database, key, seen)
                sending.resume(*context.stored, key, context.clock())
                tell("The rest is on its way. Nobody gets it twice.")

        return self._done(key, go_on)

    def ask_send_to_new(self, key: str) -> Page:
        """Ask whether to send a broadcast also to those who have joined since, and to how many."""
        context = self.context
        one = sending.find_state(context.database, key).broadcast
        try:
            number = newcomers.count_newcomers(*context.stored, key, context.clock())
        except BroadcastError as error:
            tell(str(error), trouble=True)
            return redirect(address_of(one), 303)
        if not can_go_to_new(one) or not number:
            tell("Nobody who can get it has joined since.")
            return redirect(address_of(one))
        people = count(number, "more person", "more people")
        return confirm_page(
            f"Send “{one.title}” to {people}?",
            "They have joined since you sent it. Nobody gets it twice.",
            button=f"Send it to {people}",
            action=url_for("studio.send_broadcast_to_new", key=key),
            back=address_of(one),
            fields={"presses": str(one.presses)},
            facts=("Nothing leaves for five minutes, and until then you can undo it.",),
        )

    def send_to_new(self, key: str) -> Page:
        """Send a broadcast also to those who have joined since."""
        context, form = self.context, request.form
        presses = whole_number(form.get("presses", "")) or 0
        return self._done(
            key,
            lambda: sending.send_to_new(*context.stored, key, context.clock(), presses),
        )

    def _done(self, key: str, act: Callable[[], object]) -> Page:
        """Do what was pressed, and show the broadcast with the error, if any."""
        try:
            act()
        except UnknownBroadcastError:
            raise
        except (BroadcastError, CheckError) as error:
            return self._page(key, str(error)), 409
        self.context.doorbell.ring()
        return redirect(url_for("studio.show_broadcast", key=key), 303)

    def _page(self, key: str, problem: str = "") -> str:
        context, now = self.context, self.context.clock()
        figures = follow_broadcast(context.database, key, now)
        state, seen = figures.state, text.see(context.database, key)[1]
        published, one = context.get_published(), state.broadcast
        zone = ZoneInfo(published.practice.time_zone)
        return render_template(
            "studio/broadcast.html",
            state=state,
            measured=figures.funnel,
            broadcast=one,
            problem=problem,
            trouble=one.counts.get("trouble"),
            seen=f"{seen.broadcast}.{seen.text}",
            said=words,
            mark=words.badge_of(one, now),
            happening=words.say_state(state, now, zone),
            time=words.say_time(one, zone),
            audience=words.say_audience(one, segment_titles(published.segments.segments)),
            ends=_ends(state),
            text_address=address_of_text(one),
            sends_itself_at=sends_itself_at(context, one),
            goes_on_at=self._goes_on_at(state),
            can_undo=one.can_be_undone(now),
            can_stop=one.status is BroadcastStatus.SENDING
            and (one.presses > 1 or not one.can_be_undone(now)),
            can_go_to_new=can_go_to_new(one) and not one.can_be_undone(now),
        )

    def _goes_on_at(self, state: BroadcastState) -> datetime | None:
        """Return when the mail account can send the next email, if people wait for that."""
        context, now = self.context, self.context.clock()
        one = state.broadcast
        is_leaving = one.status is BroadcastStatus.SENDING and not one.can_be_undone(now)
        if not (is_leaving and state.waiting):
            return None
        with context.database.reading() as connection:
            report = account_report(connection, context.settings.account_choices, now)
        return datetime.fromisoformat(report["until"]) if report["until"] else None


_STOPPED = BroadcastStatus.STOPPED

_TOO_LATE = (
    "Some of it may have left already, so it can no longer be undone. You can still stop it until "
    "everyone has it."
)


def can_go_to_new(broadcast: Broadcast) -> bool:
    """Return whether a broadcast may also be sent to those who have joined since."""
    if broadcast.status is BroadcastStatus.SENDING:
        return not broadcast.is_freezing
    return broadcast.status is BroadcastStatus.FINISHED


def seen_of(said: str) -> Seen:
    """Read what a page says that was seen of a broadcast; nothing fits what cannot be read."""
    broadcast, _, written = said.partition(".")
    numbers = whole_number(broadcast), whole_number(written)
    return Seen(*(-1 if number is None else number for number in numbers))


def segment_titles(segments: Mapping[str, Segment]) -> dict[str, str]:
    """Return the titles of segments by their names."""
    return {name: one.title for name, one in segments.items()}


def _ends(state: BroadcastState) -> list[tuple[int, str]]:
    """Return how many people did not get it and why, the most frequent reason first."""
    missed = {code: number for code, number in state.ends.items() if code != "completed"}
    ordered = sorted(missed.items(), key=lambda one: (-one[1], one[0]))
    return [(number, words.say_end(state.broadcast, code)) for code, number in ordered]


def add_routes(studio: Blueprint, context: Context) -> None:
    """Register the routes for one broadcast."""
    views, one = BroadcastProgress(context), "/broadcasts/<key>"
    studio.get(one, endpoint="show_broadcast")(views.show)
    studio.post(f"{one}/undo", endpoint="undo_broadcast")(views.undo)
    studio.post(f"{one}/stop", endpoint="stop_broadcast")(views.stop)
    studio.post(f"{one}/resume", endpoint="resume_broadcast")(views.resume)
    studio.get(f"{one}/newcomers", endpoint="ask_send_to_new")(views.ask_send_to_new)
    studio.post(f"{one}/newcomers", endpoint="send_broadcast_to_new")(views.send_to_new)
