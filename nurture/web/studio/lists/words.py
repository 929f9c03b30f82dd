"""What the pages about lists call things."""

from collections.abc import Mapping
from types import MappingProxyType

from nurture.domain.imports.piles import Pile
from nurture.sheets.columns import Meaning

#: What a pile is called, in the order of the pages.
PILES: Mapping[str, str] = MappingProxyType(
    {
        Pile.EVIDENCE: "Agreed, and the list proves it",
        Pile.STATED: "Agreed, as you state",
        Pile.CLIENT: "Clients",
        Pile.SUPPRESSED: "Must not be emailed",
        Pile.UNKNOWN: "Unknown",
        Pile.MISTAKES: "Rows with a mistake",
    }
)

#: What a column can mean, as the menus call it.
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        Meaning.IGNORED: "Nothing that is needed",
        Meaning.EMAIL: "Email address",
        Meaning.FIRST_NAME: "First name",
        Meaning.LAST_NAME: "Last name",
        Meaning.FULL_NAME: "Whole name",
        Meaning.PHONE: "Phone",
        Meaning.STATE: "Status (subscribed, unsubscribed …)",
        Meaning.REFUSES_EMAIL: "Refuses emails",
        Meaning.WANTS_EMAIL: "Wants emails",
        Meaning.OPTED_IN_AT: "When they opted in",
        Meaning.OPTED_IN_IP: "Network (IP) they opted in from",
        Meaning.CONFIRMED_AT: "When they confirmed",
        Meaning.CONFIRMED_IP: "Network (IP) they confirmed from",
        Meaning.JOINED_AT: "When they were added",
        Meaning.WORDING: "The words they agreed to",
        Meaning.PAGE_URL: "The page they agreed on",
        Meaning.FORM: "The form they filled in",
        Meaning.LEFT_AT: "When they unsubscribed",
        Meaning.BOUNCED_AT: "When an email came back",
        Meaning.TIME_ZONE: "Time zone",
        Meaning.BOUGHT: "What they bought",
        Meaning.BOUGHT_AT: "When they bought it",
        Meaning.WAY_OUT_OFFERED: "Could refuse emails then",
        Meaning.LIST_NAME: "Name of the list",
        Meaning.TAGS: "Tags",
    }
)
