"""What is held after a restore: it may have been sent, and the owner says what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from nurture.services.backup import held
from nurture.web.studio.core.flash import tell

if TYPE_CHECKING:
    from nurture.bootstrap import House


@dataclass(frozen=True, slots=True)
class HeldPage:
    """The views."""

    house: House

    def show_held(self) -> str:
        """Everything that is held, by person."""
        house = self.house
        found = held.list_held(house.database, house.catalogue, house.clock())
        return render_template("studio/held.html", held=found)

    def decide_held(self) -> Response:
        """Send one of them, or all, after all, or take it as sent."""
        house, chosen = self.house, request.form.get("enrolment", type=int)
        found = held.list_held(house.database, house.catalogue, house.clock())
        numbers = [one.enrolment for one in found if chosen in (None, one.enrolment)]
        match request.form.get("what"):
            case "send":
                held.let_go_on(house.database, numbers, house.clock())
                tell("Noted: that is sent, at the next moment that emails go out.")
            case "drop":
                held.drop(house.database, house.catalogue, numbers, house.clock())
                tell("Noted: that counts as sent, and the sequences go on behind it.")
            case _:
                abort(400, "Please say whether to send it.")
        house.doorbell.ring()
        return redirect(url_for("studio.show_held"), 303)


def add_routes(studio: Blueprint, house: House) -> None:
    """Answer what belongs to what is held."""
    views = HeldPage(house)
    studio.add_url_rule("/held", view_func=views.show_held)
    studio.add_url_rule("/held", view_func=views.decide_held, methods=["POST"])
