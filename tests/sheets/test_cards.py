"""Cards of an address book are rows, and worth no more than an address book is."""

from pathlib import Path

from nurture.domain.imports.piles import Pile
from tests.sheets.files import only_sheet, piles_of, rows_of, written

CARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Other;Ann;;;\r\nFN:Ann Other\r\n"
    "EMAIL;type=INTERNET;type=WORK:work@example.org\r\n"
    "item1.EMAIL;type=INTERNET;type=pref:ann@exam\r\n ple.org\r\n"
    "TEL;type=CELL:+44 20 7183 1164\r\nCATEGORIES:golf,back\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ\r\n SkZJRg\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Bob de Vries\r\nN:de Vries;Bob\\, Jr;;;\r\n"
    "EMAIL;PREF=1:bob@example.org\r\nTEL;VALUE=uri:tel:+44-20\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BC=\r\n"
    "ller;Zo=C3=AB;;;\r\nEMAIL:zoe@example.org\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:No Address\r\nEND:VCARD\r\n"
)


def test_cards_of_all_versions_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "people.vcf", CARDS)
    assert only_sheet(path).reading.program == "cards"
    ann, bob, zoe, nobody = rows_of(path)
    assert (ann.line, ann.address, ann.phone) == (1, "ann@example.org", "+44 20 7183 1164")
    assert (ann.first_name, ann.last_name, ann.tags) == ("Ann", "Other", ("golf", "back"))
    assert (bob.first_name, bob.last_name, bob.phone) == ("Bob, Jr", "de Vries", "+44-20")
    assert (zoe.first_name, zoe.last_name) == ("Zoë", "Müller")
    assert (nobody.first_name, nobody.last_name) == ("No", "Address")


def test_cards_prove_nothing(tmp_path: Path) -> None:
    piles = [pile for _, pile in piles_of(written(tmp_path, "people.vcf", CARDS))]
    assert piles == [Pile.UNKNOWN, Pile.UNKNOWN, Pile.UNKNOWN, Pile.MISTAKES]
