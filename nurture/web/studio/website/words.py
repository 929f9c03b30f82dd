"""What the pages of the website say in words: providers, remedies and what a tick is for."""

from collections.abc import Mapping

from nurture.domain.subscribers.consent import Purpose

#: Providers whose names differ from the last part of their URL.
_LABELS = {"cal": "Cal.com", "sendgrid": "SendGrid", "ses": "Amazon SES"}

#: What to do about a refusal, by the status of the response.
REMEDIES = {
    400: "What was sent could not be read. In the form plugin, choose JSON or form data.",
    401: "Copy the token or the secret again, whole and without spaces at either end.",
    404: "There is no such form, or the key is unknown or revoked. Copy the address again.",
    405: "The address was opened instead of called. In the form plugin, choose the method POST.",
    409: "The same key came with another signup. The website must use a new one each time.",
    413: "Far too much was sent. Let the form send only the fields it needs.",
    415: "In the form plugin, choose JSON or form data as the format.",
    422: "Check which field of your form is sent under this name.",
    429: "More signups than a website has in an hour. If they are real, send them again later.",
}

#: What a tick is for, after “a tick for …”.
BOX_WORDS: Mapping[Purpose, str] = {
    Purpose.SERIES: "the series of this form",
    Purpose.ARTICLES: "new articles",
    Purpose.NEWS: "news and offers",
    Purpose.TRACKING: "tracking opens and clicks",
    Purpose.HEALTH_TOPICS: "using health topics",
}


def label_of_provider(door: str, name: str) -> str:
    """Return a provider's label."""
    if name == "generic":
        return "Any other calendar" if door == "bookings" else "Any other mail system"
    return _LABELS.get(name, name.capitalize())
