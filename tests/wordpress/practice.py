"""A practice with a WordPress and an installation that can be stopped and started."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nurture.clock import real_now
from nurture.services.door.site_keys import Site
from tests.installation import Installation
from tests.servers.smtp import SmtpSink
from tests.web.serving import served
from tests.wordpress.site import WordPress

FORGET = """
deactivate_plugins( 'nurture-signups/nurture-signups.php' );
return delete_plugins( array( 'nurture-signups/nurture-signups.php' ) );
"""


@dataclass
class Practice:
    """WordPress, the installation that its plugin calls, and the port of that."""

    site: WordPress
    home: Installation
    key: Site
    port: int

    @contextmanager
    def answering(self, home: Installation | None = None) -> Iterator[None]:
        """Run the installation's web side at the address that the plugin knows."""
        chosen = home or self.home
        chosen.clock.set(real_now())
        with served(chosen, self.port):
            yield

    def map(self, key: str, form: str = "pain-guide") -> None:
        """Say to which form a builder's form belongs."""
        self.site.php(
            "$s = nurture_settings();"
            "$s['maps'][ $told['key'] ] = array( 'form' => $told['form'] );"
            "return update_option( 'nurture_settings', $s );",
            key=key,
            form=form,
        )

    def signed_in(self) -> str:
        """Sign in as the owner, and return the plugin's settings page."""
        self.site.sign_in()
        return self.site.settings()

    def forget(self) -> None:
        """Uninstall the plugin, as its page in WordPress does."""
        admin = "require_once ABSPATH . 'wp-admin/includes/admin.php';"
        assert self.site.php(admin + FORGET) is True


def guides(sink: SmtpSink) -> Counter[str]:
    """Count the emails by recipient."""
    return Counter(mail.recipients[0] for mail in sink.mails)
