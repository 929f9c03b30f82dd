"""The practice on whose behalf everything is sent."""

from dataclasses import dataclass, field

from nurture.domain.scheduling.hours import Rhythm


@dataclass(frozen=True, slots=True)
class Practice:
    """The sender, its address, and what the law requires; empty means not known yet."""

    name: str
    owner: str
    address: tuple[str, ...]
    phone: str
    email: str
    website_url: str
    sender_name: str
    sender_address: str
    reply_to: str
    blog_url: str = ""
    booking_url: str = ""
    time_zone: str = "Europe/London"
    language: str = "en-GB"
    disclosure: str = ""
    privacy_url: str = ""
    privacy_version: str = ""
    rhythm: Rhythm = field(default_factory=Rhythm)
    #: Whether links in emails to the website name the email, and which source they then name.
    link_utm: bool = False
    link_utm_source: str = "email"

    @property
    def address_line(self) -> str:
        """The postal address on one line."""
        return ", ".join(self.address)

    @property
    def sender_domain(self) -> str:
        """The domain that emails are sent from."""
        return self.sender_address.rpartition("@")[2]

    def to_fill_in(self) -> list[str]:
        """Return what the owner has not filled in yet, each as a sentence with its consequence."""
        wanted = {
            "blog_url": "Emails whose article has no address of its own lead to the website.",
            "booking_url": "Invitations lead to the website until the booking page is known.",
            "privacy_url": "The consent records name no privacy notice.",
        }
        return [f"{name} is empty. {so}" for name, so in wanted.items() if not getattr(self, name)]
