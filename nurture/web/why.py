"""The page “Why did I get this?”: one email's basis and proof, for the person who got it."""

from flask import render_template, url_for

from nurture.services.rights.account_of_message import MessageAccount, explain_message
from nurture.services.subscribers import links
from nurture.web.views import Views


class WhyPage(Views):
    """The view; it answers 404 if nothing is held any more, and 410 for an outdated link."""

    def show_why(self, token: str) -> str:
        """Show why a message was sent; nothing is changed."""
        context = self.context
        message = context.tokens.read_why(token)
        found = explain_message(*context.stored, message)
        if found is None:
            raise links.nobody_behind_message(context.database, message)
        return why_page(found, *self._ways_out(found))

    def _ways_out(self, found: MessageAccount) -> tuple[str, str, str]:
        """Return the links to unsubscribe, to the preferences and to complain."""
        tokens = self.context.tokens
        own = tokens.preferences(found.subscriber)
        stop = tokens.unsubscribe(found.subscriber, found.message)
        whose = tokens.whose(found.address_hash)
        return (
            url_for("pages.show_unsubscribe", token=stop, a=whose),
            url_for("pages.show_preferences", token=own),
            url_for("pages.show_complaint", token=own),
        )


def why_page(
    found: MessageAccount, unsubscribe_url: str, preferences_url: str, complaint_url: str
) -> str:
    """Render the account of one message."""
    return render_template(
        "why.html",
        found=found,
        unsubscribe_url=unsubscribe_url,
        preferences_url=preferences_url,
        complaint_url=complaint_url,
    )
