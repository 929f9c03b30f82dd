"""The WordPress plugin's zip: it holds everything one website needs, and nothing else."""

import io
import re
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from nurture.services.door.plugin import PluginForm, build_zip, plugin_forms
from nurture.services.door.site_keys import Site, UnknownSiteError, add_site, revoke_site
from tests.architecture.codebase import ROOT
from tests.installation import Installation
from tests.machines import command
from tests.presence import at_least_one

SOURCE = ROOT / "webhooks/wordpress"
CONFIG = "nurture-signups/config.php"
BASE = "https://emails.example.org"
ODD = r"Paul's \'guide\' ?> <?php die('x'); ${x} $x"


@pytest.fixture
def site(sqlite_home: Installation) -> Site:
    context = sqlite_home.context
    return add_site(context.database, context.seal, "The practice", sqlite_home.clock.now)


def opened(packed: bytes) -> dict[str, str]:
    with ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def php_texts(code: str) -> list[str]:
    """Return the texts in PHP code, as PHP reads those in single quotes."""
    quoted = re.findall(r"'((?:[^'\\]|\\.)*)'", code, re.DOTALL)
    return [re.sub(r"\\([\\'])", r"\1", text) for text in quoted]


def test_the_zip_holds_the_plugin_and_what_one_website_needs_to_call(
    sqlite_home: Installation, site: Site
) -> None:
    forms = plugin_forms(sqlite_home.context.get_published())
    files = opened(build_zip(site, f"{BASE}/", forms, "4.5.6"))
    own = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*") if path.is_file()}
    assert files.keys() == {f"nurture-signups/{name}" for name in own} | {CONFIG}
    assert "* Version:           4.5.6\n" in files["nurture-signups/nurture-signups.php"]
    texts = php_texts(files[CONFIG])
    assert {BASE, site.key, site.secret, "pain-guide", "over-50-guide"} <= set(texts)
    for form in at_least_one(forms):
        assert {form.title, form.wording, *form.boxes.values()} <= set(texts)
    assert [name for name, text in files.items() if site.secret in text] == [CONFIG]


def test_no_word_of_a_form_is_ever_code(site: Site) -> None:
    form = PluginForm(ODD, ODD, f"{ODD}\\", {})
    code = opened(build_zip(site, BASE, [form], "1"))[CONFIG]
    assert php_texts(code.partition("exit;")[2]).count(ODD) == 2
    assert f"{ODD}\\" in php_texts(code)


def test_the_same_website_gets_the_same_bytes(sqlite_home: Installation, site: Site) -> None:
    forms = plugin_forms(sqlite_home.context.get_published())
    assert build_zip(site, BASE, forms, "1") == build_zip(site, BASE, forms, "1")


def test_the_boxes_are_those_that_have_an_effect(sqlite_home: Installation) -> None:
    published = sqlite_home.context.get_published()
    assert published.segments.health
    shown = {form.key: set(form.boxes) for form in plugin_forms(published)}
    assert shown["pain-guide"] == {"articles", "news", "tracking", "health_topics"}
    healthless = replace(published, segments=replace(published.segments, topics={}))
    shown = {form.key: set(form.boxes) for form in plugin_forms(healthless)}
    assert shown["pain-guide"] == {"articles", "news", "tracking"}


def test_a_website_without_a_key_that_works_gets_no_plugin(site: Site) -> None:
    for useless in (replace(site, key=""), replace(site, revoked_at=site.made_at)):
        with pytest.raises(UnknownSiteError):
            build_zip(useless, BASE, (), "1")


def test_the_command_writes_a_file_for_the_owner_alone(home: Installation, tmp_path: Path) -> None:
    context = home.context
    made = add_site(context.database, context.seal, "The practice", home.clock.now)
    out = tmp_path / "nurture.zip"
    said = command(home, "site-key", "plugin", made.id, "--out", out)
    assert said.exit_code == 0 and "The practice" in said.output
    assert made.secret not in said.output and made.key not in said.output
    assert made.key in opened(out.read_bytes())[CONFIG]
    assert out.stat().st_mode & 0o077 == 0


def test_the_command_says_why_it_writes_nothing(home: Installation, tmp_path: Path) -> None:
    context, out = home.context, tmp_path / "nurture.zip"
    made = add_site(context.database, context.seal, "The practice", home.clock.now)
    revoke_site(context.database, made.id, home.clock.now)
    for number, where in ((made.id, out), (99, out)):
        said = command(home, "site-key", "plugin", number, "--out", where)
        assert said.exit_code == 1 and "website" in said.output
    assert not out.exists()
