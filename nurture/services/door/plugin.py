"""The WordPress plugin: a zip that already knows its address, its key and its forms."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from nurture.domain.subscribers.consent import GUIDE_BOXES, OWN_WORDINGS, Purpose
from nurture.services.catalogue import Published
from nurture.services.door.site_keys import Site, UnknownSiteError

#: The folder of the plugin in WordPress, and the plugin's own files here.
PLUGIN = "nurture-signups"
_FILES = Path(__file__).parents[3] / "webhooks/wordpress"

_KINDS = (".php", ".js", ".json", ".txt")

#: The same files make the same bytes.
_NEVER = (1980, 1, 1, 0, 0, 0)

_VERSION = " * Version:           "


@dataclass(frozen=True, slots=True)
class PluginForm:
    """A form as the plugin shows it: the words and boxes that the consent records prove."""

    key: str
    title: str
    wording: str
    boxes: Mapping[Purpose, str]


def plugin_forms(published: Published) -> tuple[PluginForm, ...]:
    """Return the forms that lead into a sequence, with the boxes that have an effect, by key."""
    idle = frozenset() if published.segments.health else frozenset({Purpose.HEALTH_TOPICS})
    forms = [
        PluginForm(
            form.key,
            sequence.guide_title or sequence.title,
            form.wording,
            {p: OWN_WORDINGS[p] for p in GUIDE_BOXES if p not in idle and p not in form.grants},
        )
        for sequence in published.sequences.values()
        if (form := sequence.form)
    ]
    return tuple(sorted(forms, key=lambda form: form.key))


def build_zip(site: Site, base_url: str, forms: Iterable[PluginForm], version: str) -> bytes:
    """Return the plugin as WordPress installs it, with the website's key and secret inside.

    Raise `UnknownSiteError` for a website whose key is revoked or cannot be read.
    """
    if site.revoked_at or not site.key:
        raise UnknownSiteError(
            "This website has no key that works.", remedy="Make one with “nurture site-key add”."
        )
    files = dict(_plugin_files(version))
    files["config.php"] = _config(site, base_url, forms)
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = ZipInfo(f"{PLUGIN}/{name}", _NEVER)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content.encode())
    return packed.getvalue()


def _plugin_files(version: str) -> Iterator[tuple[str, str]]:
    for path in _FILES.rglob("*"):
        if path.suffix in _KINDS:
            text = path.read_text(encoding="utf-8")
            yield path.relative_to(_FILES).as_posix(), _with_version(text, version)


def _with_version(text: str, version: str) -> str:
    return text.replace(f"{_VERSION}0.0.0\n", f"{_VERSION}{version}\n")


def _config(site: Site, base_url: str, forms: Iterable[PluginForm]) -> str:
    told = {form.key: _as_told(form) for form in forms}
    values = {
        "address": base_url.rstrip("/"),
        "key": site.key,
        "secret": site.secret,
        "forms": told,
    }
    return (
        "<?php\n/**\n * What this website calls, and with which key. Keep it to yourself.\n *\n"
        " * @package Nurture_Signups\n */\n\ndefined( 'ABSPATH' ) || exit;\n\n"
        f"return {_php(values)};\n"
    )


def _as_told(form: PluginForm) -> dict[str, object]:
    boxes = {str(purpose): wording for purpose, wording in form.boxes.items()}
    return {"title": form.title, "wording": form.wording, "boxes": boxes}


def _php(value: object, depth: int = 0) -> str:
    """Return texts and objects of texts as a PHP expression; nothing in a text is ever code."""
    if not isinstance(value, Mapping):
        return _php_text(str(value))
    inside = "\t" * (depth + 1)
    lines = (f"{inside}{_php_text(k)} => {_php(v, depth + 1)},\n" for k, v in value.items())
    return "array(\n" + "".join(lines) + "\t" * depth + ")"


def _php_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
