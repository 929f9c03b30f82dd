"""Forty days after a list was brought in: everyone is there, and nobody was emailed."""

from nurture.store.tables.messages import messages
from nurture.store.tables.subscribers import subscribers
from tests.installation import Installation
from tests.installations import ScriptedSink
from tests.lists import agreed, bring, client, said


def test_upkeep_spares_people_of_a_list_and_emails_none_of_them(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    proved = [agreed(f"agreed.{n}@example.org") for n in range(100)]
    clients = [client(f"client.{n}@example.org") for n in range(50)]
    assert bring(home, proved + clients, said({"articles", "series:pain-guide"})).changed == 150
    for _ in range(40):
        home.live(days=1)
        home.deliver()
        home.upkeep()
    there = [row for row in home.rows(subscribers) if not row["erased"]]
    assert len(there) == 150
    assert sum("articles" in row["purposes"] for row in there) == 100
    assert sum(row["client_basis_at"] is not None for row in there) == 50
    assert smtp_sink.mails == [] and home.rows(messages) == []


def test_silence_is_counted_from_the_import_and_not_from_the_date_in_the_list(
    home: Installation, smtp_sink: ScriptedSink
) -> None:
    bring(home, [agreed("agreed@example.org")], said({"articles"}))
    for _ in range(6):
        home.live(days=30)
        home.upkeep()
    asked = [mail for mail in smtp_sink.mails if "agreed@example.org" in mail.recipients]
    assert asked == []
    assert home.person("agreed@example.org")["confirmed_at"] is not None
