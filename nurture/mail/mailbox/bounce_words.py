"""The words in which letters of mail servers say that an email came back, or is delayed."""

import re

_ANY = re.IGNORECASE | re.DOTALL


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), _ANY)


#: A subject that says of a mail that it is a report about another.
SUBJECT = _words(
    r"undeliver(ed|able)",
    r"\bfailure notice\b",
    r"\breturned (e-?)?mail\b",
    r"\breturned to sender\b",
    r"\bdeliver\w* (status )?(has )?(failed|failure|error|problem|report|notification)",
    r"\bdelivery (status|delayed)",
    r"\b(mail|message|delivery)\b.{0,25}\b(fail\w*|delayed|rejected|not delivered|bounced)\b",
    r"\b(unable|could ?n[o’']t|cannot|failed) (to )?(be )?(deliver|send)",
    r"\bwarning:? (could not send|message|mail)",
    r"\bnon.?remis|échec|\bnon distribu|\bnon délivr",
    r"\bunzustellbar|\bnicht zugestellt|\bnicht zustellbar|\bzustellung|\bzurückgewiesen",
    r"\bno (se )?(ha podido|pudo|se puede) entreg|\bno entregado|\bdevuelto",
    r"\bmancat\w* recapit|\bnon recapit|\bimpossibile recapit|\bonbestelbaar|\bniet afgeleverd",
    r"\bnão entreg|\bnie dostarczon|\bolever\w*bart?\b|\bej levererat",
    r"不达|退信|配信不能|配達不能|не доставлен|недоставлен",
)

#: A text that says so.
FAILED = _words(
    r"\b(could|can|did|was|were|has|have|been)(n[’']t| ?not)\b.{0,30}"
    r"\b(deliver|sent|reach|complet)",
    r"\bunable to (deliver|send|reach|transfer|route|relay)",
    r"\bundeliver(ed|able)",
    r"\b(delivery|message|mail)\b.{0,40}\b(fail(ed|ure)|rejected|refused|bounced|returned|blocked)\b",
    r"\bfail(ed|ure)\b.{0,30}\b(deliver|recipient|address)",
    r"\b(permanent|fatal) (fatal )?error",
    r"\bwere not reached|\bdid not reach\b|\bnot delivered\b",
    r"\brejected (by|your|the|as)\b",
    r"\bno such (user|mailbox)|\bunknown (user|recipient|address)|\buser unknown",
    r"\bnicht zugestellt|\bnicht erreicht|\bnon (è|ha|a) (stat|pu|pos)|\bn’a pas pu|\bn'a pas pu"
    r"|\bno se (pudo|ha podido)|\bkon niet\b|\bnão pôde",
)

#: It is still being tried.
DELAYED = _words(
    r"\bnot yet (been )?deliver",
    r"\bwarning message only\b",
    r"\bnot need to resend\b",
    r"\b(delivery attempts|we|server|system|gmail|it)\b.{0,15}"
    r"\bwill (continue|keep|go on|retry|be retried)",
    r"\bmessage will be (retried|queued)",
    r"\bwill (continue|keep) (trying|to (try|attempt|be tried|retry)|retrying)",
    r"\bstill (being )?try(ing)?\b",
    r"\b(delivery|message|mail)\b.{0,25}\b(has been|is|was|temporarily)? ?delayed\b",
    r"\bcould not (send|deliver) (the |your )?(message|mail) for (the )?(past|last)\b",
    r"\bdelayed (for )?\d+ (hour|minute|day)",
    r"\bverzögert|\bverspätet|\bwird weiter versucht|\bretardée?\b|\bretrasad",
)

#: No longer, whatever else it says.
GIVEN_UP = _words(
    r"\bgiving up\b|\bgave up\b|\bgiven up\b|\bno longer (be )?tr",
    r"\bnot (going to|be) (try|retried|tried) again|\bwill not (be retried|try|retry)",
    r"\bno (further|more) (attempts|delivery)",
    r"\bpermanent (fatal )?error|\bfailed permanently|\bpermanently failed",
    r"\bretry time(out)? .{0,20}exceeded|\bin the queue too long",
    r"\b(message|mail|queue\w*|time) (has |was )?(expired|too old)",
)

#: Nobody answered for too long, which says nothing of the address.
GIVEN_UP_WAITING = _words(
    r"\b(message|mail|time) (has |was )?expired\b|\bretry time(out)?\b.{0,20}(exceeded|reached)",
    r"\bin the queue too long\b|\bunable to contact\b.{0,60}\b(hour|day)",
)

#: There is no such mailbox, in words that only these reports use.
NOBODY = _words(
    r"\bnot listed in\b.{0,30}\b(directory|address book)",
    r"\bunknown (user|recipient|local[ -]?part|address|mailbox|account)",
    r"\b(user|recipient|mailbox|address|addressee|account|destinat\w*)\b.{0,60}"
    r"\b(unknown|not found|not exist|n[’']t exist|not listed|inactive|disabled|no longer)",
    r"\b(could|was)(n[’']t| not)\b.{0,12}\bfound\b",
    r"\bno such (user|mailbox|recipient|address|account|person)",
    r"n[’']t have an? .{0,40}\baccount\b|\bname is not recogni[sz]ed\b",
    r"\bnot (our|a) (customer|user|valid (user|mailbox|recipient))\b",
    r"\b(no|invalid) (mailbox|user|recipient|account|final delivery)\b",
    r"\b(domain|host)\b.{0,40}\b(not found|not exist|n[’']t exist|unknown)|\bnxdomain\b",
    r"\bcouldn[’']t find any host\b|\bunrouteable\b|\bname or service not known\b",
    r"\bunbekannt|\bexistiert nicht|\bnicht gefunden|\bnicht vorhanden",
    r"\bn[’']existe pas|\binconnu|\bno existe|\bdesconocid|\bnon esiste|\bsconosciut|\bonbekend"
    r"|\bbestaat niet|\bnão existe|\bnie istnieje|\bfinns inte|\bfindes ikke",
)

#: The mailbox is full, likewise.
FULL = _words(
    r"\b(mailbox|inbox|account|user|quota)\b.{0,40}\b(full|over ?-?quota|exceed\w*|overdrawn)",
    r"\bover ?-?quota\b|\bquota\b.{0,20}\bexceed|\bexceed\w*\b.{0,30}\bquota\b",
    r"\bpostfach\b.{0,30}\bvoll\b|\bpleine?\b|\bbuzón\b.{0,30}\bllen|\bcasella\b.{0,30}\bpien"
    r"|\bspeicherplatz\b.{0,30}\berschöpft|\bcaixa\b.{0,30}\bcheia|\bpostvak\b.{0,30}\bvol\b",
)

#: From here on the text is a copy of the email.
COPY = re.compile(
    r"^[ \t>*_=-]{0,40}("
    r"(below this line is|this is|here is|the following is) (a|the) copy"
    r"|(the )?original (e-?mail |message )?(headers|message|mail|text)\b"
    r"|(beginning|start|text|headers?|copy) of (the |your )?"
    r"(original |returned |bounced |unsent )?(message|mail)"
    r"|(returned|unsent|rejected) (message|mail|e-?mail|headers?)"
    r"( (text|headers?|follows?|below)|:?\s*$)"
    r"|message headers?( follow)?|included is a copy"
    r"|the (first \d+ lines|body) of|mensaje original|message d[’']origine|ursprüngliche nachricht"
    r").{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
