"""Verdicts: bursts, programs and networks identify machines; the rest counts as human."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.tracking.events import EventKind
from nurture.domain.tracking.verdict import Hit, Judgement, Occasion, Verdict, judge

SENT = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/154.0.0.0 Safari/537.36"
)
OLD_CHROME = CHROME.replace("154", "79")
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/26.4 Mobile/15E148 Safari/604.1"
)
HOME, OFFICE, DEFENDER = "192.0.2.7", "198.51.100.9", "40.94.20.41"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
HUMAN, MACHINE, UNSURE = Verdict.HUMAN, Verdict.MACHINE, Verdict.UNSURE


def click(after: float, link: int = 1, agent: str = CHROME, client: str = HOME, **more: str) -> Hit:
    at, place = SENT + timedelta(seconds=after), f"https://example.org/{link}"
    return Hit(EventKind.CLICKED, at, user_agent=agent, client=client, link=place, **more)


def opened(after: float, agent: str = CHROME, client: str = HOME, **more: str) -> Hit:
    at = SENT + timedelta(seconds=after)
    return Hit(EventKind.OPENED, at, user_agent=agent, client=client, **more)


def verdicts(*hits: Hit, links: int = 3, crowd: dict[str, int] | None = None) -> list[Verdict]:
    return [one.verdict for one in judge(Occasion(hits, SENT, links, crowd or {}))]


def only(hit: Hit) -> Judgement:
    [judgement] = judge(Occasion([hit], SENT))
    return judgement


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "curl/8.5.0",
        "python-requests/2.32",
        "okhttp/4.12.0",
        "Mozilla/5.0 (compatible; Example/1.0)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/150.0 Safari/537.36",
        "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
        "TelegramBot (like TwitterBot)",
        "WhatsApp/2.24.20 A",
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (example@example.org)",
        "SomethingNew/1.0",
        "Mozilla/5.0",
    ],
)
def test_a_user_agent_that_is_no_browser_is_a_machine(agent: str) -> None:
    assert only(click(7200, agent=agent)).verdict is MACHINE


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        OLD_CHROME,
        IPHONE,
        CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; CUBOT X30"),
        "Lynx/2.9.2 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/3.4.1",
        "w3m/0.5.3+git20230121",
        "Opera/9.80 (Android; Opera Mini/36.2) Presto/2.12.423 Version/12.16",
        "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    ],
)
def test_a_late_click_in_any_common_browser_is_human(agent: str) -> None:
    assert only(click(7200, agent=agent)).verdict is HUMAN


@pytest.mark.parametrize(
    ("agent", "verdict"),
    [
        ("Mozilla/5.0", MACHINE),
        (CHROME.replace("154.0.0.0", "42.0.2311.135") + " Edge/12.246 Mozilla/5.0", MACHINE),
        (GMAIL, HUMAN),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0", HUMAN),
        ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; ms-office; MSOffice 16)", HUMAN),
        (CHROME, UNSURE),
    ],
)
def test_an_open_is_human_only_if_a_mail_program_displays_it(agent: str, verdict: Verdict) -> None:
    assert only(opened(3600, agent)).verdict is verdict


def test_an_open_from_apples_own_network_is_a_machine() -> None:
    assert only(opened(3600, IPHONE, "17.58.0.9")).verdict is MACHINE


def test_a_request_that_displays_nothing_is_a_machine() -> None:
    assert only(click(7200, method="HEAD")).verdict is MACHINE
    assert only(click(7200, purpose="prefetch;prerender")).verdict is MACHINE


def test_a_click_after_a_prefetch_is_human() -> None:
    assert verdicts(click(7200, purpose="prefetch"), click(7201)) == [MACHINE, HUMAN]


def test_a_get_after_a_head_by_the_same_program_is_a_machine() -> None:
    assert verdicts(click(7200, method="HEAD"), click(7203)) == [MACHINE, MACHINE]


def test_an_altered_url_means_a_machine_unless_sharing_added_the_parameter() -> None:
    assert only(click(7200, query="%27")).verdict is MACHINE
    assert only(click(7200, query="fbclid=IwAR0")).verdict is HUMAN


@pytest.mark.parametrize(
    ("after", "verdict"), [(-1, MACHINE), (2, MACHINE), (6, UNSURE), (12, HUMAN), (600, HUMAN)]
)
def test_an_impossibly_quick_click_is_not_human(after: float, verdict: Verdict) -> None:
    assert only(click(after)).verdict is verdict


def test_a_burst_of_clicks_and_its_simultaneous_opens_are_a_machine() -> None:
    burst = [opened(300), *(click(301 + n / 10, n) for n in range(3))]
    assert set(verdicts(*burst)) == {MACHINE}


def test_links_opened_in_tabs_one_after_another_are_human() -> None:
    assert verdicts(click(900, 1), click(907, 2), click(915, 3)) == [HUMAN] * 3


def test_a_double_click_is_human() -> None:
    assert verdicts(click(900), click(900.3)) == [HUMAN, HUMAN]


def test_a_click_long_after_a_scanners_burst_is_human() -> None:
    burst = [click(20 + n / 10, n, client=DEFENDER) for n in range(3)]
    assert verdicts(*burst, click(7200))[-1] is HUMAN


def test_a_scanner_network_alone_proves_nothing_but_adds_to_other_signs() -> None:
    assert only(click(7200, client=DEFENDER)).verdict is UNSURE
    assert only(click(30, client=DEFENDER)).verdict is MACHINE
    assert only(click(7200, agent=OLD_CHROME, client=DEFENDER)).verdict is MACHINE


def test_colleagues_behind_one_address_are_human_but_a_crowd_is_unsure() -> None:
    assert verdicts(click(900, client=OFFICE), crowd={OFFICE: 12}) == [HUMAN]
    assert verdicts(click(30, client=OFFICE), crowd={OFFICE: 12}) == [MACHINE]
    assert verdicts(click(900, client=OFFICE), crowd={OFFICE: 60}) == [UNSURE]
    read = [opened(890, client=OFFICE), click(900, client=OFFICE)]
    assert verdicts(*read, crowd={OFFICE: 60})[-1] is HUMAN


def test_a_gateway_checking_a_clicked_link_is_distinguished_from_the_reader() -> None:
    assert verdicts(click(7200, client=DEFENDER), click(7201)) == [MACHINE, HUMAN]
    assert verdicts(click(7200), click(7202, client=DEFENDER)) == [HUMAN, MACHINE]


def test_a_browser_open_followed_by_a_click_is_human() -> None:
    assert verdicts(opened(3600), click(3610)) == [HUMAN, HUMAN]


_HITS = st.builds(
    Hit,
    kind=st.sampled_from([EventKind.OPENED, EventKind.CLICKED]),
    at=st.floats(-5, 90000).map(lambda after: SENT + timedelta(seconds=after)),
    method=st.sampled_from(["GET", "HEAD", "OPTIONS"]),
    user_agent=st.sampled_from([CHROME, OLD_CHROME, IPHONE, GMAIL, "Mozilla/5.0", ""])
    | st.text(max_size=60),
    client=st.sampled_from([HOME, OFFICE, DEFENDER, "2001:db8::1", "", "nonsense"]),
    purpose=st.sampled_from(["", "prefetch"]),
    link=st.sampled_from([None, "https://example.org/1", "https://example.org/2"]),
    query=st.sampled_from(["", "fbclid=1", "x=%00", "&&="]),
)


@given(
    st.lists(_HITS, max_size=12),
    st.none() | st.just(SENT),
    st.integers(0, 5),
    st.dictionaries(st.sampled_from([HOME, OFFICE]), st.integers(0, 99)),
)
def test_every_hit_gets_a_verdict_with_reasons(
    hits: list[Hit], accepted_at: datetime | None, links: int, crowd: dict[str, int]
) -> None:
    ordered = sorted(hits, key=lambda hit: hit.at)
    judged = judge(Occasion(ordered, accepted_at, links, crowd))
    assert len(judged) == len(hits)
    assert all(one.reasons and all(one.reasons) for one in judged)


@given(st.lists(_HITS, min_size=1, max_size=12))
def test_a_verdict_depends_on_intervals_and_not_on_the_date(hits: list[Hit]) -> None:
    ordered = sorted(hits, key=lambda hit: hit.at)
    later = [replace(hit, at=hit.at + timedelta(days=1)) for hit in ordered]
    assert judge(Occasion(ordered, SENT, 2)) == judge(Occasion(later, SENT + timedelta(days=1), 2))
