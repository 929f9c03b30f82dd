"""Making signed evidence about a person in a test."""

from nurture.domain.complaints import read_wording
from nurture.services.complaints.receipt import receive
from nurture.services.evidence.bundle import EvidenceSource, make_bundle
from tests.installation import BASE_URL, Installation

ANN = "ann@example.org"


def source(home: Installation) -> EvidenceSource:
    """Return what evidence is made from in an installation."""
    context = home.context
    return EvidenceSource(*context.stored, context.tokens, context.seal, BASE_URL)


def bundle(home: Installation, address: str = ANN) -> bytes:
    """Return signed evidence about a person."""
    return make_bundle(source(home), address, home.clock.now)


def with_history(home: Installation) -> Installation:
    """Let Ann sign up, collect her guide, get an article, and complain."""
    home.subscribe(ANN, first_name="Ann")
    home.deliver()
    home.collect(tracking=True)
    home.live(days=3)
    wording = read_wording("Why do you write to me?", "Ann", "email", "")
    receive(home.context.database, wording, ANN, "192.0.2.7", home.clock.now)
    return home
