"""Allowed imports: the layers, and the one place for each large library."""

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter import api

from tests.architecture.codebase import PACKAGES, ROOT, belongs_to, modules

CONFIGURATION = str(ROOT / "pyproject.toml")

#: Only these may import the library; celeryconfig.py is Celery's own as well.
AT_HOME = {
    "sqlalchemy": ["nurture.store"],
    "alembic": ["nurture.store"],
    "flask": ["webhooks", "nurture.web"],
    "celery": ["tasks"],
}


def test_no_import_crosses_a_layer_the_wrong_way() -> None:
    # In a process of its own, because it silences every logger of the process it runs in.
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--config", CONFIGURATION, "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_layers_cover_every_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    configuration = api.read_configuration(CONFIGURATION)
    assert set(PACKAGES) <= set(configuration["session_options"]["root_packages"])
    layers = [
        contract for contract in configuration["contracts_options"] if contract["type"] == "layers"
    ]
    assert any(str(contract.get("exhaustive")).lower() == "true" for contract in layers)


@pytest.mark.parametrize("library", AT_HOME)
def test_a_large_library_is_imported_in_one_place_only(library: str) -> None:
    strangers = {
        module.name
        for module in modules()
        if not any(belongs_to(module.name, home) for home in AT_HOME[library])
        for _, full in module.imports
        if belongs_to(full, library)
    }
    assert strangers == set()


def test_every_package_has_an_init_file() -> None:
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert [folder for folder in sorted(folders) if not _is_package(folder)] == []


def _is_package(folder: Path) -> bool:
    # Alembic loads its migrations by path and wants none.
    return (folder / "__init__.py").exists() or "migrations" in folder.parts
