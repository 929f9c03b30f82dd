"""The table of components says what the MJML compiler does with each attribute."""

import re

import pytest

from nurture.rendering.lint.mjml import lint_mjml
from nurture.rendering.syntax.components import Component, components
from tests.rendering.lint.mjml_sources import body, column, compiled

#: Where a component stands while its attributes are tried, and what it needs beside them so
#: that each can have its effect.
FRAMES = {
    "mj-body": "<mjml>|<mj-section><mj-column width='50%' /></mj-section></mj-body></mjml>",
    "mj-section": body("|<mj-column><mj-text>a</mj-text></mj-column></mj-section>"),
    "mj-wrapper": body("|<mj-section><mj-column /></mj-section></mj-wrapper>"),
    "mj-group": body("<mj-section>|<mj-column /></mj-group></mj-section>"),
    "mj-column": body("<mj-section>|</mj-column></mj-section>"),
    "mj-hero": body("|<mj-text>a</mj-text></mj-hero>"),
    "mj-text": column("|a</mj-text>"),
    "mj-button": column("|a</mj-button>"),
    "mj-table": column("|<tr></tr></mj-table>"),
    "mj-image": column("|</mj-image>"),
    "mj-spacer": column("|</mj-spacer>"),
    "mj-divider": column("|</mj-divider>"),
    "mj-raw": column("|a</mj-raw>"),
    "mj-social": column("|<mj-social-element name='web'>a</mj-social-element></mj-social>"),
    "mj-social-element": column("<mj-social>|a</mj-social-element></mj-social>"),
    "mj-navbar": column("|<mj-navbar-link href='h'>a</mj-navbar-link></mj-navbar>"),
    "mj-navbar-link": column("<mj-navbar>|a</mj-navbar-link></mj-navbar>"),
    "mj-carousel": column(
        "|<mj-carousel-image src='a' alt='' /><mj-carousel-image src='b' alt='' /></mj-carousel>"
    ),
    "mj-carousel-image": column(
        "<mj-carousel>|</mj-carousel-image><mj-carousel-image src='b' alt='' /></mj-carousel>"
    ),
    "mj-accordion": column(
        "|<mj-accordion-element><mj-accordion-title>a</mj-accordion-title>"
        "</mj-accordion-element></mj-accordion>"
    ),
    "mj-accordion-element": column(
        "<mj-accordion>|<mj-accordion-title>a</mj-accordion-title>"
        "<mj-accordion-text>a</mj-accordion-text></mj-accordion-element></mj-accordion>"
    ),
    "mj-accordion-title": column(
        "<mj-accordion><mj-accordion-element>|a</mj-accordion-title>"
        "</mj-accordion-element></mj-accordion>"
    ),
    "mj-accordion-text": column(
        "<mj-accordion><mj-accordion-element>|a</mj-accordion-text>"
        "</mj-accordion-element></mj-accordion>"
    ),
}
NEEDED = {
    "mj-section": {"background-url": "u"},
    "mj-wrapper": {"background-url": "u"},
    "mj-hero": {"background-url": "u", "height": "400px", "background-height": "3px"},
    "mj-column": {"padding": "1px"},
    "mj-button": {"href": "h"},
    "mj-image": {"src": "s", "alt": "a", "href": "h"},
    "mj-social-element": {"name": "web", "href": "h"},
    "mj-navbar": {"hamburger": "hamburger"},
    "mj-navbar-link": {"href": "h"},
    "mj-carousel-image": {"src": "s", "alt": "a", "href": "h"},
}
SAMPLES = ["qjinja0n", "37px", "#123456", "1px solid red", "left", "right", "fluid-height", "true"]
SAMPLES += ["100", "hidden", "full-width", "vertical", "none", "fixed", "file-start", "bold"]


def framed(component: str, attributes: dict[str, str]) -> str:
    given_ones = " ".join(
        f'{name}="{value}"' for name, value in (NEEDED.get(component, {}) | attributes).items()
    )
    return FRAMES[component].replace("|", f"<{component} {given_ones}>")


def without_made_up_names(html: str) -> str:
    return re.sub(r"[0-9a-f]{16}", "", html)


def effect(component: str, attributes: dict[str, str]) -> str:
    return without_made_up_names(compiled(framed(component, attributes)))


@pytest.mark.parametrize("name", FRAMES)
def test_attributes_listed_as_ignored_have_no_effect(name: str) -> None:
    bare, ignored = effect(name, {}), components()[name].ignored
    effects = {each: {effect(name, {each: value}) for value in SAMPLES} for each in ignored}
    assert effects == {each: {bare} for each in ignored}


@pytest.mark.parametrize("name", FRAMES)
def test_only_the_attributes_listed_as_computed_swallow_a_placeholder(
    name: str,
) -> None:
    component = components()[name]
    carried = {
        attribute
        for attribute in component.attributes.keys() - component.ignored
        if "qjinja0n" in effect(name, {attribute: "qjinja0n"})
    }
    assert carried == component.attributes.keys() - component.ignored - component.computed


@pytest.mark.parametrize("name", FRAMES)
def test_every_component_accepts_each_of_its_attributes(name: str) -> None:
    component = components()[name]
    findings = [
        str(finding)
        for attribute in component.attributes.keys() - component.ignored
        for finding in lint_mjml(framed(name, {attribute: sample_of(component, attribute)}))
        if f"<{name}>" in finding.message
    ]
    assert findings == []


def sample_of(component: Component, attribute: str) -> str:
    kind = component.attributes[attribute]
    if kind.startswith("enum("):
        return kind[5:-1].split(",")[0]
    named = {"color": "#123", "boolean": "true", "integer": "2", "string": "a"}
    return named.get(kind, "2px")
