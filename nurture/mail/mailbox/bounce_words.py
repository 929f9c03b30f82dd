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
    r"无法(发送|送达|投递)|未能(发送|送达|投递)|無法(傳送|送達|投遞)|送信できません|配信(できません|されません)"
    r"|не удалось доставить|не (был[ао]? |может быть )?доставлен",
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
    r"(用户|用戶|收件人|地址|帐号|账号|邮箱|信箱).{0,6}不存在|查无此人|(宛先|アドレス|ユーザー?).{0,10}(存在しません|見つかりません|不明)"
    r"|\bне существует\b",
)

#: The mailbox is full, likewise.
FULL = _words(
    r"\b(mailbox|inbox|account|user|quota)\b.{0,40}\b(full|over ?-?quota|exceed\w*|overdrawn)",
    r"\bover ?-?quota\b|\bquota\b.{0,20}\bexceed|\bexceed\w*\b.{0,30}\bquota\b",
    r"\bpostfach\b.{0,30}\bvoll\b|\bpleine?\b|\bbuzón\b.{0,30}\bllen|\bcasella\b.{0,30}\bpien"
    r"|(邮箱|信箱|郵箱).{0,6}(已满|已滿)|メールボックス.{0,10}(一杯|いっぱい|容量)|\bпереполнен"
    r"|\bspeicherplatz\b.{0,30}\berschöpft|\bcaixa\b.{0,30}\bcheia|\bpostvak\b.{0,30}\bvol\b",
)

#: It arrived, as a receipt says.
ARRIVED = _words(
    r"\b(successfully|has been|have been|was|were) (successfully )?(delivered|relayed|received)\b",
    r"\bdelivery (was )?(successful|confirm)|\bzugestellt worden|\b(wurde|erfolgreich) zugestellt",
)

#: From here on the text is a copy of the email.
COPY = re.compile(
    r"^[ \t>*_=-]{0,40}("
    r"(below this line is|this is|here is|the following is) (a|the) copy"
    r"|(the )?original (e-?mail |message )?(headers|message|mail|text)\b"
    r"(?! (was|is|has|had|could|to)\b)"
    r"|(beginning|start|text|headers?|copy) of (the |your )?"
    r"(original |returned |bounced |unsent )?(message|mail)"
    r"|(returned|unsent|rejected) (message|mail|e-?mail|headers?)"
    r"( (text|headers?|follows?|below)|:?\s*$)"
    r"|message headers?( follow)?|included is a copy"
    r"|the (headers? and )?(first |top )?(\d+ lines|body) of"
    r"|mensaje original|message d[’']origine|ursprüngliche nachricht"
    r").{0,80}$",
    re.IGNORECASE | re.MULTILINE,
)
