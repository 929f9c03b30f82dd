"""What people do in an installation of the OLD version; see make_fixture.py."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from nurture.cli import main
from nurture.signatures import sign_standard_webhook
from tests.installation import MAIL_SECRET, Installation, as_json, link_in
from tests.installations import ScriptedSink
from tests.servers.clock import ClockFile

SPRING = datetime(2026, 3, 2, 9, tzinfo=UTC)
A_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def at(name: str) -> str:
    return f"{name}@example.org"


class Sink(ScriptedSink):
    """A mail server that seems to accept an email, then does something else."""

    def __init__(self) -> None:
        super().__init__()
        self.instead: dict[str, Callable[[Any], object]] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        act = self.instead.pop(envelope.rcpt_tos[0], None)
        if act:
            act(server)
            return "421 4.3.0 Gone"
        return await super().handle_DATA(server, session, envelope)


class World:
    """The installation and its people, each named by the part of the address before the @."""

    def __init__(self, url: str, directory: Path, sink: Sink) -> None:
        clock = ClockFile(directory / "clock", SPRING)
        self.sink, self.home = sink, Installation(url, directory, clock, sink.url).publish_shipped()
        self.seen: dict[str, Any] = {}

    @property
    def kept(self) -> tuple[Any, Any]:
        return self.home.context.database, self.home.context.catalogue

    def come(self, name: str, form: str = "pain-guide", **more: str) -> None:
        answer = self.home.fill_in_form(at(name), form, first_name=name.title(), **more)
        assert answer.status_code == 202, answer.text
        self.home.deliver()

    def come_in(self, name: str, form: str = "pain-guide", **boxes: bool) -> None:
        self.come(name, form)
        self.home.collect(self.home.enrolment(at(name), form)["id"], **boxes)
        self.home.deliver()

    def last(self, name: str) -> Any:
        return self.sink.mails_to(at(name))[-1]

    def press(self, name: str, kind: str, which: int = 0, **form: str) -> None:
        link = link_in(self.sink.mails_to(at(name))[which], kind)
        assert self.home.press(link, **form).status_code == 200, (name, kind)

    def confirm(self, name: str) -> None:
        self.home.press(link_in(self.last(name), "confirm"), **{"as": "file"})

    def look(self, name: str, kind: str, agent: str = A_BROWSER, times: int = 1) -> None:
        for _ in range(times):
            self.home.client.get(link_in(self.last(name), kind), headers={"User-Agent": agent})
            self.home.clock.advance(timedelta(seconds=20))

    def judged(self) -> None:
        self.home.fold()
        self.home.judge()

    def tell(self, name: str, kind: str, number: str, **more: object) -> None:
        event = {"id": number, "type": kind, "occurred_at": self.home.clock.now.isoformat()}
        message_id = self.last(name).message["Message-ID"].strip("<>")
        body = as_json(
            {"events": [event | {"message_id": message_id, "recipient": at(name)} | more]}
        )
        headers = sign_standard_webhook(MAIL_SECRET, f"msg_{number}", self.home.clock.now, body)
        answer = self.home.client.post(
            "/webhooks/mail/generic", data=body, headers=headers, content_type="application/json"
        )
        assert answer.status_code == 204, answer.text

    def until(self, moment: datetime) -> None:
        """Let time pass, with the housekeeping done once a day."""
        while self.home.clock.now < moment:
            self.home.live_until(min(moment, self.home.clock.now + timedelta(days=1)))
            self.home.upkeep()

    def number(self, name: str) -> int:
        return int(self.home.person(at(name))["id"])

    def run(self, *arguments: str) -> str:
        result = CliRunner().invoke(main, arguments, env=self.home.environment)
        assert result.exit_code == 0, (arguments, result.output, result.exception)
        return result.stdout
