"""What a program says about itself in its User-Agent (RFC 9110 §10.1.5)."""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from functools import lru_cache


class Program(Enum):
    """The kind of program that a user agent names."""

    BROWSER = auto()
    MAIL = auto()
    #: Fetches an email's pictures on a reader's behalf, when they look at it.
    PROXY = auto()
    #: Fetches an email's pictures before anyone looks at it.
    RELAY = auto()
    ROBOT = auto()


@dataclass(frozen=True, slots=True)
class Agent:
    """A program, and a remark if there is more to say than its kind."""

    program: Program
    remark: str = ""


#: Apple's relay gives no version, system or engine with its name.
_BARE = "Mozilla/5.0"

#: Gmail's scan of an email that arrives while its reader is signed in; only this ends so.
_GMAIL_AHEAD = re.compile(r"Edge/12\.246 Mozilla/5\.0$")

_PROXIES = {"GoogleImageProxy": "Gmail", "YahooMailProxy": "Yahoo"}

#: “Cubot” or “Robot” in a phone's name does not mean a robot, nor does “Scan” in a longer word.
_ROBOTIC = re.compile(
    r"(?<!cu)(?<!ro)bots?\b|crawl|spider|slurp|\bscan(?:s|ner|ning)?\b|preview|headless"
    r"|phantomjs|puppeteer|playwright|selenium|lighthouse|facebookexternalhit|facebot"
    r"|barracuda|proofpoint|mimecast|symantec|messagelabs|fireeye|trellix|trend ?micro|ironport"
    r"|cisco|forcepoint|websense|fortinet|sophos|safelinks|linkprotect|urldefense|security|threat"
    r"|phish|malware|urlanaly|checker|validator|monitor|fetcher|summari[sz]er|unfurl|embedly"
    r"|powershell|^whatsapp|^slack|^viber|^signal\b|google-(?!chrome)\w+",
    re.IGNORECASE,
)

#: Libraries and tools that fetch URLs; they do not display an email's pictures.
_TOOLS = re.compile(
    r"curl|wget|python|httpx|urllib|java/|go-http|okhttp|axios|node|undici|^got\b|libwww|perl"
    r"|ruby|faraday|php|guzzle|winhttp|apache-http|httpclient|postman|insomnia|dart|reqwest|^lua",
    re.IGNORECASE,
)

#: An agent that says where to read about it, or whom to contact, is not a browser.
_INTRODUCES_ITSELF = re.compile(r"https?://|\bwww\.|[\w.]@[\w.]", re.IGNORECASE)
_COMPATIBLE = re.compile(r"^Mozilla/\d\.0 \(compatible; (?!MSIE|Konqueror|ms-office|Trident)")

#: Browsers whose names do not begin as all others do; some blind readers use one of them.
_OTHER_BROWSERS = re.compile(
    r"^(?:Opera|URL/Emacs|Lynx|w3m|E?Links|Dillo|NetSurf|edbrowse|Emacs|UCWEB|Nokia|SAMSUNG|BlackBerry"
    r"|SonyEricsson|NetFront|Browsh)\b",
    re.IGNORECASE,
)
_ENGINE = re.compile(r"Gecko/|AppleWebKit/|Trident/|MSIE |Presto/|KHTML/|Goanna/|ms-office", re.I)
_MAIL = re.compile(
    r"thunderbird|betterbird|outlook|ms-?office|microsoft office|airmail|\bspark\b|postbox"
    r"|em ?client|the bat|lotus-?notes|\bk-9\b|aqua ?mail|fairemail|evolution|kmail|claws"
    r"|zimbra|mailbird|mailspring|edison|canary|superhuman|\be?mail/|; wv\)"
    # Apple's Mail is a web view: it names the engine but no browser.
    r"|like Gecko\)(?: Mobile/\w+)?$",
    re.IGNORECASE,
)
#: Chrome and Firefox reached version 100 that spring, and have released one every four weeks since.
#: Internet Explorer ended in 2022, Windows 7 in 2020.
_NUMBERED = re.compile(r"(?:Chrome|Firefox)/(\d+)\.")
_HUNDREDTH = date(2022, 4, 1)
_TWO_YEARS = 26
_RETIRED = re.compile(r"MSIE |Trident/|Windows NT [456]\.")
_PHONE = re.compile(r"iPhone|iPad|Android|Mobile")


@lru_cache(maxsize=4096)
def read_agent(agent: str) -> Agent:
    """Return what a User-Agent says."""
    agent = agent.strip()
    if not agent:
        return Agent(Program.ROBOT, "it does not say which program asked")
    if agent == _BARE:
        return Agent(Program.RELAY, "Apple's mail privacy fetches every mail's pictures")
    if _GMAIL_AHEAD.search(agent):
        return Agent(Program.RELAY, "Gmail looked the mail through as it arrived")
    for name, provider in _PROXIES.items():
        if name in agent:
            return Agent(Program.PROXY, provider)
    if _OTHER_BROWSERS.search(agent):
        return Agent(Program.BROWSER)
    if found := _ROBOTIC.search(agent) or _TOOLS.search(agent):
        return Agent(Program.ROBOT, f"the program calls itself “{_word_around(agent, found)}”")
    if _INTRODUCES_ITSELF.search(agent) or _COMPATIBLE.search(agent):
        return Agent(Program.ROBOT, "the program introduces itself as robots do")
    if _MAIL.search(agent):
        return Agent(Program.MAIL)
    if not (agent.startswith("Mozilla/") and _ENGINE.search(agent)):
        return Agent(Program.ROBOT, "no browser calls itself as this program does")
    return Agent(Program.BROWSER)


@lru_cache(maxsize=4096)
def is_outdated(agent: str, on: date) -> bool:
    """Return whether a browser or its system was years old on that day.

    Mail programs are exempt, because they live longer.
    """
    if _MAIL.search(agent):
        return False
    if found := _NUMBERED.search(agent):
        newest = 100 + (on - _HUNDREDTH).days // 28
        return int(found[1]) < newest - _TWO_YEARS
    return bool(_RETIRED.search(agent))


def is_a_phones(agent: str) -> bool:
    """Return whether a program says that it runs on a phone or a tablet."""
    return bool(_PHONE.search(agent))


def _word_around(agent: str, found: re.Match[str]) -> str:
    """Return the whole word that was found, as the program wrote it."""
    start = max(agent.rfind(mark, 0, found.start()) for mark in " ;(,") + 1
    return re.split(r"[\s;(),]", agent[start:])[0] or found[0]
