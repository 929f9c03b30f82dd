"""Today: the page the owner opens between two clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, render_template

if TYPE_CHECKING:
    from nurture.bootstrap import House


@dataclass(frozen=True, slots=True)
class Today:
    """The views."""

    house: House

    def show_today(self) -> str:
        """How things stand."""
        return render_template("studio/today.html")


def add_routes(studio: Blueprint, house: House) -> None:
    """Answer what belongs to today."""
    studio.add_url_rule("/", view_func=Today(house).show_today)
