"""Tracking: a hit is first a line, later an event, once, and only with consent."""

import fcntl
import json
import multiprocessing
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.hits import Hit
from nurture.domain.tracking.verdict import RULES
from nurture.services.catalogue import about
from nurture.services.reports.status import hits_standing
from nurture.services.subscribers.erasure import forget
from nurture.services.tracking import excess, fold
from nurture.services.tracking import journal as hit_journal
from nurture.services.tracking.excess import OF_A_LINK
from nurture.services.tracking.fold import fold_journals
from nurture.services.tracking.journal import (
    HitJournal,
    UnreadableLineError,
    as_line,
    from_line,
    waiting_in,
)
from nurture.store.database import Database
from nurture.store.tables import journals as journal_rows
from nurture.store.tables.journals import folded_up_to, journals, set_folded
from tests.installation import Installation, link_in
from tests.installations import ScriptedSink
from tests.presence import at_least_one
from tests.vocabulary import A_BROWSER, ANN, FIRST, hits

A_HIT = Hit(EventKind.OPENED, datetime(2026, 11, 23, tzinfo=UTC), message=2)


@pytest.fixture
def followed(home: Installation) -> Installation:
    """Ann has consented to tracking, and her first article came ten minutes ago."""
    home.subscribe_followed(ANN)
    home.deliver()
    home.collect(tracking=True)
    home.live(days=3)
    home.clock.advance(timedelta(minutes=10))
    return home


def a_hit(home: Installation, message: int = 2) -> Hit:
    """Return a click on a link."""
    link = "https://practice.example.org/"
    now = home.clock.now
    return Hit(EventKind.CLICKED, now, user_agent=A_BROWSER, link=link, message=message)


def write(home: Installation, name: str, content: bytes) -> Path:
    """Write a journal whose writer has ended."""
    home.context.journals.mkdir(parents=True, exist_ok=True)
    path = home.context.journals / f"hits-{name}.jsonl"
    path.write_bytes(content)
    return path


def lines(home: Installation, count: int) -> bytes:
    """Return that many hits as lines of a journal."""
    line = {
        "kind": "clicked",
        "message": 2,
        "at": home.clock.now.isoformat(),
        "method": "GET",
        "agent": A_BROWSER,
        "client": "192.0.2.7",
        "purpose": "",
        "link": "https://practice.example.org/",
    }
    return (json.dumps(line) + "\n").encode() * count


def test_a_click_is_recorded_with_its_link_and_judged_after_its_hold(
    followed: Installation, smtp_sink: ScriptedSink
) -> None:
    home = followed
    answer = home.client.get(link_in(smtp_sink.mails[-1], "c"))
    assert answer.status_code == 302
    assert "no-store" in answer.headers["Cache-Control"]
    assert hits(home) == []
    assert home.fold() == 1
    [hit] = hits(home)
    assert (hit["kind"], hit["message_id"], hit["subscriber_id"]) == ("clicked", 2, 1)
    assert (hit["happened_at"], hit["link"]) == (home.clock.now, answer.headers["Location"])
    assert hit["email"] == f"pain-guide/{FIRST}"
    assert hit["topics"] == {"back-pain", "strength"}
    assert hit["verdict"] is None
    assert home.judge() == 1
    [hit] = hits(home)
    assert (hit["verdict"], hit["rules"]) == ("human", RULES)
    assert hit["reasons"]


def test_an_open_returns_an_image_and_a_head_request_is_judged_a_machine(
    followed: Installation, smtp_sink: ScriptedSink
) -> None:
    pixel = link_in(smtp_sink.mails[-1], "o")
    answer = followed.client.get(pixel)
    assert (answer.status_code, answer.mimetype) == (200, "image/gif")
    assert answer.data.startswith(b"GIF89a")
    assert followed.client.head(pixel, headers={"User-Agent": "curl/8.5.0"}).status_code == 200
    followed.fold()
    followed.judge()
    assert [hit["verdict"] for hit in hits(followed)] == ["unsure", "machine"]


JUDGED = [
    ({"User-Agent": A_BROWSER}, "human"),
    ({"User-Agent": ""}, "machine"),
    ({"User-Agent": "python-requests/2.32"}, "machine"),
    ({"User-Agent": A_BROWSER, "Sec-Purpose": "prefetch"}, "machine"),
    ({"User-Agent": A_BROWSER, "X-Moz": "prefetch"}, "machine"),
]


def test_a_click_is_judged_by_its_request_headers(
    followed: Installation, smtp_sink: ScriptedSink
) -> None:
    for headers, _ in JUDGED:
        followed.client.get(link_in(smtp_sink.mails[-1], "c"), headers=headers)
    followed.fold()
    followed.judge()
    assert [hit["verdict"] for hit in hits(followed)] == [verdict for _, verdict in JUDGED]


def test_a_click_redirects_without_the_database_and_is_folded_later(
    followed: Installation, smtp_sink: ScriptedSink
) -> None:
    from webhooks import create_app

    away = followed.another(NURTURE_DATABASE_URL="postgresql://127.0.0.1:1/nobody")
    client = create_app(away).test_client()
    answer = client.get(link_in(smtp_sink.mails[-1], "c"), headers={"User-Agent": A_BROWSER})
    assert answer.status_code == 302
    assert client.get(link_in(smtp_sink.mails[-1], "o")).status_code == 200
    assert followed.fold() == 2


@pytest.mark.parametrize("kind", ["c", "o"])
def test_a_forged_tracking_link_redirects_nowhere_and_is_not_recorded(
    followed: Installation, smtp_sink: ScriptedSink, kind: str
) -> None:
    token = link_in(smtp_sink.mails[-1], kind).rpartition("/")[2]
    token, dot, gif = token.partition(".")
    for forged in (
        token[:-1],
        "x" + token,
        token + "A",
        "%00",
        "é",
        followed.context.tokens.guide(1),
    ):
        assert followed.client.get(f"/{kind}/{forged}{dot}{gif}").status_code == 404
    assert followed.fold() == 0


def test_repeated_folding_records_each_hit_once(followed: Installation) -> None:
    journal = HitJournal(followed.context.journals)
    for n in range(5):
        journal.note(a_hit(followed))
        assert followed.fold() == 1
        assert followed.fold() == 0
        assert len(hits(followed)) == n + 1


def test_a_hit_is_recorded_once_even_if_folding_was_killed_midway(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull_the_plug(*_: object) -> None:
        raise KeyboardInterrupt

    write(followed, "1", lines(followed, 7))
    monkeypatch.setattr(journal_rows, "set_folded", pull_the_plug)
    with pytest.raises(KeyboardInterrupt):
        followed.fold()
    monkeypatch.undo()
    assert hits(followed) == []
    assert followed.fold() == 7
    assert len(hits(followed)) == 7


def _fold_in_a_process(url: str, directory: Path) -> None:
    database = Database(url)
    for _ in range(3):
        fold_journals(database, directory)
    database.close()


def test_processes_that_fold_at_the_same_time_record_each_hit_once(followed: Installation) -> None:
    for n in range(6):
        write(followed, str(n), lines(followed, 50))
    context = multiprocessing.get_context("fork")
    arguments = (followed.url, followed.context.journals)
    workers = [context.Process(target=_fold_in_a_process, args=arguments) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(hits(followed)) == 300
    assert list(followed.context.journals.iterdir()) == []


def test_an_incomplete_line_waits_until_it_is_complete(followed: Installation) -> None:
    whole = lines(followed, 3)
    path = write(followed, "1", whole[:-10])
    with path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        assert followed.fold() == 2
        writer.write(whole[-10:])
        writer.flush()
        assert followed.fold() == 1
    assert len(hits(followed)) == 3


def test_a_journal_truncated_by_a_crash_is_folded_as_far_as_possible_and_removed(
    followed: Installation,
) -> None:
    path = write(followed, "1", lines(followed, 3)[:-10])
    followed.fold()
    assert len(hits(followed)) == 2
    assert not path.exists()


def test_a_journal_stays_while_its_writer_lives(
    followed: Installation,
) -> None:
    journal = HitJournal(followed.context.journals)
    journal.note(a_hit(followed))
    followed.fold()
    [path] = followed.context.journals.iterdir()
    del journal
    assert path.exists()
    rows = followed.rows(journals)
    assert [(row["name"], row["folded"]) for row in rows] == [(path.name, path.stat().st_size)]


def test_a_large_journal_is_closed_folded_and_removed(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_journal, "_ROTATE_AT", 1000)
    journal = HitJournal(followed.context.journals)
    for n in range(30):
        hit = a_hit(followed)
        journal.note(hit._replace(link=f"{hit.link}{n}"))
    assert len(list(followed.context.journals.iterdir())) > 3
    assert followed.fold() == 30
    assert len(list(followed.context.journals.iterdir())) == 1
    assert len(followed.rows(journals)) == 1
    journal.note(a_hit(followed))
    followed.fold()
    assert len(hits(followed)) == 31


def test_a_large_journal_is_folded_in_chunks(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "_CHUNK", 1000)
    write(followed, "1", lines(followed, 50))
    assert followed.fold() == 50
    assert len(hits(followed)) == 50


def test_a_child_process_writes_its_own_journal(followed: Installation) -> None:
    journal = HitJournal(followed.context.journals)
    journal.note(a_hit(followed))
    child = os.fork()
    if child == 0:
        journal.note(a_hit(followed))
        os._exit(0)
    os.waitpid(child, 0)
    journal.note(a_hit(followed))
    assert len(list(followed.context.journals.iterdir())) == 2
    followed.fold()
    assert len(hits(followed)) == 3


ODD: list[dict[str, object]] = [
    {"kind": "vanished"},
    {"at": "yesterday"},
    {"at": "2026-03-02T09:00:00"},
    {"message": "one"},
    {"message": None},
    {"message": 2**40},
    {"message": 2**70},
    {"message": 4711},
    {"agent": None},
    {"agent": "a\0b"},
    {"client": ["192.0.2.7"]},
    {"link": {"a": 1}},
    {"purpose": 1},
    {"method": "\ud800"},
]


def test_lines_written_by_another_version_do_not_block_the_others(
    followed: Installation,
) -> None:
    good = lines(followed, 1)
    odd = [json.dumps(json.loads(good) | change).encode() + b"\n" for change in ODD]
    write(followed, "1", good.join([b"{}\n", *odd, b"[]\n\xff\n", b"null\n"]))
    write(followed, "2", good)
    followed.fold()
    kept = [hit for hit in hits(followed) if hit["user_agent"] == A_BROWSER]
    assert len(kept) >= len(ODD) + 3
    assert followed.rows(journals) == []


def test_a_hit_is_not_recorded_once_tracking_consent_is_withdrawn(
    followed: Installation, smtp_sink: ScriptedSink
) -> None:
    followed.client.get(link_in(smtp_sink.mails[-1], "c"))
    followed.press(link_in(smtp_sink.mails[-1], "preferences"), frequency="usual")
    followed.fold()
    assert hits(followed) == []


def test_an_email_without_tracking_consent_has_no_pixel_and_plain_links(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    home.subscribe(ANN)
    home.deliver()
    home.collect()
    home.live(days=90)
    assert len(smtp_sink.mails) == 9
    for mail in smtp_sink.mails:
        assert b"/c/" not in mail.data.replace(b"=\r\n", b"")
        assert b"/o/" not in mail.data.replace(b"=\r\n", b"")


def test_an_open_is_answered_even_if_no_hit_can_be_written(
    sqlite_home: Installation, smtp_sink: ScriptedSink
) -> None:
    home = sqlite_home
    home.subscribe_followed(ANN)
    home.deliver()
    home.context.journals.parent.mkdir(parents=True, exist_ok=True)
    home.context.journals.write_text("a file where the directory should be")
    assert home.client.get(link_in(smtp_sink.mails[-1], "o")).status_code == 200


def test_a_journal_that_cannot_be_reopened_never_closes_an_unrelated_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_journal, "_ROTATE_AT", 10)
    journal = HitJournal(tmp_path / "journals")
    journal.note(A_HIT)
    shutil.rmtree(tmp_path / "journals")
    (tmp_path / "journals").touch()
    journal.note(A_HIT)
    with (tmp_path / "somebody else's").open("w") as file:
        journal.note(A_HIT)
        file.write("all is well")


def test_a_journal_removed_before_its_lock_was_taken_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def lock_too_late(file: int, how: int) -> None:
        monkeypatch.undo()
        [path] = tmp_path.iterdir()
        path.unlink()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", lock_too_late)
    HitJournal(tmp_path).note(A_HIT)
    [path] = tmp_path.iterdir()
    assert path.read_bytes().count(b"\n") == 1


def test_folding_stops_at_what_existed_when_it_began(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "_CHUNK", 1000)
    path, keep = write(followed, "1", lines(followed, 10)), set_folded

    def keep_and_be_hit(*given: Any) -> None:
        with path.open("ab") as writer:
            writer.write(lines(followed, 10))
        keep(*given)

    monkeypatch.setattr(journal_rows, "set_folded", keep_and_be_hit)
    assert followed.fold() == 10
    monkeypatch.undo()
    followed.fold()
    assert len(hits(followed)) > 20


def test_a_person_erased_while_their_hits_are_folded_leaves_no_hits(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(followed, "1", lines(followed, 3))
    look_up, context = about, followed.context

    def forget_and_look_up(*given: Any) -> Any:
        if forget(context.database, context.files, 1, followed.clock.now):
            return look_up(*given)
        raise AssertionError("nobody was forgotten")

    monkeypatch.setattr(fold, "about", forget_and_look_up)
    followed.fold()
    assert hits(followed) == []


def test_an_erasure_and_a_sweep_remove_a_persons_client_details_from_every_journal(
    followed: Installation,
) -> None:
    context, agent, address = followed.context, b"ErasedBrowser/1.0", b"192.0.2.99"
    journal = HitJournal(context.journals)
    theirs = a_hit(followed)._replace(user_agent=agent.decode(), client="192.0.2.99")
    journal.note(theirs)
    followed.fold()
    journal.note(theirs)
    elsewhere = write(followed, "of another machine", as_line(theirs))
    with elsewhere.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        forget(context.database, context.files, 1, followed.clock.now)
        followed.fold()
        for path in at_least_one(context.journals.iterdir()):
            assert agent not in path.read_bytes()
            assert address not in path.read_bytes()
    assert [(hit["user_agent"], hit["client"]) for hit in hits(followed)] == [(None, None)]


def test_a_journal_folded_by_an_older_version_is_overwritten_with_zeros(
    followed: Installation,
) -> None:
    path = write(followed, "1", lines(followed, 2000))
    with path.open("ab") as writer, followed.context.database.writing() as connection:
        fcntl.flock(writer, fcntl.LOCK_SH)
        folded_up_to(connection, path.name)
        set_folded(connection, path.name, path.stat().st_size)
    with path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        followed.fold()
        assert set(path.read_bytes()) == {0}


LINE_BREAKERS = [
    b"\xff\xfe\x00",
    b"\0" * 100,
    b"[" * 100_000,
    b"9" * 100_000,
    b'{"kind":"opened","message":1',
    b"x" * (10 * 1024 * 1024),
]


def test_unreadable_lines_are_counted_and_noted_and_block_nothing(
    followed: Installation,
) -> None:
    good = lines(followed, 1)
    far = json.loads(good) | {"at": "9999-12-31T23:59:59+00:00", "client": "192.0.2.66"}
    broken = [*LINE_BREAKERS, json.dumps(far).encode()]
    write(followed, "1", good.join([b"", *[one + b"\n" for one in broken], b""]))
    with (followed.context.journals / "hits-1.jsonl").open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        followed.fold()
    assert len(hits(followed)) == len(broken) + 1
    standing = hits_standing(followed.context.database, followed.context.journals)
    assert standing["unreadable"] == len(broken)
    notes = (followed.context.journals / "unreadable.jsonl").read_text()
    assert "192.0.2.66" not in notes
    assert len(notes) < 5000


def test_a_flood_on_one_pixel_records_a_few_hits_and_counts_the_rest(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, hit = HitJournal(followed.context.journals), a_hit(followed)
    for _ in range(10_000):
        journal.note(hit)
    assert waiting_in(followed.context.journals) < 5000
    later = hit._replace(at=hit.at + timedelta(minutes=2))
    journal.note(later)
    followed.fold()
    assert len(hits(followed)) == OF_A_LINK + 1
    standing = hits_standing(followed.context.database, followed.context.journals)
    assert standing["only_counted"] == 10_000 - OF_A_LINK


def test_a_lasting_flood_does_not_grow_the_records_of_a_message(
    followed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excess, "FOR_GOOD", 7)
    for n in range(3):
        write(followed, str(n), lines(followed, 5))
        followed.fold()
    assert len(hits(followed)) == 7
    standing = hits_standing(followed.context.database, followed.context.journals)
    assert standing["only_counted"] == 8


def test_a_journal_backlog_drops_opens_first_and_strips_details_from_clicks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hit_journal, "OPENS_WAIT", 1)
    (tmp_path / "hits-before.jsonl").write_bytes(b"x")
    journal = HitJournal(tmp_path)
    opened = A_HIT._replace(kind=EventKind.OPENED)
    clicked = A_HIT._replace(kind=EventKind.CLICKED, client="192.0.2.7")
    for hit in (opened, clicked):
        journal.note(hit)
    [path] = tmp_path.glob("hits-*-*.jsonl")
    [line] = map(json.loads, path.read_text().splitlines())
    assert (line["kind"], line["agent"], line["client"]) == ("clicked", "", "")


@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_bytes_are_read_as_a_line_or_refused(noise: bytes, at: int) -> None:
    line = as_line(A_HIT)
    for one in (noise, line[:at] + noise + line[at:]):
        try:
            read = from_line(one)
        except UnreadableLineError as error:
            assert str(error)
        else:
            assert read.message >= 1


_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=16)
_HITS = st.builds(
    Hit,
    kind=st.sampled_from([EventKind.OPENED, EventKind.CLICKED]),
    at=st.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)),
    method=_TEXT,
    user_agent=_TEXT,
    client=_TEXT,
    purpose=_TEXT,
    link=st.none() | _TEXT,
    query=_TEXT,
    message=st.integers(1, 2**31 - 1),
    line=st.just(""),
    row=st.just(0),
    verdict=st.none(),
    rules=st.none(),
)


@given(_HITS)
def test_a_hit_is_read_as_it_was_written(hit: Hit) -> None:
    assert from_line(as_line(hit), "hits-1.jsonl:7") == hit._replace(line="hits-1.jsonl:7")


#: Lines as they lie in the journals of earlier releases, byte for byte; the first has no query.
OLD_LINES = [
    b'{"kind":"clicked","message":2,"at":"2026-03-05T09:10:00+00:00","method":"GET","agent":"A'
    b'Browser","client":"192.0.2.7","purpose":"prefetch","link":"https://example.org/"}\n',
    b'{"kind":"opened","message":2,"at":"2026-03-05T09:10:00.000007+00:00","method":"HEAD",'
    b'"agent":"ABrowser","client":"192.0.2.7","purpose":"","link":null,"query":"utm_source=x"}\n',
    b'{"kind":"opened","message":2,"more":17}\n',
]


def test_lines_of_earlier_releases_are_folded_whole(followed: Installation) -> None:
    write(followed, "old", b"".join(OLD_LINES))
    assert followed.fold() == 3
    clicked, opened = hits(followed)
    assert (clicked["kind"], clicked["happened_at"]) == (
        "clicked",
        datetime(2026, 3, 5, 9, 10, tzinfo=UTC),
    )
    assert (clicked["user_agent"], clicked["client"]) == ("ABrowser", "192.0.2.7")
    assert (clicked["link"], clicked["raw"]) == ("https://example.org/", {"purpose": "prefetch"})
    assert (opened["method"], opened["link"], opened["query"]) == ("HEAD", None, "utm_source=x")
    assert clicked["source_key"] == "hits-old.jsonl:0"
    standing = hits_standing(followed.context.database, followed.context.journals)
    assert (standing["only_counted"], standing["unreadable"]) == (17, 0)


def test_what_the_release_before_reads_is_what_we_write(followed: Installation) -> None:
    hit = a_hit(followed)._replace(at=datetime(2026, 3, 5, 9, 10, tzinfo=UTC), query="a=b")
    assert json.loads(as_line(hit)) == {
        "kind": "clicked",
        "message": 2,
        "at": "2026-03-05T09:10:00+00:00",
        "method": "GET",
        "agent": A_BROWSER,
        "client": "",
        "purpose": "",
        "link": "https://practice.example.org/",
        "query": "a=b",
    }
