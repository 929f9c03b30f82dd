"""The words in which mail servers say what a refusal is about, collected from real replies."""

import re
from functools import cached_property


class _Words:
    """Alternative patterns, compiled when a server first refuses something.

    Otherwise every process would wait for them when it starts.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match in the text."""
        return self._compiled.search(text)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile("|".join(self._patterns), re.IGNORECASE)


def _any(*patterns: str) -> _Words:
    return _Words(patterns)


#: The recipient's mailbox is full.
FULL = _any(
    r"(mailbox|inbox)\b.{0,30}\b(full|exceed\w*|over[ -]?quota)",
    r"\b(full|exceed\w*|insufficient)\b.{0,30}\b(mailbox|inbox)",
    r"\bover[ -]?(its |their |his |her )?(quota|storage)",
    r"\b(recipient|user|account|address)\b.{0,40}\b(over|exceed\w*|out of) "
    r".{0,20}(storage|disk|space)",
    r"\bquota (exceeded|reached) (for|of) (the |this )?(mailbox|recipient|user)",
    r"\b(storage|disk)\b.{0,20}\b(quota|limit|space)\b.{0,20}\b(exceed\w*|reached|full)",
    r"\b(exceed\w*|reached|out of)\b.{0,20}\b(storage|disk)\b",
)

#: The recipient is sent too much, by everyone or by us.
BUSY_RECIPIENT = _any(
    r"user you are trying to contact",
    r"\b(recipient|mailbox|user)\b.{0,30}\b(receiv\w*|incoming|inbound)\b.{0,30}"
    r"(rate|limit|quota|too)",
    r"\breceiving (limit|quota|rate|mail (at|too)|messages (at|too))",
    r"\btoo (many|much) (messages|e-?mails|mails?) (to|for) (this|that|the) "
    r"(recipient|user|mailbox|address)",
)

DISABLED = _any(r"\b(disabled|deactivated|inactive|suspended|closed|deleted|discontinued)\b")

#: More simultaneous sessions than the server allows.
CROWDED = _any(
    r"\b(concurrent|simultaneous|parallel)\b.{0,20}\b(connection|session)",
    r"\btoo many (concurrent |simultaneous |open |parallel |smtp )*(connection|session)s?\b",
    r"\b(connection|thread)s?( count| rate)? (limit|quota)\b.{0,12}(exceed|reach)",
    r"\bthread limit\b",
    r"\bmax\w* (number of )?(connection|session)s?\b",
)

#: This session has carried as much as it is allowed to.
WORN_OUT = _any(
    r"\b(per|in this|in one|of this|this|for this) (smtp )?(session|connection)\b",
    r"\bsession (limit|quota)\b",
    r"\bmessages? (limit|count) .{0,20}\b(session|connection)\b",
)

#: Limits of the sending account, whatever unit they are in.
LIMITED = _any(
    r"\b(rate|sending|send|hourly|daily|monthly|relay|messages?|e?-?mails?|recipients?|outgoing"
    r"|outbound|smtp|submission|volume|hour|day)[ -]"
    r"(rate |sending |relay |messages? |recipients? )?(limits?|quota|caps?|allowance)\b",
    r"\bquota\b.{0,20}\b(exceed|reach|used)",
    r"\b(exceed\w*|reached|over|used)\b.{0,30}\bquota\b",
    r"SubmissionQuota",
    r"\bexceed(s|ed|ing)? (the |your |its |our )?"
    r"(max|limit|allow|number|daily|hourly|sending|rate)",
    r"\breached (the|your|its) .{0,40}\b(limit|quota|maximum|number)",
    r"\blimits? (was |is |has been |have been )?(exceeded|reached|hit)",
    r"\bmax\w*\b.{0,20}\b(defers|e-?mails|messages|sending rate|recipients)\b.{0,40}"
    r"\b(hour|day|minute|exceed|reach|allow)",
    r"\btoo (many|much) (messages|e-?mails|mails?|defers|recipients (received|this|per|in))",
    r"\btoo many login attempts",
    r"\bcredits?\b.{0,30}\b(exceed|exhaust|used|expired|maximum)",
    r"\b(exceed\w*|maximum|no more|no|out of|insufficient|not enough)\b.{0,15}\bcredits?\b",
    r"\bthrottl",
    r"\brate[ -]?limit",
    r"\b(sending|mails?|messages?) too (fast|quickly|many|much)\b",
    r"\bunusual\b.{0,20}\b(sending|rate|amount|activity|volume)",
)
THROTTLED = _any(r"\bthrottl", r"\brate\b", r"\btoo (fast|quickly)", r"\bminute")
LONG = _any(r"\bhour", r"\bda(y|ily)\b", r"\b24\b", r"\bmonth", r"\bcredit", r"\bquota")

#: The account may not send until someone has contacted the provider.
SUSPENDED = _any(
    r"\bsending (is |has been |was )?(paused|suspended|disabled|blocked)",
    r"\b(account|domain|sender|tenant|organi[sz]ation|user)\b.{0,40}\b(suspended|restricted|locked"
    r"|blocked from sending|disabled (for|from) send\w*)",
    r"\baccount (has been |is |was )?(disabled|blocked|on hold|not active|inactive)",
    r"\b(outbound|outgoing) (spam|mail|e-?mail) .{0,30}(block|disabl|suspend)",
    r"\b(unpaid|overdue|payment|billing|non-?payment)\b",
)

#: Who is sending, from where, and whether that has been proved.
OF_THE_SENDER = _any(
    r"send ?as ?denied",
    r"\bnot (allowed|permitted|authori[sz]ed) to (send|relay|use)",
    r"\b(permission|rights?)s?\b.{0,20}\bto send\b",
    r"\b(identit\w*|sender|from|domain|e-?mail address)\b.{0,80}"
    r"\b(not|un|n[’']t)[ -]?(been )?verified",
    r"\bnot verified\b",
    r"\b(sender|return[- ]path|envelope from|from address|from domain)\b.{0,60}"
    r"\b(reject|denied|refused|not (allowed|accepted|valid|owned|permitted)|mismatch|invalid"
    r"|unknown)",
    r"\b(reject|denied|refused|invalid|unknown)\w* .{0,20}\b(sender|from address|return[- ]path)",
    r"\bnot owned by\b",
    r"\brelay(ing)?\b.{0,40}\b(denied|not (permitted|allowed)|prohibited|disabled|access)",
    r"\b(not permitted|not allowed|unable|cannot|will not|won[’']t|refus\w*|deny|denied)\b.{0,20}"
    r"\brelay",
    r"\bunauthenticated\b",
    r"\b(fail\w*|did not pass|does not pass|lacks|without|missing)\b.{0,40}\b(spf|dkim|dmarc)\b",
    r"\b(spf|dkim|dmarc)\b.{0,60}\b(fail\w*|not pass|policy|missing|required)",
    r"\bauthentication (level|required|needed|information|is required)",
    r"\bmust (authenticate|log ?in|be authenticated|issue a starttls)",
    r"\bbasic authentication is disabled",
    r"\bclient host\b.{0,120}\b(block|reject|listed)",
    r"\b(ip|ip address|server)\b.{0,60}\b(blacklist|block ?list|listed|blocked)",
    r"\b(spamhaus|spamcop|barracuda|sorbs|dnsbl|rbl)\b",
    r"\bconnections?\b.{0,15}\bnot (be )?accepted",
    r"\btraffic not accepted",
    r"\bbanned sender",
)

#: An unmistakable statement that there is no such user, for servers without enhanced codes.
NOBODY = _any(
    r"\b(no such|unknown|non-?existent)\b.{0,15}\b(user|mailbox|recipient|address|account|person|"
    r"e-?mail|here|domain|host)\b",
    r"\binvalid (recipient|mailbox|user)\b",
    r"\b(user|mailbox|recipient|address|account|alias)\b.{0,80}\b(unknown|not exist|n[’']t exist"
    r"|not found|no longer|not known|is invalid|not valid|undeliverable|inactive|disabled"
    r"|closed|deleted|removed|deactivated)",
    r"\bno (mailbox|user|account|one|person|recipient)\b.{0,20}\b(name|here|found)\b",
    r"\bnot (a )?(valid|known|local) (mailbox|user|recipient|address)",
    r"\b(does not|doesn[’']?t|do not|don[’']?t) (have|know|recogni[sz]e)\b.{0,25}"
    r"\b(account|mailbox|user|address)",
    r"\bunrouteable (address|mail domain)",
    r"\b(host|domain)( name)?( is)? (unknown|not found)",
    r"\bdoes not accept (mail|e-?mail)\b",
)

TOO_LARGE = _any(
    r"\bsize (limit|exceed)",
    r"\bexceed\w*\b.{0,30}\bsize\b",
    r"\bsize\b.{0,30}\bexceed",
    r"\btoo (large|big|long)\b",
)
CONTENT = _any(
    r"\b(spam|virus|malware|phish\w*|prohibited|attachment|content|header|url|link|unsolicited)\b",
    r"\bmessage (was |has been |is )?(rejected|refused|blocked)",
)

#: How long to wait, such as “try again in 30 minutes”.
WAIT = re.compile(
    r"\b(?:again|retry|wait)\b[\w ,]{0,20}?\b(\d{1,5})\s*"
    r"(s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:ours?|rs?)?)\b",
    re.IGNORECASE,
)

ADDRESS = re.compile(r"<[^<>]*>|\S+@\S+")

#: Queue numbers, digests and the like: anything with a digit in it.
IDENTIFIER = re.compile(r"\S*\d\S*")
