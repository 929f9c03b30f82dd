"""What is done before anything runs: tables, publishing, and what there is to say about it."""

import json
import sys
from pathlib import Path
from typing import Any

from nurture.bootstrap import build, make_mailer, make_sign
from nurture.domain.errors import NurtureError
from nurture.library import read_library
from nurture.services import publishing, reporting
from nurture.store.migrating import migrate


def prepare() -> dict[str, Any]:
    """Bring database and publications up to date; return what the welcome tells."""
    house = build()
    house.settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    migrate(house.settings.database)
    library = read_library(house.library)
    notes: list[str] = []
    try:
        publishing.publish(house.database, library, house.clock())
    except publishing.OwnerWroteThisError as error:
        notes.append(str(error))
    make_mailer(house.settings, house.outbox).close()
    make_sign(house.settings, library.practice.sender_domain)
    standing = reporting.status(house.database, house.fingerprint, house.witness, house.clock())
    return {
        "practice": library.practice.name,
        "forms": [s.sequence.form.key for s in library.sequences if s.sequence.form],
        "notes": notes,
        "to_fill_in": publishing.to_fill_in(library),
        "armed": standing["armed"],
    }


def main(answer: Path) -> None:
    """Prepare in a process of its own, so that the supervisor stays small."""
    try:
        answer.write_text(json.dumps(prepare()))
    except NurtureError as error:
        sys.stderr.write(f"nurture: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
