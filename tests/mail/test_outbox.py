"""What the outbox stores, and how it can be viewed."""

import html.parser
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.messages.status import MessageStatus
from nurture.mail.mailer import Envelope, Mailer, Outcome
from nurture.mail.outbox.folder import Outbox, list_mails, remove_mails, write_index
from tests.presence import at_least_one

DATA = b"Subject: hello\r\n\r\nHow are you?\r\n"


def envelope(number: int, recipient: str = "ann@example.org", data: bytes = DATA) -> Envelope:
    return Envelope(number, "paul@example.org", recipient, data)


def letter(
    number: int,
    recipient: str = "ann@example.org",
    subject: str = "Hello",
    page: str | None = "<html><head><title>x</title></head><body><p>Hé</p></body></html>",
) -> Envelope:
    """Return an email as really sent: a text part and, if given, an HTML part."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "paul@example.org", recipient, subject
    mail["Date"] = f"Tue, 05 May 2026 08:{number:02}:00 +0100"
    mail.set_content("The “text” part\n")
    if page is not None:
        mail.add_alternative(page, subtype="html")
    return envelope(number, recipient, mail.as_bytes(policy=SMTP))


def offered(directory: Path, *envelopes: Envelope) -> list[Outcome]:
    outbox: Mailer = Outbox(directory)
    outcomes = list(outbox.offer(iter(envelopes)))
    outbox.close()
    return outcomes


def test_every_message_becomes_a_file_with_exactly_its_bytes(tmp_path: Path) -> None:
    outcomes = offered(tmp_path / "var" / "outbox", envelope(1), envelope(12_345_678))
    assert [outcome.status for outcome in outcomes] == [MessageStatus.ACCEPTED] * 2
    paths = sorted((tmp_path / "var" / "outbox").iterdir())
    assert [path.name for path in paths] == ["message-00000001.eml", "message-12345678.eml"]
    assert {path.read_bytes() for path in paths} == {DATA}


def test_the_same_message_twice_makes_one_file(tmp_path: Path) -> None:
    offered(tmp_path, envelope(1), envelope(1, data=DATA + b"again\r\n"))
    [path] = tmp_path.iterdir()
    assert path.read_bytes().endswith(b"again\r\n")


def test_a_reader_never_sees_a_partly_written_email(tmp_path: Path) -> None:
    sizes: set[int] = set()
    done = threading.Event()
    small, large = b"a" * 10, b"b" * 2_000_000
    offered(tmp_path, envelope(1, data=small))

    def read() -> None:
        while not done.is_set():
            sizes.update(len(path.read_bytes()) for path in tmp_path.glob("*.eml"))

    reader = threading.Thread(target=read)
    reader.start()
    offered(tmp_path, *(envelope(1, data=data) for data in (large, small) * 10))
    done.set()
    reader.join()
    assert sizes <= {len(small), len(large)}


def test_the_outbox_takes_envelopes_one_at_a_time(tmp_path: Path) -> None:
    pulled = []

    def watched() -> Iterator[Envelope]:
        for number in range(3):
            pulled.append(number)
            yield envelope(number)

    for known, _ in at_least_one(enumerate(Outbox(tmp_path).offer(watched()), 1)):
        assert len(pulled) == known


def test_listed_addresses_are_refused_as_a_mail_server_would_refuse_them(tmp_path: Path) -> None:
    (tmp_path / "refused-addresses.txt").write_text("Gone@example.org\n\n  away@example.org  \r\n")
    gone, away, there = offered(
        tmp_path,
        envelope(1, "gone@example.org"),
        envelope(2, "AWAY@example.org"),
        envelope(3, "there@example.org"),
    )
    assert (gone.status, gone.code, gone.address_refused) == (MessageStatus.FAILED, 550, True)
    assert gone.reason.startswith("550 5.1.1 ")
    assert away.address_refused
    assert there.status is MessageStatus.ACCEPTED
    assert [mail.number for mail in list_mails(tmp_path)] == [3]


def test_an_unwritable_directory_defers_the_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    [outcome] = offered(tmp_path / "file", envelope(1))
    assert outcome.status is MessageStatus.DEFERRED
    assert str(tmp_path / "file") in outcome.reason


def test_an_email_that_cannot_be_saved_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "message-00000001.eml").mkdir()
    [outcome] = offered(tmp_path, envelope(1))
    assert outcome.status is MessageStatus.DEFERRED
    assert [path.name for path in tmp_path.iterdir()] == ["message-00000001.eml"]


def test_emails_are_listed_newest_first_with_their_headers(tmp_path: Path) -> None:
    offered(tmp_path, *(letter(n, "Ann <ann@example.org>", f"Why “{n}”?") for n in (1, 2, 10)))
    mails = list_mails(tmp_path)
    assert [mail.number for mail in mails] == [10, 2, 1]
    assert mails[0].recipient == "Ann <ann@example.org>"
    assert mails[0].subject == "Why “10”?"
    assert mails[0].date == datetime(2026, 5, 5, 7, 10, tzinfo=UTC)
    assert mails[0].path == tmp_path / "message-00000010.eml"


def test_listing_reads_no_email_until_asked(tmp_path: Path) -> None:
    offered(tmp_path, letter(1), letter(2))
    newest, oldest = list_mails(tmp_path)
    oldest.path.unlink()
    assert newest.subject == "Hello"


@pytest.mark.parametrize("date", ["", "Date: nonsense\r\n", "Date: Tue, 99 May 2026\r\n"])
def test_an_email_without_a_usable_date_is_still_listed(tmp_path: Path, date: str) -> None:
    offered(tmp_path, envelope(1, data=date.encode() + DATA))
    [mail] = list_mails(tmp_path)
    assert mail.date is None
    assert "undated" in write_index(tmp_path).read_text()


def test_other_files_in_the_directory_are_not_listed_as_emails(tmp_path: Path) -> None:
    offered(tmp_path, letter(1))
    for name in ("message-.eml", "message-one.eml", "note.eml", ".message-00000002.eml.7"):
        (tmp_path / name).write_bytes(DATA)
    assert [mail.number for mail in list_mails(tmp_path)] == [1]


def test_a_missing_directory_is_an_empty_outbox(tmp_path: Path) -> None:
    assert list_mails(tmp_path / "nowhere") == []
    assert "0 emails" in write_index(tmp_path / "nowhere").read_text()


class Page(html.parser.HTMLParser):
    """The text, tags and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_index_lists_each_recipients_emails_in_sending_order(tmp_path: Path) -> None:
    to = ["bob@example.org", "ann@example.org", "bob@example.org"]
    offered(tmp_path, *(letter(n, who, f"Letter {n}") for n, who in enumerate(to)))
    index = write_index(tmp_path)
    page = Page(index.read_text())
    headings = ["ann@", "Letter 1", "bob@", "Letter 0", "Letter 2"]
    places = [page.words.index(heading) for heading in headings]
    assert places == sorted(places)
    assert "3 emails to 2 recipients" in page.words
    assert index == tmp_path / "index.html"


def test_a_removed_email_leaves_no_trace_and_the_others_stay(tmp_path: Path) -> None:
    offered(tmp_path, letter(1), letter(2, "bob@example.org"))
    write_index(tmp_path)
    remove_mails(tmp_path, [1, 7])
    assert [mail.number for mail in list_mails(tmp_path)] == [2]
    left = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "ann@example.org" not in left
    assert "bob@example.org" in left


def test_removing_from_a_missing_outbox_is_no_error(tmp_path: Path) -> None:
    remove_mails(tmp_path / "none", [1])
    assert not (tmp_path / "none").exists()


def test_the_index_needs_no_other_site_or_script(tmp_path: Path) -> None:
    offered(tmp_path, letter(1))
    text = write_index(tmp_path).read_text()
    page = Page(text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.links == ["message-00000001.html", "message-00000001.txt"]
    assert "://" not in text
    assert "prefers-color-scheme: dark" in text


def test_every_link_in_the_index_leads_to_a_view_of_an_email(tmp_path: Path) -> None:
    offered(tmp_path, letter(1), letter(2, page=None))
    page = Page(write_index(tmp_path).read_text())
    assert page.links == ["message-00000001.html", "message-00000001.txt", "message-00000002.txt"]
    assert "<p>Hé</p>" in (tmp_path / "message-00000001.html").read_text("utf-8")
    assert "The “text” part" in (tmp_path / "message-00000002.txt").read_text("utf-8")


@pytest.mark.parametrize("page", ["<html><HEAD lang=x><title>x</title></HEAD></html>", "<p>x</p>"])
def test_the_page_of_an_email_may_run_no_script(tmp_path: Path, page: str) -> None:
    offered(tmp_path, letter(1, page=page))
    write_index(tmp_path)
    text = (tmp_path / "message-00000001.html").read_text("utf-8")
    assert re.search(r"Content-Security-Policy[^>]*script-src 'none'", text)
    assert text.index("Content-Security-Policy") < text.index("x<")


spiteful = st.text(st.sampled_from("<>'&{}/=x"), min_size=1, max_size=10)


@given(subject=spiteful, name=spiteful)
def test_the_index_escapes_everything_an_email_contains(
    tmp_path_factory: pytest.TempPathFactory, subject: str, name: str
) -> None:
    directory = tmp_path_factory.mktemp("outbox")
    head = f'To: "{name}" <a@example.org>\r\n'.encode()
    mail = EmailMessage()
    mail["Subject"] = subject
    data = head + mail.as_bytes(policy=SMTP) + b"\r\nHello\r\n"
    offered(directory, envelope(1, data=data))
    page = Page(write_index(directory).read_text())
    assert subject in page.words
    assert name in page.words
    assert page.tags.count("a") == 1
    assert "x" not in page.tags


def test_the_index_can_be_rewritten_while_emails_arrive(tmp_path: Path) -> None:
    offered(tmp_path, letter(1))
    first = write_index(tmp_path).read_text()
    offered(tmp_path, letter(2))
    assert write_index(tmp_path).read_text() != first
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
