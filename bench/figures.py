"""The table of results, and the same figures for other programs."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

#: Of the table, where it goes to a file.
_WIDTH = 132

STORES = ("SQLite", "PostgreSQL")


@dataclass
class Row:
    """One line of the table: what was measured, and the result on each database."""

    section: str
    what: str
    shown: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    to_reach: str = ""


class Book:
    """All figures of a run, in the order in which their rows first appeared."""

    def __init__(self, machine: dict[str, Any]) -> None:
        self.machine = machine
        self._rows: dict[tuple[str, str], Row] = {}

    def note(
        self, section: str, what: str, store: str, shown: str, values: Any, to_reach: str = ""
    ) -> None:
        """Record one figure; `store` is empty for a figure without a database."""
        row = self._rows.setdefault((section, what), Row(section, what, to_reach=to_reach))
        row.shown[store or STORES[0]] = shown
        row.values[store or "both"] = values

    def write(self, path: Path) -> None:
        """Write the figures as JSON."""
        document = {"machine": self.machine, "rows": [asdict(row) for row in self._in_order()]}
        path.write_text(json.dumps(document, indent=1) + "\n")

    def show(self) -> None:
        """Print the table."""
        console = Console()
        if not console.is_terminal:
            console.width = _WIDTH
        console.print(self._table())
        for name, said in self.machine.items():
            console.print(f"{name}: {said}", highlight=False, markup=False)

    def _in_order(self) -> list[Row]:
        sections = list(dict.fromkeys(section for section, _ in self._rows))
        rows = list(self._rows.values())
        return sorted(rows, key=lambda row: sections.index(row.section))

    def _table(self) -> Table:
        table = Table("", *STORES, "to reach", highlight=False)
        section = None
        for row in self._in_order():
            if row.section != section:
                table.add_section()
                table.add_row(f"[bold]{row.section}")
                section = row.section
            table.add_row(row.what, *(row.shown.get(s, "") for s in STORES), row.to_reach)
        return table
